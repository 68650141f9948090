// Ratings per second of one epoch on the cpu engine: rank x batch size x popularity. `--benchmark_format=json` for
// machines. Ratings, tables and schedule are made outside the clock; the engine's own seconds are what is reported.
#include "host/api/engines.hpp"
#include "host/ratings/synthetic.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace wf;

constexpr Position kUsers = 6040, kItems = 3706, kRatings = 1'000'000;

Ratings make_ratings(bool skewed) {
  SyntheticShape shape{.name = "bench", .n_users = kUsers, .n_items = kItems, .n_ratings = kRatings};
  if (!skewed) shape.user_skew = shape.item_skew = 0;
  Ratings ratings;
  synthesize(shape, 1, [&](const SyntheticRating* part, Position count) {
    for (Position n = 0; n < count; ++n) ratings.push_back(part[n].user, part[n].item, part[n].value);
  });
  return ratings;
}

/// Arguments: rank, batch size (0: one step per rating), skewed popularity.
void train_epoch(benchmark::State& state) {
  TrainConfig config;
  config.rank = static_cast<int>(state.range(0));
  config.batch_size = state.range(1);
  config.epochs = 1;
  if (config.batch_size > 0) {
    config.lr = 1;
    config.lambda_user = config.lambda_item = config.lambda_bias = 0;
    config.biases = false;
  }
  const auto engine = make_engine("cpu", 0).engine;
  const Ratings ratings = make_ratings(state.range(2) != 0);
  for (auto _ : state) {
    Ratings copy = ratings.clone();
    Model model = make_model(kUsers, kItems, config.rank, config.biases);
    initialise(model, config.init, 1, -1, -1);
    const TrainResult result = engine->train(model, std::move(copy), {}, config, {});
    state.SetIterationTime(result.epochs.front().seconds);
  }
  state.counters["ratings/s"] =
      benchmark::Counter(static_cast<double>(kRatings), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(train_epoch)
    ->ArgNames({"rank", "batch", "skew"})
    ->ArgsProduct({{20, 32, 64, 128}, {0, 1024, 65536}, {0, 1}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
