// Top-N selection against plain sorting, and its order among ties.
#include "host/kernels/top_items.hpp"
#include "host/ratings/item_sets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace wf {
namespace {

std::vector<RowId> items_of(const std::vector<Recommendation>& best) {
  std::vector<RowId> items;
  for (const Recommendation& one : best) items.push_back(one.item);
  return items;
}

std::vector<RowId> top(const std::vector<float>& scores, const std::vector<RowId>& excluded, int n) {
  const auto size = static_cast<Position>(scores.size());
  return items_of(top_items({scores.data(), size}, n, [&](const auto& f) {
    for_rows_but(0, size, {excluded.data(), static_cast<Position>(excluded.size())}, f);
  }));
}

TEST(TopItems, AreTheHighestInDescendingOrder) {
  EXPECT_THAT(top({1, 5, 3, 4, 2}, {}, 3), testing::ElementsAre(1, 3, 2));
}

TEST(TopItems, AreTakenByRowAmongTies) {
  EXPECT_THAT(top({2, 7, 7, 2, 7}, {}, 4), testing::ElementsAre(1, 2, 4, 0));
}

TEST(TopItems, LeaveOutWhatIsExcluded) {
  EXPECT_THAT(top({1, 5, 3, 4, 2}, {1, 1, 3, 9}, 2), testing::ElementsAre(2, 4));
}

TEST(TopItems, AreFewerWhereThereAreNoMore) {
  EXPECT_THAT(top({1, 2}, {0}, 10), testing::ElementsAre(1));
  EXPECT_THAT(top({1, 2}, {0, 1}, 10), testing::IsEmpty());
  EXPECT_THAT(top({}, {}, 10), testing::IsEmpty());
  EXPECT_THAT(top({1, 2}, {}, 0), testing::IsEmpty());
}

TEST(TopItems, CarryTheirScores) {
  const std::vector<float> scores{0.25F, -std::numeric_limits<float>::max(), 8};
  const std::vector<Recommendation> best =
      top_items({scores.data(), 3}, 3, [](const auto& f) { for_rows_but(0, 3, {}, f); });
  ASSERT_EQ(best.size(), 3U);
  EXPECT_EQ(best[0].score, 8);
  EXPECT_EQ(best[2].score, -std::numeric_limits<float>::max());
}

TEST(TopItems, AreNumbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(top({kNan, 1, kNan, 3, 2, kNan}, {}, 2), testing::ElementsAre(3, 4));
  EXPECT_THAT(top({kNan, -kInfinity, kInfinity}, {}, 3), testing::ElementsAre(2, 1));
  BestItems best(2);
  for (const auto& [item, score] : {std::pair{0, kNan}, std::pair{1, 1.0F}, std::pair{2, kNan}, std::pair{3, 5.0F}}) {
    best.offer({item, score});
  }
  EXPECT_THAT(items_of(best.take()), testing::ElementsAre(3, 1)) << "none takes a place from the others";
}

RC_GTEST_PROP(TopItems, EqualTheFrontOfAStableSort, ()) {
  const auto levels = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-4, 5));  // few levels: many ties
  const auto excluded = *rc::gen::container<std::set<RowId>>(rc::gen::inRange(0, 40));
  const int n = *rc::gen::inRange(0, 50);
  const std::vector<float> scores(levels.begin(), levels.end());
  std::vector<RowId> expected;
  for (RowId row = 0; row < static_cast<RowId>(scores.size()); ++row) {
    if (excluded.count(row) == 0) expected.push_back(row);
  }
  std::stable_sort(expected.begin(), expected.end(), [&scores](RowId a, RowId b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  expected.resize(std::min(expected.size(), static_cast<std::size_t>(n)));
  RC_ASSERT(top(scores, {excluded.begin(), excluded.end()}, n) == expected);
}

TEST(ItemSets, AreAscendingAndDistinctAndInsideTheTables) {
  Ratings ratings;
  ratings.push_back(3, 8, 1);
  ratings.push_back(3, 2, 1);
  ratings.push_back(1, 5, 1);
  ratings.push_back(3, 8, 4);
  ratings.push_back(3, 9, 4);
  ratings.push_back(4, 0, 4);
  const ItemSets sets(ratings.view(), 4, 9, 2);
  const auto of = [&](RowId user) { return std::vector<RowId>(sets.of(user).begin(), sets.of(user).end()); };
  EXPECT_THAT(of(3), testing::ElementsAre(2, 8));
  EXPECT_THAT(of(0), testing::IsEmpty());
  EXPECT_THAT(of(1), testing::ElementsAre(5));
  const HostBuffer<Position> counts = sets.counts(9);
  EXPECT_THAT(std::vector<Position>(counts.begin(), counts.end()), testing::ElementsAre(0, 0, 1, 0, 0, 1, 0, 0, 1));
  EXPECT_TRUE(ItemSets().of(7).empty());
  EXPECT_THAT(std::vector<Position>(sets.starts().begin(), sets.starts().end()), testing::ElementsAre(0, 0, 1, 1, 3));
  EXPECT_THAT(std::vector<RowId>(sets.items().begin(), sets.items().end()), testing::ElementsAre(5, 2, 8));
  const ItemSets again = StoredItemSets(sets, testing::TempDir()).read();
  EXPECT_TRUE(std::equal(sets.starts().begin(), sets.starts().end(), again.starts().begin(), again.starts().end()));
  EXPECT_TRUE(std::equal(sets.items().begin(), sets.items().end(), again.items().begin(), again.items().end()));
  EXPECT_THROW(StoredItemSets(sets, testing::TempDir() + "nowhere"), FailedError);
}

}  // namespace
}  // namespace wf
