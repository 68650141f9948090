// What a card allows per-rating SGD, and what it makes of it: bandwidths of random rows by working set, and training
// epochs over shape x popularity x rank x storage x plan. bench/model.py sets its predictions beside them.
//
//   card_bench [--shape netflix,...] [--most-ratings 100000000] [--skew uniform,...] [--rank 32,...]
//              [--storage fp32,...] [--plan chunks,...] [--epochs 4] [--small] [--out FILE.json]
//
// Exit code 0: all results are right; 1: one is not, and is named; 77: no device. On the interpreter results are
// checked as on a card, and times are "not a device".
#include "bench/card_facts.hpp"
#include "bench/card_kernels.hpp"
#include "host/api/engines.hpp"
#include "host/config/names.hpp"
#include "host/train/grid_rows.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <utility>

namespace {

using namespace wf;
using namespace wf::bench;

struct CardSettings {
  std::vector<std::string> shapes{"ml-25m", "netflix", "hugewiki"}, skews{"uniform", "zipf", "steep"};
  std::vector<int> ranks{32, 64, 128};
  std::vector<std::string> storages{"fp32", "fp16", "bf16"}, plans{"chunks", "tiles"};
  Position most_ratings = 100'000'000;
  int epochs = 4;
  std::vector<double> megabytes{4, 8, 16, 24, 32, 40, 512};
  Position visits = Position{1} << 22;
  int samples = 5;
  bool small = false;
  std::string out;
};

// ------------------------------------------------------------------------------------------------ rows

constexpr std::pair<Visit, const char*> kVisits[] = {
    {Visit::read, "read"}, {Visit::write, "read and write"}, {Visit::add, "atomic add"}};

/// Rows by a power law with exponent 1: the r-th of them for u between log(r) and log(r + 1) of log(count).
std::vector<RowId> zipf_rows(Position visits, Position count) {
  std::vector<RowId> rows = random_rows(visits, Position{1} << 24);
  const double log_count = std::log(static_cast<double>(count));
  for (RowId& row : rows) {
    const double rank = std::exp(log_count * row / static_cast<double>(1 << 24));
    row = static_cast<RowId>(std::min(static_cast<Position>(rank), count) - 1);
  }
  return rows;
}

/// Have the rows what their visits have left? Additions are all there; of writes at least one.
bool holds_visits(Visit visit, const std::vector<float>& table, const std::vector<float>& sums,
                  const std::vector<Position>& visits_of, const std::vector<RowId>& rows, int rank) {
  if (visit == Visit::read) {  // the table has its rows' numbers, modulo 1024
    for (std::size_t n = 0; n < rows.size(); ++n) {
      if (sums[n] != static_cast<float>(rows[n] % 1024 * rank)) return false;
    }
    return true;
  }
  for (std::size_t f = 0; f < table.size(); ++f) {
    const std::size_t row = f / static_cast<std::size_t>(rank);
    const auto visits = static_cast<float>(visits_of[row]);
    const float added = table[f] - static_cast<float>(row % 1024);
    if (visit == Visit::add ? added != visits : added > visits || (visits > 0 && added < 1)) return false;
  }
  return true;
}

/// One table, visited `settings.visits` times in each way.
void measure_table(const CardSettings& settings, const Context& gpu, double megabytes, int rank, bool zipf, Json& into,
                   bool& correct) {
  const auto count = static_cast<Position>(megabytes * 1e6 / (4 * rank));
  const std::vector<RowId> rows = zipf ? zipf_rows(settings.visits, count) : random_rows(settings.visits, count);
  std::vector<Position> visits_of(static_cast<std::size_t>(count));
  for (const RowId row : rows) ++visits_of[static_cast<std::size_t>(row)];
  std::vector<float> start(static_cast<std::size_t>(count * rank));
  for (std::size_t f = 0; f < start.size(); ++f) {
    start[f] = static_cast<float>(f / static_cast<std::size_t>(rank) % 1024);
  }
  DeviceBuffer<float> table(count * rank, gpu.compute()), sums(settings.visits, gpu.compute());
  DeviceBuffer<RowId> there(settings.visits, gpu.compute());
  copy_bytes(gpu, there.data(), rows.data(), there.bytes(), cudaMemcpyHostToDevice);
  const Rows<float, Device> view{table.data(), count, rank, rank};
  for (const auto& [visit, name] : kVisits) {
    const auto run = [&, visit = visit] { visit_rows(gpu, visit, view, std::as_const(there).span(), sums.span()); };
    copy_bytes(gpu, table.data(), start.data(), table.bytes(), cudaMemcpyHostToDevice);
    run();
    std::vector<float> after(start.size()), sums_after(rows.size());
    copy_bytes(gpu, after.data(), table.data(), table.bytes(), cudaMemcpyDeviceToHost);
    copy_bytes(gpu, sums_after.data(), sums.data(), visit == Visit::read ? sums.bytes() : 0, cudaMemcpyDeviceToHost);
    gpu.wait();
    const bool right = holds_visits(visit, after, sums_after, visits_of, rows, rank);
    if (!right) std::cerr << fmt::format("card_bench: {} of {} MB, rank {}, is wrong\n", name, megabytes, rank);
    correct = correct && right;
    const double row_bytes = 4.0 * rank * (visit == Visit::read ? 1 : 2) + 4;
    Json record{{"visit", name},
                {"row_bytes", 4 * rank},
                {"table_mb", megabytes},
                {"rows", zipf ? "zipf 1" : "uniform"},
                {"correct", right}};
    record.update(bandwidth(settings.samples, settings.small ? 1 : 10, gpu,
                            row_bytes * static_cast<double>(settings.visits), run));
    into.push_back(record);
  }
}

Json measure_rows(const CardSettings& settings, bool& correct) {
  const Context gpu;
  Json records = Json::array();
  for (const double megabytes : settings.megabytes) {
    for (const int rank : {32, 64, 128}) {
      for (const bool zipf : {false, true}) measure_table(settings, gpu, megabytes, rank, zipf, records, correct);
    }
  }
  return records;
}

/// GB/s of pinned memory to the device.
Json measure_bus(const CardSettings& settings, bool& correct) {
  const Context gpu;
  const Position bytes = settings.small ? 1 << 16 : 256 << 20;
  const PinnedBuffer from(bytes);
  std::fill_n(from.data(), bytes, 'w');
  DeviceBuffer<char> to(bytes, gpu.compute());
  Json record = bandwidth(settings.samples, settings.small ? 1 : 10, gpu, static_cast<double>(bytes),
                          [&] { copy_bytes(gpu, to.data(), from.data(), bytes, cudaMemcpyHostToDevice); });
  std::vector<char> back(static_cast<std::size_t>(bytes));
  copy_bytes(gpu, back.data(), to.data(), bytes, cudaMemcpyDeviceToHost);
  gpu.wait();
  correct = correct && std::all_of(back.begin(), back.end(), [](char c) { return c == 'w'; });
  return record;
}

// ------------------------------------------------------------------------------------------------ epochs

/// Users and ratings of a shape that is larger than asked for shrink together; items stay.
SyntheticShape shape_named(const CardSettings& settings, const std::string& name, const std::string& skew) {
  const auto& shapes = synthetic_shapes();
  SyntheticShape shape = *std::find_if(shapes.begin(), shapes.end(), [&](const auto& s) { return s.name == name; });
  if (shape.n_ratings > settings.most_ratings) {
    const double part = static_cast<double>(settings.most_ratings) / static_cast<double>(shape.n_ratings);
    shape.n_users = std::max<Position>(1, static_cast<Position>(part * static_cast<double>(shape.n_users)));
    shape.n_ratings = settings.most_ratings;
  }
  if (skew == "uniform") shape.user_skew = shape.item_skew = 0;
  if (skew == "steep") shape.item_skew = 1.1;
  return shape;
}

struct EpochCase {
  int rank;
  std::string storage, plan;
};

Json measure_epochs(const CardSettings& settings, const SyntheticShape& shape, const Ratings& ratings,
                    const EpochCase& c, bool& correct) {
  TrainConfig config;
  config.rank = c.rank;
  config.storage = *from_name<Storage>(c.storage);
  config.device_plan = *from_name<SgdPlan>(c.plan);
  config.optimizer = Optimizer::row_adagrad;
  config.lr = kRowAdagradLr;
  config.lambda_user = config.lambda_item = 0.05;
  config.epochs = settings.epochs;
  const std::unique_ptr<Engine> engine = make_engine("cuda", 0, false, config.device_plan).engine;
  config.grid = default_grid_size(ratings.size(), shape.n_users, shape.n_items, config.rank, engine->grid_wish());
  Model model = make_model(shape.n_users, shape.n_items, config.rank, true);
  initialise(model, config.init, config.seed, -1, -1);
  model.global_mean = 3.5F;
  const TrainResult result = engine->train(model, ratings.clone(), {}, config, {});
  std::vector<double> rates;
  for (std::size_t e = 1; e < result.epochs.size(); ++e) {  // the first one moves the slow factors alone
    rates.push_back(static_cast<double>(ratings.size()) / result.epochs[e].seconds);
  }
  const Timing sorted{rates, 1};
  const bool right = result.epochs.back().train_rmse < result.epochs.front().train_rmse;
  correct = correct && right;
  return {{"rank", c.rank},
          {"storage", c.storage},
          {"plan", c.plan},
          {"grid", config.grid},
          {"correct", right},
          {"train_rmse", result.epochs.back().train_rmse},
          {"ratings_per_s", measured(sorted.median())},
          {"slowest", measured(sorted.least())},
          {"fastest", measured(sorted.most())}};
}

Json measure_shapes(const CardSettings& settings, bool& correct) {
  Json records = Json::array();
  for (const std::string& name : settings.shapes) {
    for (const std::string& skew : settings.skews) {
      const SyntheticShape shape = shape_named(settings, name, skew);
      const Ratings ratings = ratings_of(shape, 42);
      for (const int rank : settings.ranks) {
        for (const std::string& storage : settings.storages) {
          for (const std::string& plan : settings.plans) {
            Json record{{"shape", name},
                        {"skew", skew},
                        {"users", shape.n_users},
                        {"items", shape.n_items},
                        {"ratings", ratings.size()}};
            record.update(measure_epochs(settings, shape, ratings, {rank, storage, plan}, correct));
            if (!record["correct"].get<bool>()) {
              std::cerr << fmt::format("card_bench: {} {} {} {} {} has not learnt\n", name, skew, rank, storage, plan);
            }
            records.push_back(record);
          }
        }
      }
      std::cerr << fmt::format("card_bench: {}, {}: done\n", name, skew);
    }
  }
  return records;
}

int run(const CardSettings& settings) {
  bool correct = true;
  Json report;
  report["device"] = describe_device();
  report["bus"] = measure_bus(settings, correct);
  report["rows"] = measure_rows(settings, correct);
  report["epochs"] = measure_shapes(settings, correct);
  if (settings.out.empty()) {
    std::cout << report.dump(1) << "\n";
  } else {
    write_file(settings.out, report.dump(1) + "\n");
  }
  std::cerr << fmt::format("card_bench: {} tables, {} trainings, {}\n", report["rows"].size(), report["epochs"].size(),
                           correct ? "all right" : "not all right");
  return correct ? 0 : 1;
}

template <class Enum>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const auto& [name, value] : Names<Enum>::table) names.emplace_back(name);
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  CardSettings settings;
  std::vector<std::string> shapes;
  for (const SyntheticShape& shape : synthetic_shapes()) shapes.push_back(shape.name);
  CLI::App app("What a card allows per-rating SGD, and what it makes of it.");
  app.add_option("--shape", settings.shapes)->delimiter(',')->check(CLI::IsMember(shapes));
  app.add_option("--most-ratings", settings.most_ratings, "larger shapes shrink")->check(CLI::PositiveNumber);
  app.add_option("--skew", settings.skews, "zipf: the shape's own; steep: items by r^-1.1")
      ->delimiter(',')
      ->check(CLI::IsMember({"uniform", "zipf", "steep"}));
  app.add_option("--rank", settings.ranks)->delimiter(',')->check(CLI::Range(1, kMaxRank));
  app.add_option("--storage", settings.storages)->delimiter(',')->check(CLI::IsMember(names_of<Storage>()));
  app.add_option("--plan", settings.plans)->delimiter(',')->check(CLI::IsMember(names_of<SgdPlan>()));
  app.add_option("--epochs", settings.epochs)->check(CLI::Range(2, 1000));
  app.add_flag("--small", settings.small, "a few seconds on the interpreter");
  app.add_option("--out", settings.out, "JSON goes here instead of to the standard output");
  CLI11_PARSE(app, argc, argv);
  if (settings.small) {
    if (app.count("--shape") == 0) settings.shapes = {"ml-100k"};
    if (app.count("--rank") == 0) settings.ranks = {32};
    if (app.count("--most-ratings") == 0) settings.most_ratings = 20'000;
    settings.megabytes = {0.25};
    settings.visits = 3000;
  }
  return run_on_device("card_bench", [&] { return run(settings); });
}
