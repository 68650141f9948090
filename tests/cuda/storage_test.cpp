// Factors of 16 bits while ratings are stepped: rounded at random, they learn what floats learn.
#include "tests/cuda/support.hpp"

#include "host/base/error.hpp"
#include "host/kernels/half.hpp"

#include <cmath>

namespace wf::test {
namespace {

constexpr Position kPairs = 512;

/// Users and items of one rating each: whatever runs at the same time, nothing is lost.
TrainingProblem pairs(int rank, Storage storage, double lr) {
  TrainingProblem problem = batch_problem(rank, 0, kPairs);
  problem.n_users = problem.n_items = kPairs;
  for (RowId n = 0; n < kPairs; ++n) {
    problem.ratings.user[n] = problem.ratings.item[n] = n;
    problem.ratings.value[n] = 5;
  }
  problem.config.lr = lr;
  problem.config.storage = storage;
  problem.config.epochs = 1;
  problem.config.biases = false;
  problem.config.init = {.kind = Init::uniform, .scale = 1, .low = 0.5F, .high = 0.9F};
  return problem;
}

class Stored : public testing::TestWithParam<Storage> {};

TEST_P(Stored, AStepIsThatOfFloatsUpToAUnitOfTheLastPlace) {
  for (const int rank : {1, 8, 9, 24, 64, 100, 128, 256, 300, 1000, 2048}) {
    const double lr = 0.01 / rank;  // no factor leaves (0, 1)
    const std::vector<float> expected = weights(trained("cpu", pairs(rank, Storage::fp32, lr)));
    const double unit = GetParam() == Storage::fp16 ? 0x1p-11 : 0x1p-8;  // of values below 1
    // the start is rounded and the step; a product is off by `rank` rounded factors, of random sign
    const double product = 2 * 4 * std::sqrt(static_cast<double>(rank)) * unit;
    for (const char* engine : {"cuda", "cuda_tiles"}) {
      const std::vector<float> actual = weights(trained(engine, pairs(rank, GetParam(), lr)));
      EXPECT_LE(largest_difference(actual, expected), 1.5 * unit + lr * product + rounding(rank, rank))
          << engine << ", rank " << rank;
    }
  }
}

/// Rounding to nearest would leave every factor where it is.
TEST_P(Stored, StepsBelowHalfAUnitAreMadeOnAverage) {
  constexpr int kRank = 16;
  const double unit = GetParam() == Storage::fp16 ? 0x1p-11 : 0x1p-8;
  TrainingProblem problem = pairs(kRank, GetParam(), unit / 16);  // errors are about -3: steps of an eighth of a unit
  problem.config.init = {.kind = Init::uniform, .scale = 1, .low = 0.625F, .high = 0.625F};
  const std::vector<float> before = weights(start_of(problem)), after = weights(trained("cuda", problem));
  const double error = 5 - kRank * 0.625 * 0.625, step = problem.config.lr * error * 0.625;
  ASSERT_LT(std::fabs(step), unit / 4);
  double moved = 0;
  std::size_t still = 0;
  for (std::size_t n = 0; n < after.size(); ++n) {
    moved += static_cast<double>(after[n]) - static_cast<double>(before[n]);
    still += after[n] == before[n] ? 1U : 0U;
  }
  const auto count = static_cast<double>(after.size());
  const double share = std::fabs(step) / unit, deviation = unit * std::sqrt(share * (1 - share) / count);
  EXPECT_NEAR(moved / count, step, 5 * deviation);
  EXPECT_NEAR(static_cast<double>(still) / count, 1 - share, 5 * deviation / unit);
}

TEST_P(Stored, ValidationOnTheDeviceSeesWhatIsSaved) {
  TrainingProblem problem = batch_problem(40, 0, 3000);
  problem.config.optimizer = Optimizer::row_adagrad;
  problem.config.storage = GetParam();
  problem.config.lr = 0.05;
  problem.config.grid = 2;
  problem.config.shuffle = Shuffle::epoch;
  const Ratings valid = random_ratings(500, problem.n_users, problem.n_items, 77);
  Model model = start_of(problem);
  const TrainResult result =
      engine_named("cuda").engine->train(model, problem.ratings.clone(), valid.view(), problem.config, {});
  const double saved = engine_named("reference").engine->open(model)->errors(valid.view(), Loss::mse).rmse();
  EXPECT_NEAR(*result.epochs[static_cast<std::size_t>(result.best_epoch - 1)].valid_rmse, saved, 1e-5 * saved);
  for (const float weight : weights(model)) ASSERT_TRUE(std::isfinite(weight));
}

TEST_P(Stored, OthersRefuse) {
  for (const std::string engine : {"cpu", "reference", "cuda_repeatable"}) {
    Model model = start_of(pairs(8, GetParam(), 0.1));
    const TrainingProblem problem = pairs(8, GetParam(), 0.1);
    EXPECT_THROW(engine_named(engine).engine->train(model, problem.ratings.clone(), {}, problem.config, {}), UsageError)
        << engine;
  }
}

INSTANTIATE_TEST_SUITE_P(Storages, Stored, testing::Values(Storage::fp16, Storage::bf16),
                         [](const auto& test) { return test.param == Storage::fp16 ? "fp16" : "bf16"; });

}  // namespace
}  // namespace wf::test
