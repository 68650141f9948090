#include "host/settings/search_space.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace wf::test {
namespace {

std::vector<double> draws(const SearchRange& range, int count) {
  std::vector<double> values;
  for (int trial = 0; trial < count; ++trial) {
    values.push_back(std::stod(drawn_settings({range}, 42, trial).at(range.key)));
  }
  return values;
}

TEST(SearchSpace, ALogarithmicRangeHasAsMuchInEachDecade) {
  int below = 0;
  for (const double value : draws({"lambda", {}, 1e-4, 1, Scale::log}, 1000)) {
    EXPECT_GE(value, 1e-4);
    EXPECT_LE(value, 1);
    below += value < 1e-2 ? 1 : 0;
  }
  EXPECT_NEAR(below, 500, 80);  // 5 standard deviations, sqrt(1000) / 2 each
}

TEST(SearchSpace, WholeNumbersAreWholeAndTheEndsAsLikelyAsTheOthers) {
  std::map<double, int> counts;
  for (const double value : draws({"rank", {}, 1, 4, Scale::linear, true}, 1000)) ++counts[value];
  ASSERT_EQ(counts.size(), 4U);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 250, 70) << value;  // sqrt(1000 · 3 / 16) is 13.7
}

TEST(SearchSpace, RoundingDoesNotLeaveTheRange) {
  for (const double value : draws({"momentum", {}, 0.99999, 0.999999, Scale::linear}, 100)) {
    EXPECT_GE(value, 0.99999);
    EXPECT_LE(value, 0.999999);
  }
}

TEST(SearchSpace, ChoicesAreTakenAlike) {
  std::map<std::string, int> counts;
  const SearchRange range{"algorithm", {"sgd", "als"}};
  for (int trial = 0; trial < 1000; ++trial) ++counts[drawn_settings({range}, 1, trial).at("algorithm")];
  EXPECT_NEAR(counts["sgd"], 500, 80);
  EXPECT_EQ(counts["sgd"] + counts["als"], 1000);
}

TEST(SearchSpace, ATrialIsAFunctionOfItsNumberAndTheSeed) {
  const std::vector<SearchRange> space{{"rank", {}, 8, 128, Scale::log, true}, {"lambda", {}, 0.01, 1, Scale::log}};
  EXPECT_EQ(drawn_settings(space, 42, 7), drawn_settings(space, 42, 7));
  EXPECT_NE(drawn_settings(space, 42, 7), drawn_settings(space, 42, 8));
  EXPECT_NE(drawn_settings(space, 42, 7), drawn_settings(space, 43, 7));
}

}  // namespace
}  // namespace wf::test
