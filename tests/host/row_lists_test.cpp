// Ratings by user and by item: hand-made, then against a plain sort, for any order of the source and any threads.
#include "host/schedule/row_lists.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;

RatingLists lists_of(const Ratings& ratings, Position n_users, Position n_items, int threads = 1) {
  ThreadPool pool(threads);
  return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_items), n_users);
}

/// (row, partner, value) in the order of the lists.
std::vector<Triple> listed(const RowLists& lists) {
  std::vector<Triple> triples;
  for (Position row = 0; row < lists.rows(); ++row) {
    for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
      triples.emplace_back(static_cast<RowId>(row), lists.partner[n], lists.value[n]);
    }
  }
  return triples;
}

TEST(RowLists, HoldEveryRatingOfARowByAscendingPartner) {
  const RatingLists lists = lists_of(ratings_of({{2, 1, 5}, {0, 3, 1}, {2, 0, 4}, {0, 1, 2}}), 4, 5);
  EXPECT_THAT(std::vector<Position>(lists.user.begin.begin(), lists.user.begin.end()), ElementsAre(0, 2, 2, 4, 4));
  EXPECT_THAT(listed(lists.user), ElementsAre(Triple{0, 1, 2}, Triple{0, 3, 1}, Triple{2, 0, 4}, Triple{2, 1, 5}));
  EXPECT_THAT(listed(lists.item), ElementsAre(Triple{0, 2, 4}, Triple{1, 0, 2}, Triple{1, 2, 5}, Triple{3, 0, 1}));
}

TEST(RowLists, OfNothingAreEmptyRows) {
  const RatingLists lists = lists_of({}, 3, 2);
  EXPECT_EQ(lists.size(), 0);
  EXPECT_EQ(lists.user.rows(), 3);
  EXPECT_EQ(lists.item.rows(), 2);
  EXPECT_TRUE(listed(lists.item).empty());
}

TEST(RowLists, AreTheSortedRatingsWhateverTheirOrderAndTheThreads) {
  const Ratings ratings = random_ratings(20'000, 300, 40, 5, true);  // with many that name the same pair
  std::vector<Triple> expected = triples_of(ratings.view());
  std::sort(expected.begin(), expected.end());
  Ratings reversed;
  for (Position n = ratings.size() - 1; n >= 0; --n)
    reversed.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  for (const int threads : {1, 2, 5}) {
    for (const Ratings* source : {&ratings, static_cast<const Ratings*>(&reversed)}) {
      const RatingLists lists = lists_of(*source, 300, 40, threads);
      EXPECT_EQ(listed(lists.user), expected) << threads;
      std::vector<Triple> by_item;
      for (const auto& [item, user, value] : listed(lists.item)) by_item.emplace_back(user, item, value);
      EXPECT_TRUE(std::is_sorted(by_item.begin(), by_item.end(), [](const Triple& a, const Triple& b) {
        return std::tuple(std::get<1>(a), std::get<0>(a), std::get<2>(a)) <
               std::tuple(std::get<1>(b), std::get<0>(b), std::get<2>(b));
      }));
      std::sort(by_item.begin(), by_item.end());
      EXPECT_EQ(by_item, expected) << threads;
    }
  }
}

TEST(CutLists, PartsCoverAllRowsOnceAndShareTheCost) {
  HostBuffer<Position> begin;
  begin.push_back(0);
  for (Position row = 0; row < 1000; ++row) begin.push_back(begin[row] + row % 7);
  for (const Position parts : {1, 2, 7, 64, 5000}) {
    const HostBuffer<Position> cuts = cut_lists(begin.span(), parts, 3);
    ASSERT_EQ(cuts[0], 0);
    ASSERT_EQ(cuts[cuts.size() - 1], 1000);
    EXPECT_LE(cuts.size() - 1, parts);
    const Position cost = begin[1000] + 3 * 1000;
    for (Position part = 0; part + 1 < cuts.size(); ++part) {
      ASSERT_LT(cuts[part], cuts[part + 1]);
      const Position own = begin[cuts[part + 1]] - begin[cuts[part]] + 3 * (cuts[part + 1] - cuts[part]);
      EXPECT_LE(own, cost / parts + 2 * (6 + 3)) << "part " << part << " of " << parts;
    }
  }
}

TEST(CutLists, RowsThatAreAllEmptyAreStillCovered) {
  HostBuffer<Position> begin(11, 0);
  const HostBuffer<Position> cuts = cut_lists(begin.span(), 4, 0);
  EXPECT_EQ(cuts[0], 0);
  EXPECT_EQ(cuts[cuts.size() - 1], 10);
}

}  // namespace
}  // namespace wf::test
