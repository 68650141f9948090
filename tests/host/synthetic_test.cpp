// Synthetic ratings and the baselines that are measured on them.
#include "host/ratings/synthetic.hpp"
#include "host/base/error.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/ratings/ratings.hpp"
#include "tests/support/npz.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
  EXPECT_NEAR(mean, 3.5, 0.3);
  EXPECT_NEAR(std::sqrt(squares / n - mean * mean), 1, 0.2);
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

TEST(Synthetic, PopularityFollowsAPowerLaw) {
  const SyntheticShape& shape = shape_named("ml-100k");
  std::vector<int> counts(static_cast<std::size_t>(shape.n_items));
  for (const SyntheticRating& rating : ratings_of(shape, 1)) ++counts[static_cast<std::size_t>(rating.item)];
  std::sort(counts.rbegin(), counts.rend());
  int tenth = 0;
  for (std::size_t i = 0; i < counts.size() / 10; ++i) tenth += counts[i];
  EXPECT_GT(tenth, 40'000);  // a tenth of the items has over 40 % of the ratings
  EXPECT_GT(counts[0], 5 * counts[99]);
}

TEST(Synthetic, RefusesSizesThatMakeNoSense) {
  const auto refused = [](auto change) {
    SyntheticShape shape = shape_named("tiny");
    change(shape);
    EXPECT_THROW(ratings_of(shape, 1), UsageError);
  };
  refused([](SyntheticShape& s) { s.n_users = 0; });
  refused([](SyntheticShape& s) { s.n_items = Position{kMaxRows} + 1; });
  refused([](SyntheticShape& s) { s.n_ratings = 0; });
  refused([](SyntheticShape& s) { s.rank = -1; });
  refused([](SyntheticShape& s) { s.noise = NAN; });
}

Ratings four_ratings() {
  Ratings ratings;
  ratings.push_back(0, 0, 5);
  ratings.push_back(0, 1, 3);
  ratings.push_back(1, 0, 3);
  ratings.push_back(1, 1, 1);
  return ratings;
}

TEST(BiasBaseline, FitsAnAdditiveTableExactlyWithoutPenalty) {  // mean 3, users +1 -1, items +1 -1
  const Ratings ratings = four_ratings();
  const BiasBaseline baseline = fit_biases(ratings.view(), 2, 2, 0);
  EXPECT_DOUBLE_EQ(baseline.mean, 3);
  EXPECT_NEAR(baseline.user_bias[0], 1, 1e-6);
  EXPECT_NEAR(baseline.item_bias[1], -1, 1e-6);
  EXPECT_NEAR(baseline.errors(ratings.view()).rmse(), 0, 1e-6);
  EXPECT_NEAR(baseline.mean_errors(ratings.view()).rmse(), std::sqrt(2), 1e-6);
  EXPECT_DOUBLE_EQ(baseline.mean_errors(ratings.view()).mae(), 1);
}

TEST(BiasBaseline, ShrinksWithThePenaltyAndIgnoresUnknownRows) {
  const Ratings ratings = four_ratings();
  // two ratings a row and penalty 2: the first item step gives (2 + 0) / (2 + 2)
  const BiasBaseline some = fit_biases(ratings.view(), 2, 2, 2);
  EXPECT_NEAR(some.item_bias[0], 0.5, 1e-6);
  const BiasBaseline nothing = fit_biases(ratings.view(), 2, 2, 1e12);
  EXPECT_NEAR(nothing.errors(ratings.view()).rmse(), nothing.mean_errors(ratings.view()).rmse(), 1e-6);
  Ratings unknown;
  unknown.push_back(7, 9, 4);
  EXPECT_NEAR(some.errors(unknown.view()).mae(), 1, 1e-6);
}

TEST(BiasBaseline, OfNothingIsNothing) {
  const BiasBaseline baseline = fit_biases({}, 2, 2);
  EXPECT_EQ(baseline.mean, 0);
  EXPECT_EQ(baseline.user_bias[1], 0);
}

TEST(Npz, ReadsWhatNumpyWrote) {
  auto record = read_npz(std::string(WF_FIXTURES) + "/torch/biases.npz");
  EXPECT_EQ(record.at("init.user_factors.weight").shape, (std::vector<std::int64_t>{37, 20}));
  EXPECT_EQ(record.at("users").values.size(), 400U);
  EXPECT_NE(record.at("config").text.find("\"biases\": true"), std::string::npos);
  EXPECT_THROW(read_npz("absent.npz"), std::runtime_error);
}

}  // namespace
}  // namespace wf::test
