// Schedules: every rating once an epoch, in an order that is a function of the seed.
#include "host/schedule/batches.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/permutation.hpp"
#include "host/schedule/row_groups.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

namespace wf::test {
namespace {

using testing::UnorderedElementsAreArray;
using Triple = std::tuple<RowId, RowId, float>;

std::vector<Triple> triples_of(const RatingsView<Host>& ratings) {
  std::vector<Triple> triples;
  for (Position n = 0; n < ratings.size(); ++n)
    triples.emplace_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  return triples;
}

std::vector<Triple> epoch_of(Batches& batches, int epoch) {
  std::vector<Triple> all;
  batches.start_epoch(epoch);
  for (Position b = 0; b < batches.count(); ++b) {
    const std::vector<Triple> part = triples_of(batches.batch(b));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(Batches, InFileOrderAreConsecutiveSlices) {
  const Ratings ratings = random_ratings(10, 5, 5, 1);
  Batches batches(ratings.view(), 4, Shuffle::none, 1);
  EXPECT_EQ(batches.count(), 3);
  batches.start_epoch(1);
  EXPECT_EQ(batches.batch(2).size(), 2);
  EXPECT_EQ(epoch_of(batches, 1), triples_of(ratings.view()));
  EXPECT_EQ(epoch_of(batches, 2), triples_of(ratings.view()));
}

TEST(Batches, ShuffledVisitEveryRatingOnceInANewOrderEachEpoch) {
  const Ratings ratings = random_ratings(1000, 50, 50, 1);
  Batches batches(ratings.view(), 64, Shuffle::epoch, 7);
  const std::vector<Triple> first = epoch_of(batches, 1), second = epoch_of(batches, 2);
  EXPECT_THAT(first, UnorderedElementsAreArray(triples_of(ratings.view())));
  EXPECT_NE(first, second);
  EXPECT_EQ(epoch_of(batches, 1), first);
  Batches other(ratings.view(), 64, Shuffle::epoch, 8);
  EXPECT_NE(epoch_of(other, 1), first);
}

TEST(Batches, OfNothingAreNone) {
  for (const Shuffle order : {Shuffle::none, Shuffle::epoch}) {
    Batches batches({}, 8, order, 1);
    batches.start_epoch(1);
    EXPECT_EQ(batches.count(), 0);
  }
}

RC_GTEST_PROP(BatchesProperty, HoldEveryRatingOnceAndAreFullButTheLast, (std::uint64_t seed, bool shuffled)) {
  const auto n = *rc::gen::inRange<Position>(0, 200);
  const auto size = *rc::gen::inRange<Position>(1, 250);
  const Ratings ratings = random_ratings(n, 50, 50, seed);
  Batches batches(ratings.view(), size, shuffled ? Shuffle::epoch : Shuffle::none, seed);
  RC_ASSERT(batches.count() == (n + size - 1) / size);
  batches.start_epoch(1);
  for (Position b = 0; b < batches.count(); ++b) {
    RC_ASSERT(batches.batch(b).size() == (b + 1 < batches.count() ? size : n - b * size));
  }
  std::vector<Triple> visited = epoch_of(batches, 2), expected = triples_of(ratings.view());
  if (shuffled) {
    std::sort(visited.begin(), visited.end());
    std::sort(expected.begin(), expected.end());
  }
  RC_ASSERT(visited == expected);
}

TEST(Batches, OneBatchLargerThanTheData) {
  const Ratings ratings = random_ratings(3, 5, 5, 1);
  Batches batches(ratings.view(), 4096, Shuffle::epoch, 1);
  EXPECT_EQ(batches.count(), 1);
  EXPECT_EQ(epoch_of(batches, 1).size(), 3U);
}

struct GridCase {
  const char* name;
  Position n_ratings, n_users, n_items;
  int size;
  bool hot;
};

class Grid : public testing::TestWithParam<GridCase> {};

TEST_P(Grid, ItsStrataHoldEveryRatingOnceAndShareNoRow) {
  const GridCase& c = GetParam();
  const Ratings original = random_ratings(c.n_ratings, c.n_users, c.n_items, 3, c.hot);
  const std::vector<Triple> expected = triples_of(original.view());
  BlockGrid grid(random_ratings(c.n_ratings, c.n_users, c.n_items, 3, c.hot), c.n_users, c.n_items, c.size,
                 Shuffle::epoch, 11);
  for (const int epoch : {1, 2}) {
    grid.start_epoch(epoch);
    std::vector<Triple> visited;
    for (int s = 0; s < grid.size(); ++s) {
      std::map<RowId, Position> user_block, item_block;
      const Span<const Block, Host> blocks = grid.stratum(s);
      ASSERT_EQ(blocks.size, c.size);
      for (Position b = 0; b < blocks.size; ++b) {
        const RatingsView<Host> part = grid.ratings().part(blocks[b].begin, blocks[b].end - blocks[b].begin);
        for (Position n = 0; n < part.size(); ++n) {
          ASSERT_EQ(user_block.try_emplace(part.user[n], b).first->second, b) << "two blocks share a user";
          ASSERT_EQ(item_block.try_emplace(part.item[n], b).first->second, b) << "two blocks share an item";
        }
        const std::vector<Triple> triples = triples_of(part);
        visited.insert(visited.end(), triples.begin(), triples.end());
      }
    }
    EXPECT_THAT(visited, UnorderedElementsAreArray(expected));
  }
}

TEST_P(Grid, ItsStrataAreAllBlocksAndEachRangeOnceAStratum) {
  const GridCase& c = GetParam();
  BlockGrid grid(random_ratings(c.n_ratings, c.n_users, c.n_items, 3, c.hot), c.n_users, c.n_items, c.size,
                 Shuffle::epoch, 11);
  for (const int epoch : {1, 2, 3}) {
    grid.start_epoch(epoch);
    std::vector<std::pair<Position, Position>> blocks;
    for (int s = 0; s < c.size; ++s) {
      for (const Block& block : grid.stratum(s)) blocks.emplace_back(block.begin, block.end);
    }
    ASSERT_EQ(blocks.size(), static_cast<std::size_t>(c.size) * static_cast<std::size_t>(c.size));
    std::sort(blocks.begin(), blocks.end());  // laid end to end they are all ratings: none is missing or taken twice
    Position end = 0;
    for (const auto& block : blocks) {
      ASSERT_EQ(block.first, end);
      end = block.second;
    }
    EXPECT_EQ(end, c.n_ratings);
  }
}

RC_GTEST_PROP(GridProperty, KeepsEveryRatingAndGivesEveryRowOneRange, (std::uint64_t seed, bool hot)) {
  const auto n = *rc::gen::inRange<Position>(0, 300);
  const auto n_users = *rc::gen::inRange<Position>(1, 40);
  const auto n_items = *rc::gen::inRange<Position>(1, 40);
  const auto size = *rc::gen::inRange(1, 10);
  std::vector<Triple> expected = triples_of(random_ratings(n, n_users, n_items, seed, hot).view());
  BlockGrid grid(random_ratings(n, n_users, n_items, seed, hot), n_users, n_items, size, Shuffle::epoch, seed);
  std::map<RowId, Position> user_range;  // block g of every stratum holds user range g
  for (int epoch = 1; epoch <= 2; ++epoch) {
    grid.start_epoch(epoch);
    for (int s = 0; s < size; ++s) {
      const Span<const Block, Host> blocks = grid.stratum(s);
      std::map<RowId, Position> item_block;
      for (Position g = 0; g < blocks.size; ++g) {
        for (Position k = blocks[g].begin; k < blocks[g].end; ++k) {
          RC_ASSERT(user_range.try_emplace(grid.ratings().user[k], g).first->second == g);
          RC_ASSERT(item_block.try_emplace(grid.ratings().item[k], g).first->second == g);
        }
      }
    }
  }
  std::vector<Triple> visited = triples_of(grid.ratings());
  std::sort(visited.begin(), visited.end());
  std::sort(expected.begin(), expected.end());
  RC_ASSERT(visited == expected);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Grid,
    testing::Values(GridCase{"Usual", 2000, 60, 40, 4, false}, GridCase{"Hot", 2000, 60, 40, 4, true},
                    GridCase{"OneUser", 100, 1, 40, 3, false}, GridCase{"OneItem", 100, 40, 1, 3, false},
                    GridCase{"MoreRangesThanRows", 50, 3, 2, 8, false}, GridCase{"OneBlock", 50, 9, 9, 1, false},
                    GridCase{"Empty", 0, 5, 5, 2, false}),
    [](const auto& test) { return test.param.name; });

TEST(BlockGridOrder, IsNewEachEpochAndAFunctionOfTheSeed) {
  const auto order = [](std::uint64_t seed, int epoch) {
    BlockGrid grid(random_ratings(500, 30, 30, 3), 30, 30, 3, Shuffle::epoch, seed);
    grid.start_epoch(epoch);
    return triples_of(grid.ratings());
  };
  EXPECT_EQ(order(1, 1), order(1, 1));
  EXPECT_NE(order(1, 1), order(1, 2));
  EXPECT_NE(order(1, 1), order(2, 1));
}

TEST(BlockGridOrder, NoneKeepsTheFile) {
  const Ratings ratings = random_ratings(100, 9, 9, 3);
  BlockGrid grid(random_ratings(100, 9, 9, 3), 9, 9, 1, Shuffle::none, 1);
  grid.start_epoch(1);
  EXPECT_EQ(triples_of(grid.ratings()), triples_of(ratings.view()));
}

TEST(BlockGridOrder, WithoutShuffleIsTheSameEachEpochAndTheFilesInABlock) {
  BlockGrid grid(random_ratings(300, 9, 9, 3), 9, 9, 3, Shuffle::none, 1);
  const Ratings file = random_ratings(300, 9, 9, 3);
  std::map<Triple, std::vector<Position>> places;
  for (Position n = 0; n < file.size(); ++n) places[{file.user[n], file.item[n], file.value[n]}].push_back(n);
  grid.start_epoch(1);
  const std::vector<Triple> first = triples_of(grid.ratings());
  for (int s = 0; s < 3; ++s) {
    for (const Block& block : grid.stratum(s)) {
      std::map<Triple, std::size_t> seen;
      Position last = -1;
      for (Position k = block.begin; k < block.end; ++k) {
        const Triple& triple = first[static_cast<std::size_t>(k)];
        const Position place = places[triple][seen[triple]++];
        EXPECT_GT(place, last);
        last = place;
      }
    }
  }
  grid.start_epoch(2);
  EXPECT_EQ(triples_of(grid.ratings()), first);
}

TEST(BlockGridSize, FollowsTheDataAndNeverExceedsTheRows) {
  EXPECT_EQ(default_grid_size(100, 50, 50), 1);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 3706), 16);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 2), 2);
  EXPECT_EQ(default_grid_size(0, 0, 0), 1);
  EXPECT_EQ(default_grid_size(20'000'000, 138'493, 26'744, 512), 512);
}

