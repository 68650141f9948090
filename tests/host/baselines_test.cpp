// The mean and the biases: by hand, against the normal equations, and the properties that make them a fair rival.
#include "host/evaluate/baselines.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace wf::test {
namespace {

constexpr Position kUsers = 12, kItems = 9;

Ratings four_ratings() {  // mean 3, users +1 -1, items +1 -1
  Ratings ratings;
  ratings.push_back(0, 0, 5);
  ratings.push_back(0, 1, 3);
  ratings.push_back(1, 0, 3);
  ratings.push_back(1, 1, 1);
  return ratings;
}

/// What fit_biases minimises.
double objective(const BiasBaseline& baseline, const Ratings& train, double penalty) {
  double sum = baseline.errors(train.view()).squared;
  for (const float bias : baseline.user_bias) sum += penalty * static_cast<double>(bias) * bias;
  for (const float bias : baseline.item_bias) sum += penalty * static_cast<double>(bias) * bias;
  return sum;
}

double largest(const HostBuffer<float>& biases) {
  return std::accumulate(biases.begin(), biases.end(), 0.0,
                         [](double most, float bias) { return std::max(most, static_cast<double>(std::fabs(bias))); });
}

TEST(BiasBaseline, FitsAnAdditiveTableExactlyWithoutPenalty) {
  const Ratings ratings = four_ratings();
  const BiasBaseline baseline = fit_biases(RatingsInMemory(ratings.view()), 2, 2, 0);
  EXPECT_DOUBLE_EQ(baseline.mean, 3);
  EXPECT_NEAR(baseline.user_bias[0], 1, 1e-6);
  EXPECT_NEAR(baseline.user_bias[1], -1, 1e-6);
  EXPECT_NEAR(baseline.item_bias[0], 1, 1e-6);
  EXPECT_NEAR(baseline.item_bias[1], -1, 1e-6);
  EXPECT_NEAR(baseline.errors(ratings.view()).rmse(), 0, 1e-6);
  EXPECT_NEAR(baseline.mean_errors(ratings.view()).rmse(), std::sqrt(2), 1e-6);
  EXPECT_DOUBLE_EQ(baseline.mean_errors(ratings.view()).mae(), 1);
}

TEST(BiasBaseline, HalvesABiasWhenThePenaltyEqualsTheCount) {
  const Ratings ratings = four_ratings();  // residuals of each row sum to 2 in two ratings: 2 / (2 + 2)
  const BiasBaseline baseline = fit_biases(RatingsInMemory(ratings.view()), 2, 2, 2);
  EXPECT_NEAR(baseline.item_bias[0], 0.5, 1e-6);
  EXPECT_NEAR(baseline.user_bias[1], -0.5, 1e-6);
  const ErrorSums sums = baseline.errors(ratings.view());  // errors 1, 0, 0, -1
  EXPECT_NEAR(sums.squared, 2, 1e-5);
  EXPECT_NEAR(sums.absolute, 2, 1e-5);
  EXPECT_DOUBLE_EQ(sums.loss, sums.squared);
  EXPECT_EQ(sums.count, 4);
}

TEST(BiasBaseline, GivesUnknownRowsNoBias) {
  const Ratings train = four_ratings();
  const BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), 3, 2, 2);
  EXPECT_EQ(baseline.user_bias[2], 0);  // in the table, but without a rating
  Ratings test;
  test.push_back(7, 9, 4);             // 4 - 3
  test.push_back(-1, 0, 4);            // 4 - 3 - 0.5
  test.push_back(0, kMaxRows - 1, 4);  // 4 - 3 - 0.5
  EXPECT_NEAR(baseline.errors(test.view()).absolute, 2, 1e-6);
  EXPECT_NEAR(baseline.mean_errors(test.view()).absolute, 3, 1e-6);
}

