// Top-N lists of all users beside the bare matrix product of the same shape: OpenBLAS's sgemm into one buffer of 1,024
// users that is used again and again, and, where memory has room, into the whole table of users x items. On the same
// cores in one run, in turn; medians. The lists of the first users are checked against the product first.
//
//     top_lists_bench [SHAPE [RANK [N [SAMPLES]]]]      default: ml-20m 64 10 5; prints one JSON object
//
// Beside the shape's users and items, its ratings are what users have seen and is left out; the model has biases.
#include "host/base/thread_pool.hpp"
#include "host/cpu/top_lists.hpp"
#include "host/ratings/synthetic.hpp"

#include <cblas.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>

namespace {

using namespace wf;

constexpr Position kBlock = 1024;  // users of a product into the small buffer

struct Problem {
  SyntheticShape shape;
  Model model;
  ItemSets seen;
  std::vector<RowId> users, items;
};

Problem make_problem(const std::string& name, int rank) {
  Problem problem;
  for (const SyntheticShape& shape : synthetic_shapes()) {
    if (shape.name == name) problem.shape = shape;
  }
  if (problem.shape.n_users == 0) throw std::invalid_argument("no shape is called " + name);
  Ratings ratings;
  synthesize(problem.shape, 1, [&ratings](const SyntheticRating* part, Position count) {
    for (Position n = 0; n < count; ++n) ratings.push_back(part[n].user, part[n].item, part[n].value);
  });
  problem.seen = ItemSets(ratings.view(), problem.shape.n_users, problem.shape.n_items);
  problem.model = make_model(problem.shape.n_users, problem.shape.n_items, rank, true);
  InitConfig init;
  init.kind = Init::scaled;
  initialise(problem.model, init, 1, -1, -1);
  problem.users.resize(static_cast<std::size_t>(problem.shape.n_users));
  problem.items.resize(static_cast<std::size_t>(problem.shape.n_items));
  std::iota(problem.users.begin(), problem.users.end(), 0);
  std::iota(problem.items.begin(), problem.items.end(), 0);
  return problem;
}

Span<const RowId, Host> span_of(const std::vector<RowId>& rows) {
  return {rows.data(), static_cast<Position>(rows.size())};
}

std::vector<std::vector<Recommendation>> lists_of(const Problem& problem, Position n, ThreadPool& pool) {
  const ItemPanels panels(problem.model.view(), {}, span_of(problem.items), pool);
  return panels.top_lists(span_of(problem.users), problem.seen, n, pool);
}

void product(const Model& model, Position first, Position count, float* scores) {
  const auto items = static_cast<blasint>(model.n_items);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(count), items, model.rank, 1,
              model.tables.user_factors.data() + first * model.rank, model.rank, model.tables.item_factors.data(),
              model.rank, 0, scores, items);
}

/// Biases are 0: a list must hold what the product has, but for rounding.
bool agree(const Problem& problem, Position n, const std::vector<std::vector<Recommendation>>& lists) {
  const Model& model = problem.model;
  const Position count = std::min(kBlock, model.n_users);
  HostBuffer<float> scores(checked_product(count, model.n_items));
  product(model, 0, count, scores.data());
  for (Position user = 0; user < count; ++user) {
    const Span<const RowId, Host> seen = problem.seen.of(static_cast<RowId>(user));
    const auto expected = top_items(std::as_const(scores).span().part(user * model.n_items, model.n_items), n,
                                    [&](const auto& f) { for_rows_but(0, model.n_items, seen, f); });
    const auto& found = lists[static_cast<std::size_t>(user)];
    if (found.size() != expected.size()) return false;
    for (std::size_t k = 0; k < found.size(); ++k) {
      if (!(std::fabs(found[k].score - expected[k].score) < 1e-5F)) return false;
    }
  }
  return true;
}

double seconds_of(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto word = [&](std::size_t n, const char* usual) { return words.size() > n ? words[n] : std::string(usual); };
  const Problem problem = make_problem(word(0, "ml-20m"), std::stoi(word(1, "64")));
  const Position n = std::stoll(word(2, "10"));
  const int samples = std::stoi(word(3, "5"));
  const Model& model = problem.model;
  const Position all = checked_product(model.n_users, model.n_items);
  const Position free_bytes = Position{sysconf(_SC_AVPHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  const bool whole = all * Position{sizeof(float)} < free_bytes / 10 * 9;
  ThreadPool pool;
  openblas_set_num_threads(pool.size());

  if (!agree(problem, n, lists_of(problem, n, pool))) {
    std::cerr << "top_lists_bench: lists and product differ\n";
    return 1;
  }
  HostBuffer<float> block(checked_product(std::min(kBlock, model.n_users), model.n_items)), table(whole ? all : 0);
  std::vector<double> lists, by_blocks, at_once;
  for (int sample = 0; sample < samples; ++sample) {
    lists.push_back(seconds_of([&] { lists_of(problem, n, pool); }));
    by_blocks.push_back(seconds_of([&] {
      for (Position first = 0; first < model.n_users; first += kBlock) {
        product(model, first, std::min(kBlock, model.n_users - first), block.data());
      }
    }));
    if (whole) at_once.push_back(seconds_of([&] { product(model, 0, model.n_users, table.data()); }));
  }
  nlohmann::ordered_json report{{"shape", problem.shape.name},
                                {"users", model.n_users},
                                {"items", model.n_items},
                                {"rank", model.rank},
                                {"n", n},
                                {"threads", pool.size()},
                                {"simd", name_of(usable_simd().back())},
                                {"samples", samples}};
  report["lists_s"] = median(lists);
  report["sgemm_by_1024_users_s"] = median(by_blocks);
  report["ratio_by_1024_users"] = median(lists) / median(by_blocks);
  if (whole) {
    report["sgemm_at_once_s"] = median(at_once);
    report["ratio_at_once"] = median(lists) / median(at_once);
  }
  report["lists_samples"] = lists;
  report["sgemm_by_1024_users_samples"] = by_blocks;
  report["sgemm_at_once_samples"] = at_once;
  report["sgemm"] = openblas_get_config();
  std::cout << report.dump(1) << "\n";
  return 0;
}
