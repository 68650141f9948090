// Per-rating SGD by chunks, thousands of ratings at once, rows of items in the device's memory or in tiles: steps are
// lost, and what is learnt is the same.
#include "tests/cuda/support.hpp"

#include <cmath>

namespace wf::test {
namespace {

/// Something to learn: planted factors of rank 4 and noise of 0.1; `hot`: half of the ratings are of one item.
TrainingProblem planted_problem(int rank, Position n_ratings, bool hot = false) {
  TrainingProblem problem = batch_problem(rank, 0, n_ratings);
  problem.n_users = 200, problem.n_items = 120;
  for (Position n = 0; n < n_ratings; ++n) {
    const RandomBits bits = random_bits(9, Purpose::synthetic, static_cast<std::uint64_t>(n), 7);
    const auto user = static_cast<RowId>(bits.word[0] % 200);
    const auto item = static_cast<RowId>(hot && bits.word[1] % 2 == 0 ? 0 : bits.word[1] / 2 % 120);
    float value = 3;
    for (int f = 1; f <= 4; ++f) {
      value += std::sin(static_cast<float>(user * f + f)) * std::cos(static_cast<float>(item * f)) / 2;
    }
    problem.ratings.user[n] = user;
    problem.ratings.item[n] = item;
    problem.ratings.value[n] = value + 0.2F * (to_unit_float(bits.word[2]) - 0.5F);
  }
  problem.config.optimizer = Optimizer::row_adagrad;
  problem.config.lr = 0.1;
  problem.config.lambda_user = problem.config.lambda_item = 0.01;
  problem.config.shuffle = Shuffle::epoch;
  problem.config.grid = 3;
  problem.config.epochs = 12;
  problem.config.init.scale = 0.5F;
  return problem;
}

double error_after(const std::string& engine, const TrainingProblem& problem) {
  const Model model = trained(engine, problem);
  return engine_named("reference").engine->open(model)->errors(problem.ratings.view(), Loss::mse).rmse();
}

/// Of both plans.
class Chunks : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Plans, Chunks, testing::Values("cuda", "cuda_tiles"),
                         [](const auto& test) { return test.param; });

/// Lost steps cost at most that part of the epochs.
void expect_lag(const std::string& engine, const TrainingProblem& problem, double lag) {
  TrainingProblem shorter{problem.ratings.clone(), problem.n_users, problem.n_items, problem.config};
  shorter.config.epochs = static_cast<int>(problem.config.epochs * (1 - lag));
  const double least = error_after("cpu", problem), most = error_after("cpu", shorter);
  EXPECT_LT(most, 0.35) << "little was learnt: the deviation is 0.7";
  const double actual = error_after(engine, problem);
  EXPECT_LE(actual, most) << "rank " << problem.config.rank;
  EXPECT_GE(actual, 0.9 * least) << "rank " << problem.config.rank;
}

TEST_P(Chunks, LearnWhatOneRatingAfterTheOtherLearns) {
  for (const int rank : {3, 32, 128}) expect_lag(GetParam(), planted_problem(rank, 6000), 0.25);
}

TEST_P(Chunks, AHotItemNeitherDivergesNorIsForgotten) {
  expect_lag(GetParam(), planted_problem(32, 6000, true), 0.5);
}

TEST_P(Chunks, PlainSgdAndProjectionsLearn) {
  TrainingProblem problem = planted_problem(16, 6000);
  problem.config.nonnegative = true;
  expect_lag(GetParam(), problem, 0.25);
  problem.config.nonnegative = false;
  problem.config.optimizer = Optimizer::sgd;
  problem.config.lr = 0.03;
  expect_lag(GetParam(), problem, 0.25);
}

TEST_P(Chunks, AnEpochCountsEachRatingOnceWhateverTheGrid) {
  for (const int grid : {1, 2, 7, 64}) {
    TrainingProblem problem = planted_problem(8, 1001);
    problem.config.grid = grid;
    problem.config.epochs = 1;
    problem.config.lr = 1e-9;
    Model model = start_of(problem);
    const double before = engine_named("cpu").engine->open(model)->errors(problem.ratings.view(), Loss::mse).rmse();
    const TrainResult result =
        engine_named(GetParam()).engine->train(model, problem.ratings.clone(), {}, problem.config, {});
    EXPECT_NEAR(result.epochs[0].train_rmse, before, 1e-5 * before) << grid;
  }
}

/// A range of users without ratings, ranges without rows: blocks and tiles of nothing.
TEST_P(Chunks, MoreRangesThanRows) {
  TrainingProblem problem = planted_problem(16, 300);
  for (Position n = 0; n < 300; ++n) problem.ratings.user[n] %= 3, problem.ratings.item[n] %= 2;
  problem.n_users = 5, problem.n_items = 2;
  problem.config.grid = 7;
  for (const float weight : weights(trained(GetParam(), problem))) ASSERT_TRUE(std::isfinite(weight));
}

/// A row of which one chunk at a time has ratings loses nothing: one user, whose ratings are one chunk.
TEST_P(Chunks, WhatIsNotSharedIsExact) {
  TrainingProblem problem = planted_problem(24, 32);
  for (RowId n = 0; n < 32; ++n) {
    problem.ratings.user[n] = n;
    problem.ratings.item[n] = n;
  }
  EXPECT_LE(largest_difference(weights(trained(GetParam(), problem)), weights(trained("cpu", problem))),
            rounding(24, 12));
}

}  // namespace
}  // namespace wf::test
