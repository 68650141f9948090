// Ranking metrics: cases worked out by hand, and equality with a slow computation that shares no code with them.
#include "host/evaluate/ranking_metrics.hpp"
#include "host/api/engines.hpp"
#include "host/api/evaluate_ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace wf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

template <class T>
Span<const T, Host> span_of(const std::vector<T>& values) {
  return {values.data(), static_cast<Position>(values.size())};
}

UserRanking rank(const std::vector<float>& scores, const std::vector<RowId>& relevant,
                 const std::vector<RowId>& excluded, Position n, Position n_unknown = 0) {
  return rank_user(span_of(scores), {span_of(relevant), span_of(excluded), n_unknown}, n);
}

TEST(ListMeasures, OfHitsAtPlacesOneAndThreeByHand) {
  // cut at 4, three relevant: places 1 and 3 hit, the third is beyond the list
  const ListMeasures of = list_measures({1, 3, 9}, 3, 4);
  EXPECT_DOUBLE_EQ(of.precision, 0.5);
  EXPECT_DOUBLE_EQ(of.recall, 2.0 / 3);
  EXPECT_EQ(of.hit_rate, 1);
  EXPECT_DOUBLE_EQ(of.ndcg, (1 + 0.5) / (1 + 1 / std::log2(3.0) + 0.5));
  EXPECT_DOUBLE_EQ(of.average_precision, (1 + 2.0 / 3) / 3);
  EXPECT_EQ(of.reciprocal_rank, 1);
}

