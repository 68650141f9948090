// The split is exact, keeps order, loses nothing and depends on the seed alone.
#include "host/ratings/split.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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

std::vector<RowId> users(const Ratings& ratings) {
  return {ratings.user.begin(), ratings.user.end()};
}

TEST(Split, DiffersBetweenSeeds) {
  Ratings one = numbered(1000);
  Ratings two = numbered(1000);
  EXPECT_NE(users(split_off(one, 0.1, 1)), users(split_off(two, 0.1, 2)));
}

TEST(Split, DrawsEveryPositionAboutEquallyOften) {
  constexpr int kSeeds = 2000;
  std::vector<int> drawn(20, 0);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    Ratings ratings = numbered(20);
    for (const RowId user : users(split_off(ratings, 0.25, seed))) ++drawn[static_cast<std::size_t>(user)];
  }
  // binomial, mean 500, standard deviation 19.4; the seeds are fixed, so that this passes always or never
  for (const int count : drawn) EXPECT_NEAR(count, 500, 5 * 19.4);
}

TEST(Split, RefusesFractionsThatAreNone) {
  Ratings ratings = numbered(10);
  for (const double bad : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(split_off(ratings, bad, 1), std::invalid_argument);
  }
  EXPECT_EQ(ratings.size(), 10);
}

RC_GTEST_PROP(Split, MovesTheExactCountKeepsOrderAndLosesNothing, ()) {
  const int count = *rc::gen::inRange(0, 300);
  const double fraction = *rc::gen::inRange(0, 1001) / 1000.0;
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Ratings rest = numbered(count);
  const Ratings taken = split_off(rest, fraction, seed);
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
  RC_ASSERT(users(split_off(again, fraction, seed)) == users(taken));
}

}  // namespace
}  // namespace wf
