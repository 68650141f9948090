// Which rating trains, validates or tests, and what a core is, on ratings that can be checked by hand.
#include "host/ratings/subsets.hpp"
#include "host/ratings/k_core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace wf {
namespace {

constexpr Subset kTrain = Subset::train, kValid = Subset::valid, kTest = Subset::test;
using testing::ElementsAre;

/// One row of ratings.
struct Line {
  RowId user, item;
  std::int64_t timestamp;
};

Dataset dataset(const std::vector<Line>& lines, bool with_timestamps = true) {
  Dataset data{{}, IdMap::rows(0), IdMap::rows(0)};
  for (const Line& line : lines) {
    data.users.insert(std::to_string(line.user));
    data.items.insert(std::to_string(line.item));
    data.ratings.push_back(line.user, line.item, static_cast<float>(data.ratings.size()));
    if (with_timestamps) data.timestamps.push_back(line.timestamp);
  }
  return data;
}

/// `users` users with `items` ratings each, of different items; timestamps fall.
Dataset block(int users, int items) {
  std::vector<Line> lines;
  for (int u = 0; u < users; ++u) {
    for (int i = 0; i < items; ++i) lines.push_back({u, i, -static_cast<std::int64_t>(lines.size())});
  }
  return dataset(lines);
}

std::vector<Subset> drawn(const Dataset& data, const SplitConfig& config, int threads = 1) {
  ThreadPool pool(threads);
  const HostBuffer<Subset> subsets = draw_subsets(data, config, pool);
  return {subsets.begin(), subsets.end()};
}

Position count(const std::vector<Subset>& subsets, Subset subset) {
  return std::count(subsets.begin(), subsets.end(), subset);
}

TEST(Subsets, TheNewestTestAndThoseBeforeThemValidate) {
  const Dataset data = dataset({{0, 0, 50}, {0, 1, 10}, {1, 0, -40}, {1, 1, 30}, {2, 0, 20}});
  EXPECT_THAT(drawn(data, {.order = SplitOrder::timestamp, .test_frac = 0.2, .valid_frac = 0.4}),
              ElementsAre(kTest, kTrain, kTrain, kValid, kValid));
}

TEST(Subsets, TheExtremesOfTimeAreInOrder) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min(), kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(
      drawn(dataset({{0, 0, kLeast}, {0, 1, kMost}, {0, 2, 0}}), {.order = SplitOrder::timestamp, .test_frac = 0.34}),
      ElementsAre(kTrain, kTest, kTrain));
}

TEST(Subsets, LeaveOneOutTakesEachUsersLastAndLastButOne) {
  const Dataset data = dataset({{0, 0, 3}, {0, 1, 1}, {0, 2, 2}, {1, 0, 5}, {1, 1, 6}, {2, 0, 9}});
  const SplitConfig config{.method = SplitMethod::leave_one_out, .order = SplitOrder::timestamp, .leave_valid = true};
  // two ratings: one tests, and the other one trains; one rating: it trains
  EXPECT_THAT(drawn(data, config), ElementsAre(kTest, kTrain, kValid, kTrain, kTest, kTrain));
}

TEST(Subsets, UserRatioTakesTheShareOfEachUser) {
  const Dataset data = block(30, 10);
  for (const SplitOrder order : {SplitOrder::random, SplitOrder::timestamp}) {
    const auto subsets =
        drawn(data, {.method = SplitMethod::user_ratio, .order = order, .test_frac = 0.3, .valid_frac = 0.2});
    for (auto user = subsets.begin(); user != subsets.end(); user += 10) {
      const std::vector<Subset> own(user, user + 10);
      EXPECT_EQ(count(own, kTest), 3);
      EXPECT_EQ(count(own, kValid), 2);
    }
    if (order == SplitOrder::timestamp) {
      EXPECT_EQ(subsets[0], kTest) << "timestamps fall, the first is the newest";
    }
  }
}

TEST(Subsets, ARandomRatioIsExactAndAFunctionOfTheSeed) {
  const Dataset data = block(40, 25);
  const SplitConfig config{.test_frac = 0.25, .valid_frac = 0.1, .seed = 7};
  const auto subsets = drawn(data, config);
  EXPECT_EQ(count(subsets, kTest), 250);
  EXPECT_EQ(count(subsets, kValid), 100);
  EXPECT_EQ(subsets, drawn(data, config));
  EXPECT_NE(subsets, drawn(data, {.test_frac = 0.25, .valid_frac = 0.1, .seed = 8}));
}

TEST(Subsets, ThreadsDoNotMatter) {
  const Dataset data = block(2000, 11);
  for (const SplitMethod method : {SplitMethod::ratio, SplitMethod::user_ratio, SplitMethod::leave_one_out}) {
    for (const SplitOrder order : {SplitOrder::random, SplitOrder::timestamp}) {
      const SplitConfig config{.method = method, .order = order};
      EXPECT_EQ(drawn(data, config, 1), drawn(data, config, 3));
    }
  }
}

TEST(Subsets, AUsersRandomRatingDependsOnTheSeed) {
  const Dataset data = block(20, 8);
  const auto of_seed = [&](std::uint64_t seed) {
    return drawn(data, {.method = SplitMethod::leave_one_out, .seed = seed});
  };
  EXPECT_EQ(count(of_seed(1), kTest), 20);
  EXPECT_NE(of_seed(1), of_seed(2));
}

