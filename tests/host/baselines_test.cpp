// The mean and the biases: by hand, against the normal equations, and the properties that make them a fair rival.
#include "host/evaluate/baselines.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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
  const BiasBaseline baseline = fit_biases(ratings.view(), 2, 2, 0);
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
  const BiasBaseline baseline = fit_biases(ratings.view(), 2, 2, 2);
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
  const BiasBaseline baseline = fit_biases(train.view(), 3, 2, 2);
  EXPECT_EQ(baseline.user_bias[2], 0);  // in the table, but without a rating
  Ratings test;
  test.push_back(7, 9, 4);             // 4 - 3
  test.push_back(-1, 0, 4);            // 4 - 3 - 0.5
  test.push_back(0, kMaxRows - 1, 4);  // 4 - 3 - 0.5
  EXPECT_NEAR(baseline.errors(test.view()).absolute, 2, 1e-6);
  EXPECT_NEAR(baseline.mean_errors(test.view()).absolute, 3, 1e-6);
}

TEST(BiasBaseline, OfNothingIsNothing) {
  const BiasBaseline baseline = fit_biases({}, 2, 3);
  EXPECT_EQ(baseline.mean, 0);
  EXPECT_EQ(largest(baseline.user_bias), 0);
  EXPECT_EQ(baseline.item_bias.size(), 3);
  EXPECT_EQ(baseline.errors({}).count, 0);
  EXPECT_TRUE(std::isnan(baseline.errors({}).rmse()));
}

TEST(BiasBaseline, WithoutPenaltyLeavesRowsWithoutRatingsAtZero) {
  const Ratings train = four_ratings();
  const BiasBaseline baseline = fit_biases(train.view(), 3, 3, 0);
  EXPECT_EQ(baseline.user_bias[2], 0);
  EXPECT_EQ(baseline.item_bias[2], 0);
}

RC_GTEST_PROP(BiasBaselineProperty, TurnsIntoTheMeanAsThePenaltyGrows, (std::uint32_t seed)) {
  const Ratings train = random_ratings(100, kUsers, kItems, seed);
  const BiasBaseline baseline = fit_biases(train.view(), kUsers, kItems, 1e12);
  RC_ASSERT(largest(baseline.user_bias) < 1e-8);
  RC_ASSERT(largest(baseline.item_bias) < 1e-8);
  const double mean = std::accumulate(train.value.begin(), train.value.end(), 0.0) / 100;
  RC_ASSERT(std::fabs(baseline.mean - mean) < 1e-12);
}

RC_GTEST_PROP(BiasBaselineProperty, IsNeverWorseThanTheMeanOnItsTrainingSet, (std::uint32_t seed)) {
  const Ratings train = random_ratings(100, kUsers, kItems, seed);
  double before = 0;
  for (const double penalty : {0.0, 0.5, 5.0, 50.0}) {  // and the less so, the larger the penalty
    const BiasBaseline baseline = fit_biases(train.view(), kUsers, kItems, penalty);
    const double error = baseline.errors(train.view()).rmse();
    RC_ASSERT(error <= baseline.mean_errors(train.view()).rmse() + 1e-6);
    RC_ASSERT(error >= before - 1e-6);
    before = error;
  }
}

RC_GTEST_PROP(BiasBaselineProperty, SitsAtTheMinimum, (std::uint32_t seed)) {
  const Ratings train = random_ratings(300, kUsers, kItems, seed);
  BiasBaseline baseline = fit_biases(train.view(), kUsers, kItems, 5);
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
