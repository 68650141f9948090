// The block grid: every rating once an epoch, strata of blocks that share no row, equal cuts, and an order inside
// blocks that depends on nothing but the ratings and the seed.
#include "host/schedule/block_grid.hpp"
#include "host/base/error.hpp"
#include "host/schedule/block_order.hpp"
#include "host/schedule/block_reader.hpp"
#include "host/train/grid_rows.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace wf::test {
namespace {

std::vector<Triple> sorted(std::vector<Triple> triples) {
  std::sort(triples.begin(), triples.end());
  return triples;
}

std::vector<RowId> old_names(Span<const RowId, Host> new_names) {
  std::vector<RowId> old(static_cast<std::size_t>(new_names.size), -1);
  for (Position row = 0; row < new_names.size; ++row)
    old[static_cast<std::size_t>(new_names[row])] = static_cast<RowId>(row);
  return old;
}

/// The grid's ratings, in its order, by the names that rows had.
std::vector<Triple> by_old_names(const BlockGrid& grid) {
  std::vector<Triple> triples = triples_of(grid.ratings());
  if (grid.new_users().empty()) return triples;
  const std::vector<RowId> users = old_names(grid.new_users()), items = old_names(grid.new_items());
  for (auto& [user, item, value] : triples) {
    user = users[static_cast<std::size_t>(user)];
    item = items[static_cast<std::size_t>(item)];
  }
  return triples;
}

struct GridCase {
  const char* name;
  Position n_ratings, n_users, n_items;
  int size;
  bool hot;
  BlockOrder in_block = BlockOrder::interleaved;

