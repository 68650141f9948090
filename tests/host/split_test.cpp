// The split is exact, keeps order, loses nothing and is a function of the seed and the set of ratings.
#include "host/ratings/split.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace wf {
namespace {

Ratings numbered(int count) {
  Ratings ratings;
  for (int n = 0; n < count; ++n) ratings.push_back(n, 2 * n, static_cast<float>(n) / 2);
  return ratings;
}

Ratings split(Ratings& ratings, double fraction, std::uint64_t seed, int threads = 1) {
  ThreadPool pool(threads);
  return split_off(ratings, fraction, seed, pool);
}

std::vector<RowId> users(const Ratings& ratings) {
  return {ratings.user.begin(), ratings.user.end()};
}

TEST(Split, DiffersBetweenSeeds) {
  Ratings one = numbered(1000);
  Ratings two = numbered(1000);
  EXPECT_NE(users(split(one, 0.1, 1)), users(split(two, 0.1, 2)));
}

TEST(Split, DrawsEveryRatingAboutEquallyOften) {
  constexpr int kSeeds = 2000;
  std::vector<int> drawn(20, 0);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    Ratings ratings = numbered(20);
    for (const RowId user : users(split(ratings, 0.25, seed))) ++drawn[static_cast<std::size_t>(user)];
  }
  // binomial, mean 500, standard deviation 19.4; the seeds are fixed, so that this passes always or never
  for (const int count : drawn) EXPECT_NEAR(count, 500, 5 * 19.4);
}

/// Every `stride`-th rating in turn: another order of the same set.
Ratings reordered(const Ratings& ratings, Position stride) {
  Ratings result;
  for (Position start = 0; start < stride; ++start) {
    for (Position n = start; n < ratings.size(); n += stride) {
      result.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
    }
  }
  return result;
}

TEST(Split, TakesTheSameRatingsInAnyOrderAndByAnyThreads) {
  Ratings first = numbered(300'000);  // several chunks
  Ratings second = reordered(first, 7);
  const std::vector<RowId> one = users(split(first, 0.1, 5, 1));
  std::vector<RowId> other = users(split(second, 0.1, 5, 3));
  EXPECT_EQ(one.size(), 30'000U);
  EXPECT_NE(one, other) << "each keeps its own order";
  std::sort(other.begin(), other.end());
  EXPECT_EQ(one, other);
  ASSERT_EQ(second.size(), 270'000);
  std::vector<RowId> left = users(second);
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, users(first));
}

TEST(Split, KeepsThePairsTogether) {
  Ratings ratings;
  for (int n = 0; n < 300; ++n) ratings.push_back(n % 100, n % 100 + 1, static_cast<float>(n));
  const Ratings taken = split(ratings, 0.5, 3);
  EXPECT_EQ(taken.size(), 150);
  std::vector<int> count(100, 0);
  for (const RowId user : taken.user) ++count[static_cast<std::size_t>(user)];
  for (const int ratings_of_pair : count) EXPECT_TRUE(ratings_of_pair == 0 || ratings_of_pair == 3);
}

TEST(Split, FallsShortWhereThePairAtTheCutDoesNotFit) {
  Ratings ratings;
  for (int n = 0; n < 10; ++n) ratings.push_back(1, 2, static_cast<float>(n));
  EXPECT_EQ(split(ratings, 0.5, 3).size(), 0);
  EXPECT_EQ(ratings.size(), 10);
  EXPECT_EQ(split(ratings, 1, 3).size(), 10);
  EXPECT_EQ(ratings.size(), 0);
}

TEST(Split, RefusesFractionsThatAreNone) {
  Ratings ratings = numbered(10);
  for (const double bad : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(split(ratings, bad, 1), std::invalid_argument);
  }
  EXPECT_EQ(ratings.size(), 10);
}

RC_GTEST_PROP(Split, MovesTheExactCountKeepsOrderAndLosesNothing, ()) {
  const int count = *rc::gen::inRange(0, 300);
  const double fraction = *rc::gen::inRange(0, 1001) / 1000.0;
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Ratings rest = numbered(count);
  const Ratings taken = split(rest, fraction, seed);
  RC_ASSERT(taken.size() == std::llround(fraction * count));
  RC_ASSERT(taken.size() + rest.size() == count);

  std::vector<bool> seen(static_cast<std::size_t>(count), false);
  for (const Ratings* part : {&taken, static_cast<const Ratings*>(&rest)}) {
    for (Position n = 0; n < part->size(); ++n) {
      const RowId user = part->user[n];
      if (n > 0) RC_ASSERT(part->user[n - 1] < user);
      RC_ASSERT(part->item[n] == 2 * user);
      RC_ASSERT(part->value[n] == static_cast<float>(user) / 2);
      RC_ASSERT(!seen[static_cast<std::size_t>(user)]);
      seen[static_cast<std::size_t>(user)] = true;
    }
  }
  Ratings again = numbered(count);
  RC_ASSERT(users(split(again, fraction, seed, 3)) == users(taken));
}

}  // namespace
}  // namespace wf
