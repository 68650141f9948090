// Synthetic ratings: a function of shape and seed, on their scale, with popular rows, and worth factorizing.
#include "host/ratings/synthetic.hpp"
#include "host/base/error.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/ratings/ratings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wf::test {
namespace {

const SyntheticShape& shape_named(const std::string& name) {
  for (const SyntheticShape& shape : synthetic_shapes()) {
    if (shape.name == name) return shape;
  }
  throw std::logic_error("no shape " + name);
}

std::vector<SyntheticRating> ratings_of(const SyntheticShape& shape, std::uint64_t seed) {
  std::vector<SyntheticRating> all;
  synthesize(shape, seed,
             [&](const SyntheticRating* part, Position count) { all.insert(all.end(), part, part + count); });
  return all;
}

bool same(const std::vector<SyntheticRating>& a, const std::vector<SyntheticRating>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const SyntheticRating& x, const SyntheticRating& y) {
    return x.user == y.user && x.item == y.item && x.value == y.value;
  });
}

/// Ratings per row of one side, the most popular first.
std::vector<int> sorted_counts(const std::vector<SyntheticRating>& ratings, std::int32_t SyntheticRating::*side,
                               Position n_rows) {
  std::vector<int> counts(static_cast<std::size_t>(n_rows));
  for (const SyntheticRating& rating : ratings) ++counts[static_cast<std::size_t>(rating.*side)];
  std::sort(counts.rbegin(), counts.rend());
  return counts;
}

double share_of_first_tenth(const std::vector<int>& counts, Position n_ratings) {
  double sum = 0;
  for (std::size_t r = 0; r < counts.size() / 10; ++r) sum += counts[r];
  return sum / static_cast<double>(n_ratings);
}