  Ratings ratings() const { return random_ratings(n_ratings, n_users, n_items, 3, hot); }
  BlockGrid grid(int threads = 2) const {
    ThreadPool pool(threads);
    return {pool, RatingsInMemory(ratings().view()), {n_users, n_items, size, Shuffle::epoch, 11, in_block}};
  }
};

class Grid : public testing::TestWithParam<GridCase> {};

TEST_P(Grid, HoldsEveryRatingOnceUnderNewNames) {
  const BlockGrid grid = GetParam().grid();
  EXPECT_EQ(sorted(by_old_names(grid)), sorted(triples_of(GetParam().ratings().view())));
  for (const auto names : {grid.new_users(), grid.new_items()}) {
    const std::set<RowId> distinct(names.begin(), names.end());
    EXPECT_EQ(static_cast<Position>(distinct.size()), names.size) << "two rows have one name";
    if (!distinct.empty()) {
      EXPECT_EQ(*distinct.rbegin(), names.size - 1);
    }
  }
}

TEST_P(Grid, BlocksOfAStratumShareNoRow) {
  BlockGrid grid = GetParam().grid();
  for (const int epoch : {1, 2}) {
    grid.start_epoch(epoch);
    for (int s = 0; s < grid.size(); ++s) {
      std::map<RowId, Position> user_block, item_block;
      const Span<const Block, Host> blocks = grid.stratum(s);
      ASSERT_EQ(blocks.size, GetParam().size);
      for (Position b = 0; b < blocks.size; ++b) {
        for (Position n = blocks[b].begin; n < blocks[b].end; ++n) {
          ASSERT_EQ(user_block.try_emplace(grid.ratings().user[n], b).first->second, b) << "two blocks share a user";
          ASSERT_EQ(item_block.try_emplace(grid.ratings().item[n], b).first->second, b) << "two blocks share an item";
        }
      }
    }
  }
}

TEST_P(Grid, StrataOfAnEpochAreAllBlocksOnce) {
  BlockGrid grid = GetParam().grid();
  for (const int epoch : {1, 2, 3}) {
    grid.start_epoch(epoch);
    std::vector<std::pair<Position, Position>> blocks;
    for (int s = 0; s < grid.size(); ++s) {
      for (const Block& block : grid.stratum(s)) blocks.emplace_back(block.begin, block.end);
    }
    ASSERT_EQ(blocks.size(), static_cast<std::size_t>(grid.size()) * static_cast<std::size_t>(grid.size()));
    std::sort(blocks.begin(), blocks.end());  // laid end to end they are all ratings: none is missing or taken twice
    Position end = 0;
    for (const auto& block : blocks) {
      ASSERT_EQ(block.first, end);
      end = block.second;
    }
    EXPECT_EQ(end, GetParam().n_ratings);
  }
}

TEST_P(Grid, IsTheSameForAnyNumberOfThreadsAndAnyOrderOfTheFile) {
  const std::vector<Triple> expected = triples_of(GetParam().grid(1).ratings());
  for (const int threads : {2, 3, 8}) EXPECT_EQ(triples_of(GetParam().grid(threads).ratings()), expected) << threads;
  const Ratings file = GetParam().ratings();
  Ratings backwards;
  for (Position n = file.size() - 1; n >= 0; --n) backwards.push_back(file.user[n], file.item[n], file.value[n]);
  ThreadPool pool(2);
  const BlockGrid grid(
      pool, RatingsInMemory(backwards.view()),
      {GetParam().n_users, GetParam().n_items, GetParam().size, Shuffle::epoch, 11, GetParam().in_block});
  EXPECT_EQ(triples_of(grid.ratings()), expected);
}

std::vector<Triple> stored(const BlockGrid& grid) {
  std::vector<Triple> all(static_cast<std::size_t>(grid.n_ratings()));
  ThreadPool pool(2);
  grid.source().for_parts(pool, [&](int /*share*/, const RatingPart& part) {
    const std::vector<Triple> triples = triples_of(part.ratings);
    std::copy(triples.begin(), triples.end(), all.begin() + part.first);
  });
  return all;
}

/// In a file, with room for one block and for several: what is read, epoch by epoch, is what memory would give.
TEST_P(Grid, InAFileGivesWhatItGivesInMemory) {
  const GridCase& c = GetParam();
  BlockGrid inside = c.grid();
  Position largest = 0;
  for (int s = 0; s < c.size; ++s) {
    for (const Block& block : inside.stratum(s)) largest = std::max(largest, block.end - block.begin);
  }
  const Ratings ratings = c.ratings();
  for (const Position room : {36 * largest, 100 * largest}) {
    if (room >= kRatingBytes * c.n_ratings) continue;  // it would be in memory
    ThreadPool pool(3);
    BlockGrid outside(pool, RatingsInMemory(ratings.view()), {c.n_users, c.n_items, c.size, Shuffle::epoch, 11},
                      {room, testing::TempDir()});
    ASSERT_FALSE(outside.in_memory());
    EXPECT_EQ(stored(outside), triples_of(inside.ratings()));
    BlockReader from_file(outside), from_memory(inside);
    for (const int epoch : {1, 2}) {
      std::vector<Triple> read, expected;
      const auto all_of = [epoch](BlockReader& reader, std::vector<Triple>& into) {
        reader.start_epoch(epoch);
        while (const auto set = reader.next()) {
          for (const Block& block : set->blocks) {
            const auto part = triples_of(set->ratings.part(block.begin, block.end - block.begin));
            into.insert(into.end(), part.begin(), part.end());
          }
        }
      };
      all_of(from_file, read);
      all_of(from_memory, expected);
      EXPECT_EQ(read, expected) << epoch;
      from_file.start_epoch(epoch);  // and left at once
    }
  }
}

TEST(BlockGridRoom, TooLittleForABlockIsRefused) {
  const Ratings ratings = random_ratings(10'000, 60, 40, 3);
  ThreadPool pool(1);
  EXPECT_THROW(
      BlockGrid(pool, RatingsInMemory(ratings.view()), {60, 40, 2, Shuffle::epoch, 1}, {20'000, testing::TempDir()}),
      UsageError);
}

TEST(BlockGridRoom, AFolderThatIsNotThereIsAnError) {
  const Ratings ratings = random_ratings(10'000, 60, 40, 3);
  ThreadPool pool(1);
  EXPECT_THROW(BlockGrid(pool, RatingsInMemory(ratings.view()), {60, 40, 8, Shuffle::epoch, 1},
                         {100'000, testing::TempDir() + "/absent"}),
               FailedError);
}

/// Others by the grid's names: by block, rows beyond the tables as they are, whatever order they came in.
TEST(BlockGridRoom, OtherRatingsAreArrangedByItsNames) {
  const GridCase c{"", 5000, 60, 40, 4, false};
  const BlockGrid grid = c.grid();
  Ratings others = random_ratings(700, 60, 40, 5);
  others.push_back(60, 3, 1);
  others.push_back(7, 99, 2);
  ThreadPool pool(2);
  const Ratings arranged = grid.arranged(pool, RatingsInMemory(others.view()));
  std::vector<Triple> expected;
  for (const auto& [user, item, value] : triples_of(others.view())) {
    expected.emplace_back(user < 60 ? grid.new_users()[user] : user, item < 40 ? grid.new_items()[item] : item, value);
  }
  EXPECT_EQ(sorted(triples_of(arranged.view())), sorted(expected));
  Ratings backwards;
  for (Position n = others.size() - 1; n >= 0; --n)
    backwards.push_back(others.user[n], others.item[n], others.value[n]);
  EXPECT_EQ(triples_of(grid.arranged(pool, RatingsInMemory(backwards.view())).view()), triples_of(arranged.view()));
}

/// No range is off its share by more than 2 % or the ratings of one row.
TEST_P(Grid, RangesHoldEqualShares) {
  const GridCase& c = GetParam();
  BlockGrid grid = c.grid();
  std::map<RowId, Position> of_user;
  for (const RowId user : grid.ratings().user) ++of_user[user];
  double one_row = 0;
  for (const auto& [user, count] : of_user) one_row = std::max(one_row, static_cast<double>(count));
  std::vector<double> held(static_cast<std::size_t>(c.size));  // block g of a stratum is in user range g
  for (int s = 0; s < c.size; ++s) {
    const auto blocks = grid.stratum(s);
    for (Position g = 0; g < blocks.size; ++g) {
      held[static_cast<std::size_t>(g)] += static_cast<double>(blocks[g].end - blocks[g].begin);
    }
  }
  const double share = static_cast<double>(c.n_ratings) / c.size;
  for (const double ratings : held) EXPECT_NEAR(ratings, share, std::max(0.02 * share, one_row));
}

RC_GTEST_PROP(GridProperty, KeepsEveryRatingAndGivesEveryRowOneRange, (std::uint64_t seed, bool hot)) {
  const auto n = *rc::gen::inRange<Position>(0, 300);
  const auto n_users = *rc::gen::inRange<Position>(1, 40);
  const auto n_items = *rc::gen::inRange<Position>(1, 40);
  const auto size = *rc::gen::inRange(1, 10);
  ThreadPool pool(1);
  const Ratings ratings = random_ratings(n, n_users, n_items, seed, hot);
  BlockGrid grid(pool, RatingsInMemory(ratings.view()), {n_users, n_items, size, Shuffle::epoch, seed});
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
  RC_ASSERT(sorted(by_old_names(grid)) == sorted(triples_of(ratings.view())));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Grid,
    testing::Values(GridCase{"Usual", 2000, 60, 40, 4, false}, GridCase{"Hot", 2000, 60, 40, 4, true},
                    GridCase{"ManyRatings", 200'000, 900, 700, 5, false},  // chunks and tables of counts
                    GridCase{"OneUser", 100, 1, 40, 3, false}, GridCase{"OneItem", 100, 40, 1, 3, false},
                    GridCase{"OnePair", 100, 1, 1, 4, false}, GridCase{"MoreRangesThanRows", 50, 3, 2, 8, false},
                    GridCase{"MoreRangesThanRatings", 5, 500, 500, 64, false}, GridCase{"OneBlock", 50, 9, 9, 1, false},
                    GridCase{"Empty", 0, 5, 5, 2, false},
                    GridCase{"ByUser", 5000, 300, 100, 5, true, BlockOrder::by_user},
                    GridCase{"OnePairByUser", 100, 1, 1, 4, false, BlockOrder::by_user}),
    [](const auto& test) { return test.param.name; });

TEST(BlockOrder, FoursThatShareNoRowAreTheRule) {
  const GridCase c{"", 100'000, 800, 700, 4, false};
  BlockGrid grid = c.grid();
  const RatingsView<Host> ratings = grid.ratings();
  Position fours = 0, apart = 0;
  for (int s = 0; s < grid.size(); ++s) {
    for (const Block& block : grid.stratum(s)) {
      for (Position n = block.begin; n + kGroupRatings <= block.end; n += kGroupRatings) {
        ++fours;
        const std::set<RowId> users(ratings.user.data + n, ratings.user.data + n + kGroupRatings);
        const std::set<RowId> items(ratings.item.data + n, ratings.item.data + n + kGroupRatings);
        if (users.size() == kGroupRatings && items.size() == kGroupRatings) ++apart;
      }
    }
  }
  EXPECT_GE(static_cast<double>(apart), 0.95 * static_cast<double>(fours));  // at the end of a block users run out
}

TEST(BlockOrder, AUserIsWorkedOffBeforeMoreThanEightOthersBegin) {
  const GridCase c{"", 50'000, 400, 300, 3, false};
  BlockGrid grid = c.grid();
  for (int s = 0; s < grid.size(); ++s) {
    for (const Block& block : grid.stratum(s)) {
      std::map<RowId, Position> left;
      for (Position n = block.begin; n < block.end; ++n) ++left[grid.ratings().user[n]];
      std::set<RowId> begun;
      for (Position n = block.begin; n < block.end; ++n) {
        const RowId user = grid.ratings().user[n];
        begun.insert(user);
        ASSERT_LE(begun.size(), 8U);
        if (--left[user] == 0) begun.erase(user);
      }
    }
  }
}

TEST(BlockOrder, APairThatWasRatedVeryOftenTakesNoLonger) {  // falling values: the worst case of an insertion
  constexpr Position kTimes = 300'000;
  Ratings ratings;
  for (Position n = 0; n < kTimes; ++n) ratings.push_back(1, 2, static_cast<float>(kTimes - n));
  ThreadPool pool(1);
  const BlockGrid grid(pool, RatingsInMemory(ratings.view()), {3, 3, 1, Shuffle::epoch, 1});
  const Span<const float, Host> values = grid.ratings().value;
  std::vector<float> sorted(values.begin(), values.end());
  std::rotate(sorted.begin(), std::min_element(sorted.begin(), sorted.end()), sorted.end());
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
}

TEST(BlockOrder, AUsersItemsBeginAnywhere) {  // else all users of a block would step the same items at the same time
  const GridCase c{"", 40'000, 200, 400, 1, false};
  BlockGrid grid = c.grid();
  std::map<RowId, RowId> first_item;
  for (Position n = 0; n < grid.ratings().size(); ++n)
    first_item.try_emplace(grid.ratings().user[n], grid.ratings().item[n]);
  double sum = 0;
  for (const auto& [user, item] : first_item) sum += item;
  const double mean = sum / static_cast<double>(first_item.size());
  EXPECT_NEAR(mean, 200, 4 * 400 / std::sqrt(12.0 * 200));  // of a uniform item, within four standard errors
}

TEST(BlockOrder, ByUserIsOneRunForEachUserInRandomOrder) {
  const GridCase c{"", 40'000, 200, 400, 2, false, BlockOrder::by_user};
  BlockGrid grid = c.grid();
  const RatingsView<Host> ratings = grid.ratings();
  Position neighbours = 0, rising = 0;
  for (int s = 0; s < grid.size(); ++s) {
    for (const Block& block : grid.stratum(s)) {
      ASSERT_TRUE(std::is_sorted(ratings.user.data + block.begin, ratings.user.data + block.end));
      for (Position n = block.begin + 1; n < block.end; ++n) {
        if (ratings.user[n] != ratings.user[n - 1]) continue;
        ++neighbours;
        rising += ratings.item[n] > ratings.item[n - 1] ? 1 : 0;
      }
    }
  }
  // of random pairs of 200 items half rise; neighbours are not independent, which makes the deviation smaller
  const auto count = static_cast<double>(neighbours);
  EXPECT_NEAR(static_cast<double>(rising), count / 2 * (1 - 1.0 / 200), 4 * std::sqrt(count) / 2);
}

TEST(BlockGridOrder, IsAFunctionOfSeedAndEpoch) {
  const auto order = [](std::uint64_t seed, int epoch) {
    ThreadPool pool(1);
    const Ratings ratings = random_ratings(500, 30, 30, 3);
    BlockGrid grid(pool, RatingsInMemory(ratings.view()), {30, 30, 5, Shuffle::epoch, seed});
    grid.start_epoch(epoch);
    std::vector<Triple> visited;
    for (int s = 0; s < grid.size(); ++s) {
      for (const Block& block : grid.stratum(s)) {
        const auto part = triples_of(grid.ratings().part(block.begin, block.end - block.begin));
        visited.insert(visited.end(), part.begin(), part.end());
      }
    }
    return visited;
  };
  EXPECT_EQ(order(1, 1), order(1, 1));
  EXPECT_NE(order(1, 1), order(2, 1));
  std::set<std::vector<Triple>> orders;
  for (int epoch = 1; epoch <= 20; ++epoch) orders.insert(order(1, epoch));
  EXPECT_GE(orders.size(), 3U);  // both directions, and not always from the same stratum
}

/// A range of items is in the next stratum with the users of the range beside, or in an epoch's first with the same.
TEST(BlockGridOrder, WalksAlongTheUsersWithoutAJump) {
  ThreadPool pool(1);
  const Ratings ratings = random_ratings(500, 30, 30, 3);
  for (const int size : {1, 2, 7}) {
    BlockGrid grid(pool, RatingsInMemory(ratings.view()), {30, 30, size, Shuffle::epoch, 5});
    std::vector<int> strata;  // of which the first user range's items tell the offset
    for (int epoch = 1; epoch <= 12; ++epoch) {
      grid.start_epoch(epoch);
      std::set<int> of_epoch;
      for (int s = 0; s < size; ++s) {
        strata.push_back(grid.stratum(s)[0].item_range);
        of_epoch.insert(strata.back());
      }
      EXPECT_EQ(of_epoch.size(), static_cast<std::size_t>(size));
    }
    for (std::size_t n = 1; n < strata.size(); ++n) {
      const int step = (strata[n] - strata[n - 1] + size) % size;
      const bool begins = n % static_cast<std::size_t>(size) == 0;
      EXPECT_TRUE(step == 1 % size || step == size - 1 || (begins && step == 0)) << size << ' ' << n;
    }
  }
}

TEST(BlockGridOrder, NoneIsTheFileInOneBlock) {
  ThreadPool pool(1);
  const Ratings ratings = random_ratings(100, 9, 9, 3);
  BlockGrid grid(pool, RatingsInMemory(ratings.view()), {9, 9, 4, Shuffle::none, 1});
  EXPECT_EQ(grid.size(), 1);
  for (const int epoch : {1, 2}) {
    grid.start_epoch(epoch);
    EXPECT_EQ(triples_of(grid.ratings()), triples_of(random_ratings(100, 9, 9, 3).view()));
  }
  EXPECT_TRUE(grid.new_users().empty());
}

TEST(BlockGridSize, FollowsTheDataAndTheCacheAndNeverExceedsTheRows) {
  EXPECT_EQ(default_grid_size(100, 50, 50, 64), 1);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 3706, 64), 8);
  EXPECT_EQ(default_grid_size(1'000'000, 6040, 2, 64), 2);
  EXPECT_EQ(default_grid_size(0, 0, 0, 64), 1);
  EXPECT_EQ(default_grid_size(9'000'000, 69'878, 10'677, 128), 12);  // 5.8 MB of items, 512 KB a range
  EXPECT_EQ(default_grid_size(9'000'000'000, 69'878, 1'000'000'000, 128), kMaxGrid);
}

TEST(BlockGridSize, FitsTheMemoryThatItsBlocksAreOrderedInWhereItIsFree) {
  constexpr Position kRatings = 400'000;
  const Ratings ratings = random_ratings(kRatings, 500, 400, 3);
  ThreadPool pool(2);
  const RatingRoom room{.memory = kOrderingBytes * kRatings / 100, .folder = testing::TempDir()};
  GridWish wish{.least_ranges = 2, .cache = Position{1} << 30, .of_machine = true};
  TrainConfig config;
  const auto made = [&] { return make_grid(pool, RatingsInMemory(ratings.view()), 500, 400, config, wish, room); };
  EXPECT_EQ(made().size(), 15);  // 2 * 100 blocks
  wish.of_machine = false;
  EXPECT_THROW(made(), UsageError) << "--deterministic takes the grid of the data";
  config.grid = 5;
  EXPECT_THROW(made(), UsageError);
}

}  // namespace
}  // namespace wf::test