TEST(ListMeasures, DivideByWhatFitsTheList) {
  const ListMeasures of = list_measures({2}, 5, 2);
  EXPECT_DOUBLE_EQ(of.recall, 0.2);
  EXPECT_DOUBLE_EQ(of.average_precision, 0.25) << "one precision of 1/2, by two places";
  EXPECT_DOUBLE_EQ(of.ndcg, (1 / std::log2(3.0)) / (1 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(of.reciprocal_rank, 0.5);
}

TEST(ListMeasures, AreZeroWithoutAHitAndOneWhereAllIsRight) {
  const ListMeasures none = list_measures({5}, 1, 4);
  EXPECT_EQ(none.precision + none.recall + none.hit_rate + none.ndcg + none.average_precision + none.reciprocal_rank,
            0);
  const ListMeasures all = list_measures({1, 2}, 2, 2);
  EXPECT_EQ(all.precision + all.recall + all.hit_rate + all.ndcg + all.average_precision + all.reciprocal_rank, 6);
}

TEST(UserRankingTest, FindsRelevantItemsAmongWhatIsRanked) {
  const UserRanking of = rank({5, 4, 3, 2, 1}, {1, 4}, {0}, 3, 2);
  EXPECT_THAT(of.best, ElementsAre(1, 2, 3));
  EXPECT_THAT(of.hits, ElementsAre(1));
  EXPECT_EQ(of.n_relevant, 4);
  // item 1 is above 2 and 3, item 4 below both
  EXPECT_DOUBLE_EQ(of.auc.value(), 0.5);
}

TEST(UserRankingTest, CountsHalfATieInTheAuc) {
  EXPECT_DOUBLE_EQ(rank({1, 1, 0}, {0}, {}, 1).auc.value(), 0.75);
  EXPECT_DOUBLE_EQ(rank({1, 1, 1}, {2}, {}, 1).auc.value(), 0.5);
  EXPECT_DOUBLE_EQ(rank({1, 2, 3}, {0}, {}, 1).auc.value(), 0);
}

TEST(UserRankingTest, HasNoAucWithoutPairs) {
  EXPECT_FALSE(rank({1, 2}, {0}, {1}, 1).auc);
  EXPECT_FALSE(rank({1, 2}, {}, {}, 1, 3).auc);
}

/// By definition, with sets and a sort: nothing of what is under test.
struct Slow {
  std::vector<RowId> order;
  double auc = 0;
  bool has_auc = false;

  Slow(const std::vector<float>& scores, const std::set<RowId>& relevant, const std::set<RowId>& excluded) {
    double right = 0;
    int pairs = 0;
    for (RowId i = 0; i < static_cast<RowId>(scores.size()); ++i) {
      if (excluded.count(i) > 0) continue;
      order.push_back(i);
      for (RowId j = 0; j < static_cast<RowId>(scores.size()); ++j) {
        if (relevant.count(i) == 0 || relevant.count(j) > 0 || excluded.count(j) > 0) continue;
        const float a = scores[static_cast<std::size_t>(i)], b = scores[static_cast<std::size_t>(j)];
        right += a > b ? 1 : a == b ? 0.5 : 0;
        ++pairs;
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](RowId a, RowId b) {
      return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    has_auc = pairs > 0;
    auc = has_auc ? right / pairs : 0;
  }
};

/// Whole numbers: every order of summation gives the same scores.
Model whole_model(Position n_users, Position n_items, int rank, unsigned seed) {
  Model model = make_model(n_users, n_items, rank, true);
  unsigned state = seed;
  const auto draw = [&] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(static_cast<int>(state >> 24) % 5 - 2);
  };
  for (auto* table :
       {&model.tables.user_factors, &model.tables.item_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    for (float& value : *table) value = draw();
  }
  model.global_mean = 1;
  return model;
}

struct Random {
  unsigned state;
  int below(int n) {
    state = state * 1664525U + 1013904223U;
    return static_cast<int>((state >> 8) % static_cast<unsigned>(n));
  }
};

RC_GTEST_PROP(RankingEvaluationTest, EqualsASlowOneOfItsOwn, (unsigned seed)) {
  Random random{seed | 1U};
  const int n_users = 1 + random.below(12), n_items = 1 + random.below(90), rank = 1 + random.below(9);
  const Model model = whole_model(n_users, n_items, rank, seed);
  Ratings test, train;
  std::map<RowId, std::set<RowId>> relevant, seen;
  for (int n = 0; n < 40; ++n) {  // some users and items are unknown
    test.push_back(random.below(n_users + 2), random.below(n_items + 2), 1);
    train.push_back(random.below(n_users), random.below(n_items), 1);
  }
  for (Position n = 0; n < 40; ++n) {
    relevant[test.user[n]].insert(test.item[n]);
    seen[train.user[n]].insert(train.item[n]);
  }
  const RowId padding = random.below(3) == 0 ? random.below(n_items) : -1;
  const ItemSets sets(train.view(), n_users, n_items, 2);
  ChosenEngine chosen = make_engine(random.below(4) == 0 ? "reference" : "cpu", 2);
  RankingTask task{{2, 7}, test.view(), sets, sets.counts(n_items)};
  task.padding = padding;
  const RankingEvaluation found = evaluate_ranking(*chosen.engine, model, std::move(task));

  double precision = 0, recall = 0, ndcg = 0, map = 0, mrr = 0, hit_rate = 0, auc = 0, popularity = 0;
  Position users = 0, aucs = 0, lists = 0, left_out = 0;
  std::map<RowId, int> listed;
  const HostBuffer<Position> counts = sets.counts(n_items);
  for (const auto& [user, wanted] : relevant) {
    std::set<RowId> excluded = user < n_users ? seen[user] : std::set<RowId>{};
    if (padding >= 0) excluded.insert(padding);
    std::set<RowId> left;
    for (const RowId item : wanted) {
      if (excluded.count(item) == 0) left.insert(item);
    }
    if (user >= n_users || left.empty()) {
      ++left_out;
      continue;
    }
    ++users;
    std::vector<float> scores(static_cast<std::size_t>(n_items));
    for (RowId i = 0; i < n_items; ++i) {
      double sum = static_cast<double>(model.tables.user_biases[user] + model.tables.item_biases[i]) + 1;
      for (int f = 0; f < rank; ++f) {
        sum += static_cast<double>(model.tables.user_factors[user * rank + f]) *
               static_cast<double>(model.tables.item_factors[i * rank + f]);
      }
      scores[static_cast<std::size_t>(i)] = static_cast<float>(sum);
    }
    const Slow slow(scores, left, excluded);
    if (slow.has_auc) {
      auc += slow.auc;
      ++aucs;
    }
    double hits = 0, dcg = 0, ideal = 0, precisions = 0, first = 0, ratings = 0;
    const std::size_t length = std::min<std::size_t>(7, slow.order.size());
    for (std::size_t place = 1; place <= length; ++place) {
      const RowId item = slow.order[place - 1];
      ++listed[item];
      ratings += static_cast<double>(counts[item]);
      if (left.count(item) == 0) continue;
      ++hits;
      dcg += std::log(2.0) / std::log(static_cast<double>(place) + 1);
      precisions += hits / static_cast<double>(place);
      if (first == 0) first = static_cast<double>(place);
    }
    for (std::size_t place = 1; place <= std::min<std::size_t>(7, left.size()); ++place) {
      ideal += std::log(2.0) / std::log(static_cast<double>(place) + 1);
    }
    precision += hits / 7;
    recall += hits / static_cast<double>(left.size());
    ndcg += dcg / ideal;
    map += precisions / static_cast<double>(std::min<std::size_t>(7, left.size()));
    mrr += first > 0 ? 1 / first : 0;
    hit_rate += hits > 0 ? 1 : 0;
    if (length > 0) {
      popularity += ratings / static_cast<double>(length);
      ++lists;
    }
  }
  RC_ASSERT(found.metrics.n_users == users);
  RC_ASSERT(found.n_left_out == left_out);
  RC_ASSERT(found.metrics.at.size() == 2U);
  const RankingAt& at = found.metrics.at[1];
  const auto near = [](double a, double b) { return std::fabs(a - b) < 1e-12 * (1 + std::fabs(b)); };
  if (users == 0) return;
  const auto n = static_cast<double>(users);
  RC_ASSERT(near(at.mean.precision, precision / n));
  RC_ASSERT(near(at.mean.recall, recall / n));
  RC_ASSERT(near(at.mean.ndcg, ndcg / n));
  RC_ASSERT(near(at.mean.average_precision, map / n));
  RC_ASSERT(near(at.mean.reciprocal_rank, mrr / n));
  RC_ASSERT(near(at.mean.hit_rate, hit_rate / n));
  RC_ASSERT(found.metrics.auc.has_value() == (aucs > 0));
  if (aucs > 0) RC_ASSERT(near(*found.metrics.auc, auc / static_cast<double>(aucs)));
  if (lists == 0) return;
  RC_ASSERT(near(*at.popularity, popularity / static_cast<double>(lists)));
  const int catalogue = n_items - (padding >= 0 ? 1 : 0);
  RC_ASSERT(near(at.coverage, static_cast<double>(listed.size()) / catalogue));
  double differences = 0, sum = 0;  // Gini: the mean difference of two items, by twice their mean
  for (RowId a = 0; a < n_items; ++a) {
    if (a == padding) continue;
    sum += listed[a];
    for (RowId b = 0; b < n_items; ++b) differences += b == padding ? 0 : std::abs(listed[a] - listed[b]);
  }
  RC_ASSERT(near(at.gini, differences / (2.0 * catalogue * sum)));
}

TEST(Sampled, AreSoManyOthersAndNothingExcluded) {
  const std::vector<RowId> relevant{2, 5}, excluded{0, 9};
  const UserItems items{span_of(relevant), span_of(excluded), 0};
  std::map<RowId, int> times;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const std::vector<RowId> drawn = sampled_others(items, 10, 2, seed, 3);
    ASSERT_EQ(drawn.size(), 2U);
    ASSERT_NE(drawn[0], drawn[1]);
    for (const RowId item : drawn) ++times[item];
  }
  // each of six is drawn in a third of 600: 200 on average, standard deviation sqrt(600 / 3 * 2 / 3) = 11.5
  for (const RowId item : {1, 3, 4, 6, 7, 8}) EXPECT_NEAR(times[item], 200, 5 * 11.5) << item;
  EXPECT_EQ(times.size(), 6U) << "neither relevant nor excluded";
  EXPECT_EQ(sampled_others(items, 10, 2, 1, 3), sampled_others(items, 10, 2, 1, 3));
  EXPECT_THAT(sampled_others(items, 10, 6, 1, 3), UnorderedElementsAre(1, 3, 4, 6, 7, 8));
  EXPECT_THAT(sampled_others(items, 10, 100, 1, 3), UnorderedElementsAre(1, 3, 4, 6, 7, 8));
}

/// All items by rows: a table of them for each user would take minutes.
TEST(Sampled, TakeNoTimeForItemsThatAreNotDrawn) {
  const std::vector<RowId> relevant{7}, excluded{1, 2};
  const UserItems items{span_of(relevant), span_of(excluded), 0};
  for (RowId user = 0; user < 1000; ++user) {
    const std::vector<RowId> drawn = sampled_others(items, kMaxRows, 3, 5, user);
    ASSERT_EQ(std::set<RowId>(drawn.begin(), drawn.end()).size(), 3U);
  }
}

TEST(Sampled, AreRankedWithWhatIsRelevantAndNoOthers) {
  const std::vector<float> scores{9, 5, 4, 3, 2, 1};
  const std::vector<RowId> relevant{2, 5}, others{4, 1};
  const UserRanking of = rank_among({scores.data(), 6}, {span_of(relevant), {}, 1}, span_of(others), 3);
  EXPECT_THAT(of.best, ElementsAre(1, 2, 4));
  EXPECT_THAT(of.hits, ElementsAre(2));
  EXPECT_EQ(of.n_relevant, 3);
  EXPECT_DOUBLE_EQ(of.auc.value(), 0.25) << "2 is above 4, and the other three pairs are wrong";
}

TEST(UserRankingTest, TakesWhatIsNoNumberForTheWorst) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const UserRanking of = rank({kNan, 3, kNan, 2, 1}, {0, 3}, {}, 4);
  EXPECT_THAT(of.best, ElementsAre(1, 3, 4));
  EXPECT_THAT(of.hits, ElementsAre(2));
  EXPECT_DOUBLE_EQ(of.auc.value(), 2.5 / 6) << "3 is above 4 and 2, 0 is level with 2";
}

TEST(RankingSumsTest, SaysWhatListsAreLikeTogether) {
  HostBuffer<Position> popularity(4);
  for (Position i = 0; i < 4; ++i) popularity[i] = 10 * i;
  RankingSums sums({2}, 4, std::move(popularity));
  UserRanking user;
  user.n_relevant = 1;
  user.best = {0, 1};
  sums.add(user);
  user.best = {0, 3};
  sums.add(user);
  const RankingMetrics of = sums.metrics();
  EXPECT_DOUBLE_EQ(of.at[0].coverage, 0.75);
  EXPECT_DOUBLE_EQ(of.at[0].popularity.value(), 10) << "5 and 15";
  EXPECT_DOUBLE_EQ(of.at[0].gini, 6.0 / 16) << "counts 2, 1, 0, 1: differences 12 over all ordered pairs, by 2 * 4 * 4";
  EXPECT_FALSE(of.auc);
}

}  // namespace
}  // namespace wf
