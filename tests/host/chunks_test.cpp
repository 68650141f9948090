// Chunks: each rating in one of them, each of them once in a random order.
#include "host/schedule/chunks.hpp"
#include "host/base/view.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace wf::test {
namespace {

std::vector<Position> order_of(const Scatter& scatter, Position count) {
  std::vector<Position> order;
  for (Position n = 0; n < count; ++n) order.push_back(scatter(n));
  return order;
}

TEST(Scatter, IsAPermutation) {
  for (const Position count : {1, 2, 3, 4, 5, 16, 17, 1000, 70'000}) {
    const std::vector<Position> order = order_of(Scatter(count, 7, 1, 2), count);
    const std::set<Position> distinct(order.begin(), order.end());
    EXPECT_EQ(static_cast<Position>(distinct.size()), count);
    EXPECT_EQ(*distinct.begin(), 0);
    EXPECT_EQ(*distinct.rbegin(), count - 1);
  }
}

TEST(Scatter, GoesBeyond32Bits) {
  constexpr Position kCount = (Position{1} << 40) + 12345;
  const Scatter scatter(kCount, 7, 1, 2);
  std::set<Position> distinct;
  Position large = 0;
  for (Position n = 0; n < 1000; ++n) {
    const Position at = scatter(kCount - 1 - n);
    ASSERT_GE(at, 0);
    ASSERT_LT(at, kCount);
    distinct.insert(at);
    large += at > (Position{1} << 32) ? 1 : 0;
  }
  EXPECT_EQ(distinct.size(), 1000U);
  EXPECT_GT(large, 950);
}

TEST(Scatter, IsAnotherForEverySeedEpochAndStream) {
  std::set<std::vector<Position>> orders;
  for (const std::uint64_t seed : {1, 2}) {
    for (const std::uint32_t epoch : {1, 2}) {
      for (const std::uint32_t stream : {1, 2}) orders.insert(order_of(Scatter(100, seed, epoch, stream), 100));
    }
  }
  EXPECT_EQ(orders.size(), 8U);
  EXPECT_TRUE(orders.contains(order_of(Scatter(100, 1, 2, 1), 100)));
}

/// Chunks that are worked on at the same time are not neighbours in memory, where they would be of one user.
TEST(Scatter, LeavesNothingOfTheOrder) {
  constexpr Position kCount = 10'000;
  const std::vector<Position> order = order_of(Scatter(kCount, 7, 1, 2), kCount);
  double distance = 0;
  Position fixed = 0;
  for (std::size_t n = 1; n < order.size(); ++n) {
    distance += std::fabs(static_cast<double>(order[n] - order[n - 1]));
    fixed += order[n] == static_cast<Position>(n) ? 1 : 0;
  }
  // |a - b| of two uniform numbers: mean 1 / 3, deviation sqrt(1 / 18); the neighbours' sums are correlated, below 2 x
  EXPECT_NEAR(distance / kCount, kCount / 3.0, 2 * 4 * kCount / std::sqrt(18.0 * kCount));
  EXPECT_LT(fixed, 10);  // one is expected
}

TEST(Strata, EndWhereARangeComesAgain) {
  const std::vector<Block> blocks{{0, 1, 0, 1}, {1, 2, 1, 2}, {2, 3, 2, 0}, {3, 4, 0, 0}, {4, 5, 1, 0}, {5, 6, 2, 3}};
  const Span<const Block, Host> all{blocks.data(), 6};
  EXPECT_EQ(end_of_stratum(all, 0), 3);
  EXPECT_EQ(end_of_stratum(all, 3), 4) << "an item range";
  EXPECT_EQ(end_of_stratum(all, 4), 6);
}

TEST(Chunks, HoldEachRatingOfTheBlocksOnce) {
  const std::vector<Block> blocks{{100, 100}, {0, 1}, {200, 232}, {232, 265}, {300, 300}, {1000, 2000}, {50, 50}};
  Position chunks = 0, ratings = 0;
  const std::vector<ChunkedBlock> list = chunked({blocks.data(), static_cast<Position>(blocks.size())}, chunks);
  for (const Block& block : blocks) ratings += block.end - block.begin;
  EXPECT_EQ(chunks, 1 + 1 + 2 + 32);
  const Span<const ChunkedBlock, Host> all{list.data(), static_cast<Position>(list.size())};
  std::set<Position> seen;
  for (Position c = 0; c < chunks; ++c) {
    const Chunk chunk = chunk_of(all, c);
    EXPECT_LT(chunk.begin, chunk.end);
    EXPECT_LE(chunk.end - chunk.begin, kChunkRatings);
    for (Position n = chunk.begin; n < chunk.end; ++n) EXPECT_TRUE(seen.insert(n).second) << n;
  }
  EXPECT_EQ(static_cast<Position>(seen.size()), ratings);
  for (const Block& block : blocks) {
    for (Position n = block.begin; n < block.end; ++n) EXPECT_TRUE(seen.contains(n)) << n;
  }
}

}  // namespace
}  // namespace wf::test