TEST(BlockGridBalance, RangesHoldEqualShares) {
  BlockGrid grid(random_ratings(40000, 2000, 2000, 3), 2000, 2000, 4, Shuffle::epoch, 5);
  grid.start_epoch(1);
  for (int s = 0; s < 4; ++s) {
    for (const Block& block : grid.stratum(s)) EXPECT_NEAR(static_cast<double>(block.end - block.begin), 2500, 250);
  }
}

RC_GTEST_PROP(RowGroups, AgreeWithAMap, ()) {
  RowGrouper grouper;
  for (const Position n_rows : {20, 7, 50}) {  // the later calls meet what the earlier ones left behind
    const auto rows = *rc::gen::container<std::vector<RowId>>(rc::gen::inRange<RowId>(0, static_cast<RowId>(n_rows)));
    const auto n = static_cast<Position>(rows.size());
    const RowGroups<Host> groups = grouper.group({rows.data(), n}, n_rows);
    std::map<RowId, std::vector<RowId>> expected;
    std::vector<RowId> order;
    for (std::size_t m = 0; m < rows.size(); ++m) {
      if (!expected.contains(rows[m])) order.push_back(rows[m]);
      expected[rows[m]].push_back(static_cast<RowId>(m));
    }
    RC_ASSERT(std::vector<RowId>(groups.rows.begin(), groups.rows.end()) == order);
    RC_ASSERT(groups.starts.size == groups.rows.size + 1);
    RC_ASSERT(groups.starts[0] == 0);
    RC_ASSERT(groups.starts[groups.rows.size] == n);
    RC_ASSERT(groups.members.size == n);
    for (Position g = 0; g < groups.rows.size; ++g) {
      const std::vector<RowId> members(groups.members.data + groups.starts[g],
                                       groups.members.data + groups.starts[g + 1]);
      RC_ASSERT(members == expected[groups.rows[g]]);
    }
  }
}

