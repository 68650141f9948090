// Ratings per second of one epoch on the cpu engine: shape x rank x batch size x threads x popularity. First one epoch
// is trained on the reference, too; where the two differ nothing is timed, and the program ends with 1.
//
//     training_bench --benchmark_filter='millions:1/rank:64/batch:0/' --benchmark_format=json
//
// Ratings, tables and schedule are made outside the clock; the engine's own seconds are what is reported.
#include "host/api/engines.hpp"
#include "host/base/thread_pool.hpp"
#include "host/ratings/synthetic.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <iostream>

namespace {

using namespace wf;

struct Problem {
  SyntheticShape shape;
  Ratings ratings;
};

Problem make_problem(const std::string& name, bool skewed) {
  Problem problem;
  for (const SyntheticShape& shape : synthetic_shapes()) {
    if (shape.name == name) problem.shape = shape;
  }
  if (!skewed) problem.shape.user_skew = problem.shape.item_skew = 0;
  synthesize(problem.shape, 1, [&problem](const SyntheticRating* part, Position count) {
    for (Position n = 0; n < count; ++n) problem.ratings.push_back(part[n].user, part[n].item, part[n].value);
  });
  return problem;
}

/// The latest problem is kept: cases that follow each other share it.
const Problem& problem_of(Position millions, bool skewed) {
  static Problem kept;
  static std::string kept_key;
  const std::string name = "ml-" + std::to_string(millions) + "m";
  const std::string key = name + (skewed ? ", skewed" : "");
  if (key != kept_key) kept = make_problem(name, skewed);
  kept_key = key;
  return kept;
}

TrainConfig make_config(int rank, Position batch_size) {
  TrainConfig config;
  config.rank = rank;
  config.batch_size = batch_size;
  config.epochs = 1;
  if (batch_size > 0) {
    config.lr = 1;
    config.lambda_user = config.lambda_item = config.lambda_bias = 0;
    config.biases = false;
  }
  return config;
}

Model start_model(const Problem& problem, const TrainConfig& config) {
  Model model = make_model(problem.shape.n_users, problem.shape.n_items, config.rank, config.biases);
  initialise(model, config.init, 1, -1, -1);
  return model;
}

float largest_difference(const HostBuffer<float>& a, const HostBuffer<float>& b) {
  float largest = 0;
  for (Position n = 0; n < a.size(); ++n) largest = std::max(largest, std::fabs(a[n] - b[n]));
  return largest;
}

/// Trains an epoch on both engines from the same tables; elements differ by rounding alone, below 1e-4.
bool agrees_with_reference(const Problem& problem, int rank, Position batch_size) {
  const TrainConfig config = make_config(rank, batch_size);
  Tables tables[2];
  double losses[2];
  const char* const engines[2] = {"reference", "cpu"};
  for (int e = 0; e < 2; ++e) {
    Model model = start_model(problem, config);
    const auto engine = make_engine(engines[e], 0).engine;
    losses[e] = engine->train(model, problem.ratings.clone(), {}, config, {}).epochs.front().train_loss;
    tables[e] = std::move(model.tables);
  }
  const float difference = std::max(largest_difference(tables[0].user_factors, tables[1].user_factors),
                                    largest_difference(tables[0].item_factors, tables[1].item_factors));
  if (difference < 1e-4F && std::fabs(losses[1] / losses[0] - 1) < 1e-5) return true;
  std::cerr << "training_bench: cpu and reference differ: rank " << rank << ", batch " << batch_size << ": factors by "
            << difference << ", losses " << losses[1] << " and " << losses[0] << "\n";
  return false;
}

void train_epoch(benchmark::State& state) {
  const Problem& problem = problem_of(state.range(0), state.range(4) != 0);
  TrainConfig config = make_config(static_cast<int>(state.range(1)), state.range(2));
  config.threads = static_cast<int>(state.range(3));
  const auto engine = make_engine("cpu", config.threads).engine;
  while (state.KeepRunning()) {
    Model model = start_model(problem, config);
    const TrainResult result = engine->train(model, problem.ratings.clone(), {}, config, {});
    state.SetIterationTime(result.epochs.front().seconds);
  }
  state.counters["ratings/s"] =
      benchmark::Counter(static_cast<double>(problem.ratings.size()), benchmark::Counter::kIsIterationInvariantRate);
}

/// 1, 2, 4 ... and all.
std::vector<std::int64_t> thread_counts() {
  std::vector<std::int64_t> counts;
  for (std::int64_t threads = 1; threads < available_cpus(); threads *= 2) counts.push_back(threads);
  counts.push_back(available_cpus());
  return counts;
}

void set_axes(benchmark::internal::Benchmark* cases) {
  cases->ArgNames({"millions", "rank", "batch", "threads", "skew"})
      ->ArgsProduct({{1, 10}, {16, 32, 64, 128}, {0, 1024, 65536}, thread_counts(), {0, 1}})
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

BENCHMARK(train_epoch)->Apply(set_axes);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const Problem small = make_problem("ml-100k", true);
  for (const Position batch_size : {0, 1024}) {
    for (const int rank : {16, 64}) {
      if (!agrees_with_reference(small, rank, batch_size)) return 1;
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