TEST(Subsets, APairRatedTwiceStaysTogether) {
  std::vector<Line> lines;
  for (int u = 0; u < 20; ++u) {
    for (int n = 0; n < 8; ++n) lines.push_back({u, n / 2, 0});
  }
  const Dataset data = dataset(lines);
  for (const SplitMethod method : {SplitMethod::ratio, SplitMethod::user_ratio, SplitMethod::leave_one_out}) {
    const auto subsets = drawn(data, {.method = method, .test_frac = 0.375});
    for (std::size_t n = 0; n < subsets.size(); n += 2) EXPECT_EQ(subsets[n], subsets[n + 1]);
    if (method == SplitMethod::leave_one_out) {
      EXPECT_EQ(count(subsets, kTest), 40) << "two of each user";
    }
  }
}

TEST(Subsets, AUserOfOnePairKeepsIt) {
  const Dataset data = dataset({{0, 0, 0}, {0, 0, 0}, {1, 0, 0}, {1, 1, 0}});
  const auto subsets = drawn(data, {.method = SplitMethod::leave_one_out});
  EXPECT_EQ(subsets[0], kTrain);
  EXPECT_EQ(subsets[1], kTrain);
  EXPECT_EQ(count(subsets, kTest), 1);
}

TEST(Subsets, SharesThatMakeNoSenseAreRefused) {
  const Dataset data = block(3, 3);
  EXPECT_THROW(drawn(data, {.test_frac = 0.5, .valid_frac = 0.5}), UsageError);
  EXPECT_THROW(drawn(data, {.test_frac = -0.1}), UsageError);
  EXPECT_THROW(drawn(data, {.test_frac = std::numeric_limits<double>::quiet_NaN()}), UsageError);
  EXPECT_THROW(drawn(data, {.test_frac = 0}), UsageError);
  EXPECT_THROW(drawn(data, {.test_frac = 0.01}), UsageError) << "0.09 ratings";
  EXPECT_THROW(drawn(data, {.test_frac = 0.99}), UsageError) << "8.91 ratings of 9";
  EXPECT_THROW(drawn(block(3, 1), {.method = SplitMethod::leave_one_out}), UsageError) << "users of one rating";
}

TEST(Subsets, ACutIsATime) {
  const Dataset data = dataset({{0, 0, 10}, {0, 1, 20}, {1, 0, 19}, {1, 1, 30}, {2, 0, 9}});
  EXPECT_THAT(drawn(data, {.test_from = 20}), ElementsAre(kTrain, kTest, kTrain, kTest, kTrain));
  EXPECT_THAT(drawn(data, {.test_from = 20, .valid_from = 10}), ElementsAre(kValid, kTest, kValid, kTest, kTrain));
  EXPECT_THROW(drawn(data, {.test_from = 31}), UsageError) << "nothing to test";
  EXPECT_THROW(drawn(data, {.test_from = 9}), UsageError) << "nothing to train on";
  EXPECT_THROW(drawn(data, {.test_from = 20, .valid_from = 20}), UsageError);
  EXPECT_THROW(drawn(dataset({{0, 0, 1}, {0, 1, 2}}, false), {.test_from = 2}), UsageError);
}

TEST(Subsets, LeavesOutAsManyAsAskedForAndOneToTrainOn) {
  // user 0 has 5 ratings, user 1 has 3, user 2 has 2, user 3 has 1
  const Dataset data = dataset({{0, 0, 1},
                                {0, 1, 2},
                                {0, 2, 3},
                                {0, 3, 4},
                                {0, 4, 5},
                                {1, 0, 3},
                                {1, 1, 2},
                                {1, 2, 1},
                                {2, 0, 1},
                                {2, 1, 2},
                                {3, 0, 1}});
  SplitConfig config{.method = SplitMethod::leave_one_out, .order = SplitOrder::timestamp, .leave_out = 2};
  EXPECT_THAT(drawn(data, config),
              ElementsAre(kTrain, kTrain, kTrain, kTest, kTest, kTest, kTest, kTrain, kTrain, kTest, kTrain));
  config.leave_valid = true;
  EXPECT_THAT(drawn(data, config),
              ElementsAre(kTrain, kValid, kValid, kTest, kTest, kTest, kTest, kTrain, kTrain, kTest, kTrain));
}

TEST(Subsets, TimeNeedsTimestamps) {
  const Dataset data = dataset({{0, 0, 1}, {0, 1, 2}}, false);
  EXPECT_THROW(drawn(data, {.order = SplitOrder::timestamp, .test_frac = 0.5}), UsageError);
}

TEST(Core, IsTakenAgainUntilNothingChanges) {
  // item 2 has one rating; without it user 1 has one; without that item 1 has one; users 0, 2 and item 0 stay
  Dataset data = dataset({{0, 0, 10}, {0, 0, 11}, {1, 1, 12}, {1, 2, 13}, {2, 0, 14}, {2, 1, 15}, {2, 0, 16}});
  EXPECT_EQ(keep_core(data, {.user = 2, .item = 2}), 3);
  EXPECT_THAT(std::vector<RowId>(data.ratings.user.begin(), data.ratings.user.end()), ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(std::vector<RowId>(data.ratings.item.begin(), data.ratings.item.end()), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(std::vector<float>(data.ratings.value.begin(), data.ratings.value.end()), ElementsAre(0, 1, 4, 6));
  EXPECT_THAT(std::vector<std::int64_t>(data.timestamps.begin(), data.timestamps.end()), ElementsAre(10, 11, 14, 16));
}

TEST(Core, MayBeEmptyOrEverything) {
  Dataset data = block(3, 4);
  EXPECT_EQ(keep_core(data, {.user = 4, .item = 3}), 0);
  EXPECT_EQ(data.ratings.size(), 12);
  EXPECT_EQ(keep_core(data, {.user = 0, .item = 4}), 1);
  EXPECT_TRUE(data.ratings.empty());
}

}  // namespace
}  // namespace wf