TEST(Permutation, IsAPermutationAndUniform) {
  // 6 orders of 3 values, 6000 draws: each about 1000, standard deviation sqrt(6000 * 1/6 * 5/6) = 29; 5 of them
  std::map<std::vector<int>, int> counts;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    std::vector<int> values{0, 1, 2};
    shuffle(values.data(), 3, seed, Purpose::shuffle);
    ++counts[values];
  }
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 5 * 29);
}

TEST(Permutation, IsAFunctionOfSeedPurposeAndStream) {
  const auto order = [](std::uint64_t seed, Purpose purpose, std::uint32_t stream) {
    std::vector<int> values(50);
    std::iota(values.begin(), values.end(), 0);
    shuffle(values.data(), 50, seed, purpose, stream);
    return values;
  };
  const std::vector<int> first = order(1, Purpose::shuffle, 0);
  EXPECT_EQ(order(1, Purpose::shuffle, 0), first);
  EXPECT_NE(order(2, Purpose::shuffle, 0), first);
  EXPECT_NE(order(1, Purpose::strata, 0), first);
  EXPECT_NE(order(1, Purpose::shuffle, 1), first);
  EXPECT_NE(order(std::uint64_t{1} << 32 | 1, Purpose::shuffle, 0), first);
}

TEST(Permutation, PutsEveryValueAtEveryPlaceEquallyOften) {
  constexpr int kSize = 9, kDraws = 9000;  // each of 81 cells about 1000, standard deviation 30
  std::vector<std::vector<int>> counts(kSize, std::vector<int>(kSize));
  for (std::uint32_t stream = 0; stream < kDraws; ++stream) {
    std::vector<std::size_t> values(kSize);
    std::iota(values.begin(), values.end(), std::size_t{0});
    shuffle(values.data(), kSize, 3, Purpose::shuffle, stream);
    for (std::size_t place = 0; place < kSize; ++place) ++counts[place][values[place]];
  }
  for (const auto& row : counts) EXPECT_THAT(row, testing::Each(testing::AllOf(testing::Gt(850), testing::Lt(1150))));
}

TEST(Permutation, OfOneOrNothingStays) {
  int value = 7;
  shuffle(&value, 1, 1, Purpose::shuffle);
  EXPECT_EQ(value, 7);
  shuffle(static_cast<int*>(nullptr), 0, 1, Purpose::shuffle);
}

}  // namespace
}  // namespace wf::test