TEST(BiasBaseline, IsTheSameForAnyNumberOfThreads) {
  const Ratings train = random_ratings(60'000, 500, 300, 1);  // enough for three threads and for several partial sums
  const BiasBaseline one = fit_biases(RatingsInMemory(train.view()), 500, 300, 5, 1);
  const BiasBaseline three = fit_biases(RatingsInMemory(train.view()), 500, 300, 5, 3);
  EXPECT_EQ(one.mean, three.mean);
  EXPECT_TRUE(std::equal(one.user_bias.begin(), one.user_bias.end(), three.user_bias.begin()));
  EXPECT_TRUE(std::equal(one.item_bias.begin(), one.item_bias.end(), three.item_bias.begin()));
  EXPECT_EQ(one.errors(train.view(), 1).squared, three.errors(train.view(), 3).squared);
  EXPECT_EQ(one.mean_errors(train.view(), 1).absolute, three.mean_errors(train.view(), 3).absolute);
}

TEST(BiasBaseline, IsTheSameInAnyOrderOfTheRatings) {
  const Ratings train = random_ratings(60'000, 500, 300, 1);
  Ratings backwards;
  for (Position n = train.size(); n-- > 0;) backwards.push_back(train.user[n], train.item[n], train.value[n]);
  const BiasBaseline one = fit_biases(RatingsInMemory(train.view()), 500, 300, 5, 2);
  const BiasBaseline other = fit_biases(RatingsInMemory(backwards.view()), 500, 300, 5, 3);
  EXPECT_EQ(one.mean, other.mean);
  EXPECT_TRUE(std::equal(one.user_bias.begin(), one.user_bias.end(), other.user_bias.begin()));
  EXPECT_TRUE(std::equal(one.item_bias.begin(), one.item_bias.end(), other.item_bias.begin()));
  EXPECT_EQ(one.errors(train.view()).squared, other.errors(backwards.view()).squared);
  EXPECT_EQ(one.errors(train.view()).absolute, other.errors(backwards.view()).absolute);
}

TEST(BiasBaseline, SolvesTheNormalEquations) {
  for (const Position n : {200, 2000, 20'000}) {  // few ratings a row: slow to converge
    const Ratings train = random_ratings(n, 500, 300, 1);
    const BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), 500, 300, 5);
    std::vector<double> users(500), items(300);  // sum of residuals - penalty * bias of each row
    for (std::size_t u = 0; u < users.size(); ++u) users[u] = -5.0 * baseline.user_bias[static_cast<Position>(u)];
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = -5.0 * baseline.item_bias[static_cast<Position>(i)];
    for (Position m = 0; m < n; ++m) {
      const RowId u = train.user[m], i = train.item[m];
      const double residual = train.value[m] - baseline.mean - baseline.user_bias[u] - baseline.item_bias[i];
      users[static_cast<std::size_t>(u)] += residual;
      items[static_cast<std::size_t>(i)] += residual;
    }
    for (const std::vector<double>* side : {&users, &items}) {
      for (const double gradient : *side) EXPECT_NEAR(gradient, 0, 5e-4) << n;
    }
  }
}

TEST(BiasBaseline, OfNothingIsNothing) {
  const BiasBaseline baseline = fit_biases(RatingsInMemory({}), 2, 3);
  EXPECT_EQ(baseline.mean, 0);
  EXPECT_EQ(largest(baseline.user_bias), 0);
  EXPECT_EQ(baseline.item_bias.size(), 3);
  EXPECT_EQ(baseline.errors({}).count, 0);
  EXPECT_TRUE(std::isnan(baseline.errors({}).rmse()));
}

TEST(BiasBaseline, WithoutPenaltyLeavesRowsWithoutRatingsAtZero) {
  const Ratings train = four_ratings();
  const BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), 3, 3, 0);
  EXPECT_EQ(baseline.user_bias[2], 0);
  EXPECT_EQ(baseline.item_bias[2], 0);
}

RC_GTEST_PROP(BiasBaselineProperty, TurnsIntoTheMeanAsThePenaltyGrows, (std::uint32_t seed)) {
  const Ratings train = random_ratings(100, kUsers, kItems, seed);
  const BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), kUsers, kItems, 1e12);
  RC_ASSERT(largest(baseline.user_bias) < 1e-8);
  RC_ASSERT(largest(baseline.item_bias) < 1e-8);
  const double mean = std::accumulate(train.value.begin(), train.value.end(), 0.0) / 100;
  RC_ASSERT(std::fabs(baseline.mean - mean) < 1e-12);
}

RC_GTEST_PROP(BiasBaselineProperty, IsNeverWorseThanTheMeanOnItsTrainingSet, (std::uint32_t seed)) {
  const Ratings train = random_ratings(100, kUsers, kItems, seed);
  double before = 0;
  for (const double penalty : {0.0, 0.5, 5.0, 50.0}) {  // and the less so, the larger the penalty
    const BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), kUsers, kItems, penalty);
    const double error = baseline.errors(train.view()).rmse();
    RC_ASSERT(error <= baseline.mean_errors(train.view()).rmse() + 1e-6);
    RC_ASSERT(error >= before - 1e-6);
    before = error;
  }
}

RC_GTEST_PROP(BiasBaselineProperty, SitsAtTheMinimum, (std::uint32_t seed)) {
  const Ratings train = random_ratings(300, kUsers, kItems, seed);
  BiasBaseline baseline = fit_biases(RatingsInMemory(train.view()), kUsers, kItems, 5);
  const double least = objective(baseline, train, 5);
  for (HostBuffer<float>* biases : {&baseline.user_bias, &baseline.item_bias}) {
    for (float& bias : *biases) {
      const float kept = bias;
      for (const float step : {-0.05F, 0.05F}) {
        bias = kept + step;
        RC_ASSERT(objective(baseline, train, 5) > least);
      }
      bias = kept;
    }
  }
}

}  // namespace
}  // namespace wf::test
