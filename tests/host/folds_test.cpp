#include "host/ratings/folds.hpp"

#include "host/ratings/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace wf::test {
namespace {

/// 10,000 ratings; the last hundred are of pairs that were rated before.
Ratings many() {
  Ratings ratings;
  for (RowId n = 0; n < 10000; ++n) {
    const RowId pair = n < 9900 ? n : n - 9900;
    ratings.push_back(pair % 100, pair / 100, static_cast<float>(n));
  }
  return ratings;
}

TEST(Folds, AreAsLargeAsEachOtherButForChance) {
  const Ratings ratings = many();
  ThreadPool pool(2);
  const HostBuffer<std::uint8_t> folds = draw_folds(ratings.view(), 5, 42, pool);
  std::array<int, 5> sizes{};
  for (const std::uint8_t fold : folds) ++sizes.at(fold);
  for (const int size : sizes) EXPECT_NEAR(size, 2000, 200);  // 5 standard deviations, sqrt(10000 · 0.2 · 0.8) each
}

TEST(Folds, KeepRatingsOfAPairTogetherAndDoNotDependOnOrderOrThreads) {
  const Ratings ratings = many();
  ThreadPool one(1), two(2);
  const HostBuffer<std::uint8_t> folds = draw_folds(ratings.view(), 7, 1, one),
                                 same = draw_folds(ratings.view(), 7, 1, two);
  EXPECT_TRUE(std::equal(folds.begin(), folds.end(), same.begin()));
  for (Position n = 9900; n < 10000; ++n) EXPECT_EQ(folds[n], folds[n - 9900]);
  Ratings reversed;
  for (Position n = 9999; n >= 0; --n) reversed.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  const HostBuffer<std::uint8_t> of_reversed = draw_folds(reversed.view(), 7, 1, one);
  for (Position n = 0; n < 10000; ++n) ASSERT_EQ(of_reversed[n], folds[9999 - n]);
}

TEST(Folds, TestEveryRatingOnceAndTrainOnItOtherwise) {
  const Ratings ratings = many();
  ThreadPool pool(1);
  const HostBuffer<std::uint8_t> folds = draw_folds(ratings.view(), 3, 9, pool);
  double tested = 0;
  for (int fold = 0; fold < 3; ++fold) {
    const FoldParts parts = parts_of_fold(ratings.view(), folds, fold);
    EXPECT_EQ(parts.train.size() + parts.test.size(), 10000);
    EXPECT_TRUE(std::is_sorted(parts.train.value.begin(), parts.train.value.end()));  // values are places
    for (const float value : parts.test.value) tested += value;
  }
  EXPECT_EQ(tested, 9999.0 * 10000 / 2);
}

TEST(Folds, AreNotTheValidationPartOfTheSameSeed) {
  Ratings ratings = many();
  ThreadPool pool(1);
  const HostBuffer<std::uint8_t> folds = draw_folds(ratings.view(), 5, 42, pool);
  const HeldOut held_out(RatingsInMemory(ratings.view()), 0.1, 42, pool);
  std::array<int, 5> sizes{};
  for (Position n = 0; n < ratings.size(); ++n) sizes.at(folds[n]) += held_out[n] ? 1 : 0;
  for (const int size : sizes) EXPECT_NEAR(size, 200, 65);  // 5 standard deviations, sqrt(1000 · 0.2 · 0.8) each
}

}  // namespace
}  // namespace wf::test
