// Mini-batches: every rating once an epoch, in an order that is a function of the seed; the rows of a batch.
#include "host/schedule/batches.hpp"
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

std::vector<RowId> members_of(const RowGroups<Host>& groups, Position g) {
  return {groups.members.data + groups.starts[g], groups.members.data + groups.starts[g + 1]};
}

/// Where each row occurs.
std::map<RowId, std::vector<RowId>> places_of(const std::vector<RowId>& rows) {
  std::map<RowId, std::vector<RowId>> places;
  for (std::size_t m = 0; m < rows.size(); ++m) places[rows[m]].push_back(static_cast<RowId>(m));
  return places;
}

RC_GTEST_PROP(RowGroups, AgreeWithAMap, ()) {
  RowGrouper grouper;
  for (const Position n_rows : {20, 7, 50}) {  // the later calls meet what the earlier ones left behind
    const auto rows = *rc::gen::container<std::vector<RowId>>(rc::gen::inRange<RowId>(0, static_cast<RowId>(n_rows)));
    const auto n = static_cast<Position>(rows.size());
    const RowGroups<Host> groups = grouper.group({rows.data(), n}, n_rows);
    auto expected = places_of(rows);
    std::vector<RowId> order;
    for (std::size_t m = 0; m < rows.size(); ++m) {
      if (expected[rows[m]].front() == static_cast<RowId>(m)) order.push_back(rows[m]);
    }
    RC_ASSERT(std::vector<RowId>(groups.rows.begin(), groups.rows.end()) == order);
    RC_ASSERT(groups.starts.size == groups.rows.size + 1);
    RC_ASSERT(groups.starts[0] == 0);
    RC_ASSERT(groups.starts[groups.rows.size] == n);
    RC_ASSERT(groups.members.size == n);
    for (Position g = 0; g < groups.rows.size; ++g) {
      const std::vector<RowId> members = members_of(groups, g);
      RC_ASSERT(members == expected[groups.rows[g]]);
    }
  }
}

RC_GTEST_PROP(RowGroups, RepeatedComeFirstInLongAndShortBatches, ()) {
  RowGrouper grouper;
  for (const Position n_rows : {20, 400, 7, 50}) {
    RowGroupBuffers memory;
    const auto rows = *rc::gen::container<std::vector<RowId>>(rc::gen::inRange<RowId>(0, static_cast<RowId>(n_rows)));
    const auto n = static_cast<Position>(rows.size());
    std::vector<RowId> partners;
    std::vector<float> values;
    for (Position m = 0; m < n; ++m) {
      partners.push_back(static_cast<RowId>(m));
      values.push_back(0.5F * static_cast<float>(m));
    }
    const RowGroups<Host> groups = grouper.group({rows.data(), n}, n_rows, GroupOrder::repeated_first, memory,
                                                 {{partners.data(), n}, {values.data(), n}});
    Position place = 0;
    auto expected = places_of(rows);
    RC_ASSERT(groups.rows.size == static_cast<Position>(expected.size()));
    RC_ASSERT(groups.starts.size == groups.rows.size + 1);
    RC_ASSERT(groups.starts[groups.rows.size] == n);
    const bool counted = !groups.group_of_row.empty();
    RC_ASSERT(groups.group_of.size == (counted ? 0 : n));
    for (Position g = 0; g < groups.rows.size; ++g) {
      const std::vector<RowId> members = members_of(groups, g);
      RC_ASSERT(members == expected[groups.rows[g]]);
      RC_ASSERT((members.size() > 1) == (g < groups.repeated));
      for (const RowId member : members) {
        RC_ASSERT((counted ? groups.group_of_row[rows[static_cast<std::size_t>(member)]] : groups.group_of[member]) ==
                  g);
        const GroupedRating rating = groups.ratings[place++];
        RC_ASSERT(rating.partner == member && rating.value == 0.5F * static_cast<float>(member));
      }
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
