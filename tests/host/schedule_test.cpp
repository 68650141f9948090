// Schedules: every rating once an epoch, in an order that is a function of the seed.
#include "host/schedule/batches.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/permutation.hpp"
#include "host/schedule/row_groups.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;
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

TEST(BlockGridSize, FollowsTheDataAndNeverExceedsTheRows) {
  EXPECT_EQ(default_grid_size(100, 50, 50), 1);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 3706), 16);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 2), 2);
  EXPECT_EQ(default_grid_size(0, 0, 0), 1);
}

TEST(BlockGridBalance, RangesHoldEqualShares) {
  BlockGrid grid(random_ratings(40000, 2000, 2000, 3), 2000, 2000, 4, Shuffle::epoch, 5);
  grid.start_epoch(1);
  for (int s = 0; s < 4; ++s) {
    for (const Block& block : grid.stratum(s)) EXPECT_NEAR(static_cast<double>(block.end - block.begin), 2500, 250);
  }
}

RC_GTEST_PROP(RowGroups, AgreeWithAMap, ()) {
  const auto rows = *rc::gen::container<std::vector<RowId>>(rc::gen::inRange<RowId>(0, 20));
  RowGrouper grouper;
  for (int again = 0; again < 2; ++again) {  // the second call meets what the first left behind
    const RowGroups<Host> groups = grouper.group({rows.data(), static_cast<Position>(rows.size())}, 20);
    std::map<RowId, std::vector<RowId>> expected;
    std::vector<RowId> order;
    for (std::size_t n = 0; n < rows.size(); ++n) {
      if (!expected.contains(rows[n])) order.push_back(rows[n]);
      expected[rows[n]].push_back(static_cast<RowId>(n));
    }
    RC_ASSERT(std::vector<RowId>(groups.rows.begin(), groups.rows.end()) == order);
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

}  // namespace
}  // namespace wf::test
