// Shuffled ratings: every rating once, each at each place equally often, in an order that threads do not change.
#include "host/schedule/rating_shuffle.hpp"
#include "host/schedule/batches.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace wf::test {
namespace {

/// Ratings whose three parts all tell their number.
Ratings numbered(Position n) {
  Ratings ratings;
  for (Position p = 0; p < n; ++p) {
    ratings.push_back(static_cast<RowId>(p), static_cast<RowId>(-p), static_cast<float>(p % 1000));
  }
  return ratings;
}

std::vector<RowId> order_of(Position n, int threads, std::uint64_t seed, std::uint32_t epoch) {
  ThreadPool pool(threads);
  const Ratings from = numbered(n);
  Ratings to = numbered(n);
  shuffle_ratings(pool, from.view(), seed, epoch, to);
  std::vector<RowId> order;
  for (Position p = 0; p < n; ++p) {
    EXPECT_EQ(to.item[p], -to.user[p]);
    EXPECT_EQ(to.value[p], static_cast<float>(to.user[p] % 1000));
    order.push_back(to.user[p]);
  }
  return order;
}

TEST(RatingShuffle, KeepsEveryRatingOnceAtSizesAroundBucketsAndDraws) {
  for (const Position n : {0, 1, 7, 8, 9, 4095, 4096, 4097, 8193, 100003}) {
    std::vector<RowId> order = order_of(n, 2, 1, 1);
    EXPECT_EQ(std::is_sorted(order.begin(), order.end()), n < 2) << n;
    std::sort(order.begin(), order.end());
    std::vector<RowId> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(order, all) << n;
  }
}

TEST(RatingShuffle, IsTheSameForAnyNumberOfThreadsAndAnotherForEachEpochAndSeed) {
  const Position n = 50021;
  const std::vector<RowId> order = order_of(n, 1, 7, 3);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(order_of(n, threads, 7, 3), order) << threads;
  EXPECT_NE(order_of(n, 2, 7, 4), order);
  EXPECT_NE(order_of(n, 2, 8, 3), order);
}

double chi_square(const std::vector<int>& counts) {
  const double expected = std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(RatingShuffle, PutsEveryRatingAtEveryPlaceEquallyOften) {
  // In one bucket: 20 ratings x 20 places, 1000 in each of 400 cells. A cell's variance is 1000 * 19/20; rows and
  // columns have fixed sums, which leaves 19 * 19 degrees of freedom. So the sum is 20/19 times a chi-square of 361:
  // mean 380, deviation 20/19 * sqrt(2 * 361) = 28. Four deviations: one seed in 15,000.
  constexpr Position kSize = 20;
  std::vector<int> counts(kSize * kSize);
  for (std::uint32_t epoch = 0; epoch < 20000; ++epoch) {
    ThreadPool pool(1);
    const Ratings from = numbered(kSize);
    Ratings to = numbered(kSize);
    shuffle_ratings(pool, from.view(), 5, epoch, to);
    for (Position place = 0; place < kSize; ++place) {
      ++counts[static_cast<std::size_t>(place * kSize + to.user[place])];
    }
  }
  EXPECT_NEAR(chi_square(counts), 380, 4 * 28);
}

TEST(RatingShuffle, MixesAcrossBuckets) {
  // 40,000 ratings lie in 16 buckets. A 20th of the ratings by a 20th of the places: 5,000 in each of 400 cells after
  // 50 epochs, again with 361 degrees of freedom; a cell's variance is that of a hypergeometric number, 5,000 *
  // (19/20)^2, so that the sum is a chi-square of 361: deviation 27.
  constexpr Position kSize = 40000, kPart = kSize / 20;
  std::vector<int> counts(400);
  for (std::uint32_t epoch = 0; epoch < 50; ++epoch) {
    const std::vector<RowId> order = order_of(kSize, 2, 11, epoch);
    for (Position place = 0; place < kSize; ++place) {
      ++counts[static_cast<std::size_t>(place / kPart * 20 + order[static_cast<std::size_t>(place)] / kPart)];
    }
  }
  EXPECT_NEAR(chi_square(counts), 361, 4 * 27);
}

TEST(RatingShuffle, BatchesAreSlicesOfIt) {
  const Ratings ratings = numbered(10000);
  std::vector<RowId> visited;
  Batches batches(ratings.view(), 999, Shuffle::epoch, 7, 2);
  batches.start_epoch(3);
  for (Position b = 0; b < batches.count(); ++b) {
    const RatingsView<Host> batch = batches.batch(b);
    visited.insert(visited.end(), batch.user.begin(), batch.user.end());
  }
  EXPECT_EQ(visited, order_of(10000, 1, 7, 3));
}

}  // namespace
}  // namespace wf::test