TEST(Synthetic, KnowsTheSizesOfKnownDataSets) {
  EXPECT_EQ(shape_named("ml-100k").n_users, 943);
  EXPECT_EQ(shape_named("ml-1m").n_items, 3706);
  EXPECT_EQ(shape_named("ml-25m").n_ratings, 25'000'095);
  EXPECT_EQ(shape_named("netflix").n_ratings, 100'480'507);
  EXPECT_EQ(shape_named("hugewiki").n_ratings, 3'069'817'980);  // more than 32 bits count
  std::set<std::string> names;
  for (const SyntheticShape& shape : synthetic_shapes()) EXPECT_TRUE(names.insert(shape.name).second) << shape.name;
  EXPECT_EQ(names.size(), 9U);
}

TEST(Synthetic, HasTheSizesAndTheScaleOfItsShape) {
  const SyntheticShape& shape = shape_named("ml-100k");
  const std::vector<SyntheticRating> ratings = ratings_of(shape, 1);
  ASSERT_EQ(static_cast<Position>(ratings.size()), shape.n_ratings);
  double sum = 0, squares = 0;
  for (const SyntheticRating& rating : ratings) {
    ASSERT_TRUE(rating.user >= 0 && rating.user < shape.n_users && rating.item >= 0 && rating.item < shape.n_items);
    ASSERT_TRUE(rating.value >= 0.5F && rating.value <= 5 && std::fmod(rating.value, 0.5F) == 0);
    sum += rating.value;
    squares += static_cast<double>(rating.value) * rating.value;
  }
  const double n = static_cast<double>(ratings.size()), mean = sum / n;
  EXPECT_NEAR(mean, 3.5, 0.2);
  EXPECT_NEAR(std::sqrt(squares / n - mean * mean), 1.05, 0.1);
}

TEST(Synthetic, StaysOnScalesThatTheStepDoesNotFill) {
  SyntheticShape shape = shape_named("tiny");
  shape.low = 1;
  shape.high = 5.5;
  shape.step = 2;
  std::map<float, int> counts;
  for (const SyntheticRating& rating : ratings_of(shape, 1)) ++counts[rating.value];
  EXPECT_THAT(counts, testing::ElementsAre(testing::Key(1), testing::Key(3), testing::Key(5)));
  shape.low = 0;
  shape.high = 0.3;
  shape.step = 0.1;  // 0.3 / 0.1 is a little below 3: the top of the scale must not get lost
  counts.clear();
  for (const SyntheticRating& rating : ratings_of(shape, 1)) ++counts[std::round(rating.value * 10)];
  EXPECT_THAT(counts, testing::ElementsAre(testing::Key(0), testing::Key(1), testing::Key(2), testing::Key(3)));
}

TEST(Synthetic, IsAFunctionOfTheSeed) {
  const SyntheticShape& shape = shape_named("tiny");
  EXPECT_TRUE(same(ratings_of(shape, 1), ratings_of(shape, 1)));
  EXPECT_FALSE(same(ratings_of(shape, 1), ratings_of(shape, 2)));
}

TEST(Synthetic, MoreRatingsBeginWithTheSameOnes) {
  SyntheticShape shape = shape_named("tiny");
  shape.n_ratings = 200'000;  // several chunks
  std::vector<SyntheticRating> more = ratings_of(shape, 1);
  shape.n_ratings = 70'000;
  more.resize(70'000);
  EXPECT_TRUE(same(ratings_of(shape, 1), more));
}

TEST(Synthetic, TheTextIsThatOfTheRatingsForAnyNumberOfThreads) {
  SyntheticShape shape = shape_named("tiny");
  shape.n_ratings = 150'000;  // three rounds of one thread, one and a part of another of three threads
  shape.step = 0.7;           // values of several digits
  const auto text_of = [&shape](int threads) {
    std::string all;
    synthesize_text(
        shape, 1, [&all](std::string_view text) { all += text; }, threads);
    return all;
  };
  const std::string text = text_of(1);
  EXPECT_EQ(text, text_of(3));
  std::istringstream lines(text);
  for (const SyntheticRating& rating : ratings_of(shape, 1)) {
    SyntheticRating read{};
    lines >> read.user >> read.item >> read.value;
    ASSERT_TRUE(read.user == rating.user && read.item == rating.item && read.value == rating.value);
  }
  lines >> std::ws;
  EXPECT_TRUE(lines.eof());
}

TEST(Synthetic, PopularityFollowsAPowerLaw) {
  const SyntheticShape& shape = shape_named("ml-100k");
  const std::vector<SyntheticRating> ratings = ratings_of(shape, 1);
  const std::vector<int> users = sorted_counts(ratings, &SyntheticRating::user, shape.n_users);
  const std::vector<int> items = sorted_counts(ratings, &SyntheticRating::item, shape.n_items);
  // integral of x^-skew over the first tenth of the rows, over that of all of them
  EXPECT_NEAR(share_of_first_tenth(users, shape.n_ratings), 0.37, 0.03);
  EXPECT_NEAR(share_of_first_tenth(items, shape.n_ratings), 0.61, 0.03);
  EXPECT_NEAR(std::log(items[9] / static_cast<double>(items[999])) / std::log(100.0), shape.item_skew, 0.1);
  EXPECT_GT(users.back(), 0);
}

TEST(Synthetic, PopularityIsFlatWithoutSkewAndSteepAtOne) {
  SyntheticShape shape{.name = "own", .n_users = 100, .n_items = 100, .n_ratings = 100'000};
  shape.user_skew = 0;  // 1000 a row, standard deviation 32
  shape.item_skew = 1;  // the law whose integral is a logarithm: log(2) / log(101) of the ratings for the first row
  const std::vector<SyntheticRating> ratings = ratings_of(shape, 1);
  const std::vector<int> users = sorted_counts(ratings, &SyntheticRating::user, shape.n_users);
  EXPECT_LT(users.front(), 1000 + 6 * 32);
  EXPECT_GT(users.back(), 1000 - 6 * 32);
  EXPECT_NEAR(sorted_counts(ratings, &SyntheticRating::item, shape.n_items)[0], 15'019, 6 * 113);
}

TEST(Synthetic, PopularRowsAreNotTheLowNumbers) {
  const SyntheticShape& shape = shape_named("ml-100k");
  double items = 0, users = 0;
  for (const SyntheticRating& rating : ratings_of(shape, 1)) {
    items += rating.item < shape.n_items / 10 ? 1 : 0;
    users += rating.user < shape.n_users / 10 ? 1 : 0;
  }
  const double n = static_cast<double>(shape.n_ratings);
  EXPECT_LT(items / n, 0.3);  // as popular rows: 0.61 and 0.37
  EXPECT_LT(users / n, 0.2);
}

TEST(Synthetic, PlantsBiasesThatABaselineFindsAndMoreThanBiases) {
  SyntheticShape shape = shape_named("ml-100k");
  const auto errors = [&shape] {
    Ratings ratings;
    for (const SyntheticRating& r : ratings_of(shape, 1)) ratings.push_back(r.user, r.item, r.value);
    const BiasBaseline baseline = fit_biases(RatingsInMemory(ratings.view()), shape.n_users, shape.n_items);
    return std::pair(baseline.mean_errors(ratings.view()).rmse(), baseline.errors(ratings.view()).rmse());
  };
  const auto [mean, biases] = errors();
  EXPECT_LT(biases, 0.92 * mean);
  shape.rank = 0;  // what is left without planted factors is noise, rounding and clipping
  const double noise = errors().second;
  EXPECT_NEAR(noise, shape.noise, 0.06);
  EXPECT_LT(noise, 0.8 * biases);
}

TEST(Synthetic, PassesOnWhatTheReceiverThrows) {
  int calls = 0;
  const auto full = [&calls](const SyntheticRating*, Position) {
    ++calls;
    throw std::runtime_error("disk full");
  };
  EXPECT_THROW(synthesize(shape_named("ml-100k"), 1, full), std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST(Synthetic, TakesTheSmallestShape) {
  SyntheticShape shape{.name = "own", .n_users = 1, .n_items = 1, .n_ratings = 1, .rank = 0, .noise = 0};
  const std::vector<SyntheticRating> ratings = ratings_of(shape, 1);
  ASSERT_EQ(ratings.size(), 1U);
  EXPECT_EQ(ratings[0].user, 0);
  EXPECT_EQ(ratings[0].item, 0);
}

TEST(Synthetic, RefusesShapesThatMakeNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const std::map<std::string, std::function<void(SyntheticShape&)>> changes{
      {"no users", [](SyntheticShape& s) { s.n_users = 0; }},
      {"no items", [](SyntheticShape& s) { s.n_items = -1; }},
      {"users beyond 31 bits", [](SyntheticShape& s) { s.n_users = Position{kMaxRows} + 1; }},
      {"items beyond 31 bits", [](SyntheticShape& s) { s.n_items = Position{kMaxRows} + 1; }},
      {"no ratings", [](SyntheticShape& s) { s.n_ratings = 0; }},
      {"rank below 0", [](SyntheticShape& s) { s.rank = -1; }},
      {"rank beyond the limit", [](SyntheticShape& s) { s.rank = kMaxRank + 1; }},
      {"noise below 0", [](SyntheticShape& s) { s.noise = -0.1; }},
      {"noise NaN", [=](SyntheticShape& s) { s.noise = nan; }},
      {"noise infinite", [=](SyntheticShape& s) { s.noise = infinity; }},
      {"skew NaN", [=](SyntheticShape& s) { s.user_skew = nan; }},
      {"skew below 0", [](SyntheticShape& s) { s.item_skew = -1; }},
      {"no step", [](SyntheticShape& s) { s.step = 0; }},
      {"step NaN", [=](SyntheticShape& s) { s.step = nan; }},
      {"step beyond the scale", [](SyntheticShape& s) { s.step = 100; }},
      {"scale upside down", [](SyntheticShape& s) { s.high = -1; }},
      {"scale without end", [=](SyntheticShape& s) { s.high = infinity; }},
  };
  for (const auto& [name, change] : changes) {
    SyntheticShape shape = shape_named("tiny");
    change(shape);
    const auto never = [name = name](const SyntheticRating*, Position) { ADD_FAILURE() << name << ": went ahead"; };
    EXPECT_THROW(synthesize(shape, 1, never), UsageError) << name;
  }
}

}  // namespace
}  // namespace wf::test
