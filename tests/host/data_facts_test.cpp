// What ratings are like, on counts that can be checked by hand.
#include "host/ratings/data_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace wf {
namespace {

SideFacts facts_of_counts(const std::vector<Position>& counts) {
  return side_facts({counts.data(), static_cast<Position>(counts.size())});
}

std::vector<Bar> bars_of(const std::vector<float>& values) {
  return histogram_of({values.data(), static_cast<Position>(values.size())});
}

TEST(DataFacts, RowsWithoutRatingsDoNotCount) {
  const SideFacts facts = facts_of_counts({0, 4, 1, 0, 5, 10});
  EXPECT_EQ(facts.rows, 4);
  EXPECT_EQ(facts.least, 1);
  EXPECT_EQ(facts.most, 10);
  EXPECT_EQ(facts.mean, 5);
  EXPECT_EQ(facts.median, 4.5);
  EXPECT_EQ(facts.cold, 2) << "one and four are fewer than five";
  EXPECT_EQ(facts.top[0], 0.5) << "a row at least";
  // sum i x_i = 1 + 8 + 15 + 40 = 64: 128 / (4 * 20) - 5 / 4
  EXPECT_NEAR(facts.gini, 0.35, 1e-12);
}

TEST(DataFacts, TheTopIsRoundedUp) {
  std::vector<Position> counts(15, 1);
  counts[3] = 6;  // of 20 ratings
  const SideFacts facts = facts_of_counts(counts);
  EXPECT_EQ(facts.top[0], 0.3);
  EXPECT_EQ(facts.top[1], 0.35) << "two rows of 15";
  EXPECT_EQ(facts.top[2], 0.4) << "three";
}

TEST(DataFacts, GiniIsZeroOfEqualRowsAndNearOneOfOneRow) {
  EXPECT_NEAR(facts_of_counts({7, 7, 7}).gini, 0, 1e-12);
  EXPECT_NEAR(facts_of_counts({9}).gini, 0, 1e-12);
  std::vector<Position> counts(1000, 1);
  counts[0] = 1'000'000;
  EXPECT_NEAR(facts_of_counts(counts).gini, 0.998, 1e-3);
}

TEST(DataFacts, AHistogramHasABarForEachValueOrEqualWidths) {
  const auto few = bars_of({4.5F, -1, 4.5F, 0});
  ASSERT_EQ(few.size(), 3U);
  EXPECT_EQ(few[0].low, -1);
  EXPECT_EQ(few[2].low, 4.5);
  EXPECT_EQ(few[2].count, 2);
  std::vector<float> many;
  for (int n = 0; n <= 200; ++n) many.push_back(static_cast<float>(n));
  const auto bars = bars_of(many);
  ASSERT_EQ(bars.size(), kMostBars);
  for (std::size_t b = 0; b < kMostBars; ++b) {
    EXPECT_EQ(bars[b].low, 10.0 * static_cast<double>(b));
    EXPECT_EQ(bars[b].count, b + 1 < kMostBars ? 10 : 11) << "the largest value is in the last bar";
  }
}

TEST(DataFacts, DuplicatesAreRatingsBeyondTheFirstOfTheirPair) {
  Ratings ratings;
  for (const auto& [user, item] : std::vector<std::pair<RowId, RowId>>{{0, 0}, {0, 1}, {0, 0}, {2, 1}, {0, 0}})
    ratings.push_back(user, item, 3);
  const DataFacts facts = data_facts(ratings.view(), 3, 2, 2);
  EXPECT_EQ(facts.duplicates, 2);
  EXPECT_EQ(facts.users.rows, 2);
  EXPECT_EQ(facts.density, 0.75) << "three pairs of two users and two items";
  EXPECT_EQ(facts.values.deviation, 0);
}

}  // namespace
}  // namespace wf
