// Top-N lists by panels against plain loops: every instruction set, awkward ranks and counts, any number of threads.
#include "host/cpu/top_lists.hpp"
#include "host/api/engines.hpp"
#include "host/api/recommend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

namespace wf {
namespace {

using Lists = std::vector<std::vector<Recommendation>>;

Span<const RowId, Host> span_of(const std::vector<RowId>& rows) {
  return {rows.data(), static_cast<Position>(rows.size())};
}

/// Small whole numbers: every order of summation gives the same scores, and many are equal.
Model whole_model(Position n_users, Position n_items, int rank, bool biases) {
  Model model = make_model(n_users, n_items, rank, biases);
  unsigned state = 1;
  for (auto* table :
       {&model.tables.user_factors, &model.tables.item_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    for (float& value : *table) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(static_cast<int>(state >> 24) % 5 - 2);
    }
  }
  model.global_mean = biases ? 3 : 0;
  return model;
}

/// Every third item of a user, and some twice.
Ratings some_seen(Position n_users, Position n_items) {
  Ratings seen;
  for (RowId user = 0; user < n_users; ++user) {
    for (RowId item = user % 3; item < n_items; item += 3) {
      seen.push_back(user, item, 1);
      if (item % 2 == 0) seen.push_back(user, item, 1);
    }
  }
  return seen;
}

Lists slow_lists(const Model& model, const std::vector<RowId>& users, const std::vector<RowId>& items,
                 const Ratings& seen, std::size_t n) {
  Lists lists;
  for (const RowId user : users) {
    std::vector<Recommendation> all;
    for (const RowId item : items) {
      bool is_seen = false;
      for (Position k = 0; k < seen.size(); ++k) is_seen |= seen.user[k] == user && seen.item[k] == item;
      if (is_seen) continue;
      double sum = 0;
      for (int f = 0; f < model.rank; ++f) {
        sum += static_cast<double>(model.tables.user_factors[user * model.rank + f]) *
               static_cast<double>(model.tables.item_factors[item * model.rank + f]);
      }
      if (model.has_biases()) {
        sum += static_cast<double>(model.tables.user_biases[user] + model.tables.item_biases[item] + model.global_mean);
      }
      all.push_back({item, static_cast<float>(sum)});
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    all.resize(std::min(all.size(), n));
    lists.push_back(all);
  }
  return lists;
}

void expect_equal(const Lists& found, const Lists& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t n = 0; n < found.size(); ++n) {
    ASSERT_EQ(found[n].size(), expected[n].size()) << what << ", user " << n;
    for (std::size_t k = 0; k < found[n].size(); ++k) {
      ASSERT_EQ(found[n][k].item, expected[n][k].item) << what << ", user " << n << ", place " << k;
      ASSERT_EQ(found[n][k].score, expected[n][k].score) << what << ", user " << n << ", place " << k;
    }
  }
}

TEST(TopLists, EqualPlainLoopsForEveryInstructionSet) {
  struct Case {
    Position n_users, n_items;
    int rank;
    Position n;
  };
  for (const Case& of : {Case{1, 1, 1, 1}, Case{3, 31, 7, 5}, Case{8, 32, 8, 40}, Case{65, 33, 31, 3},
                         Case{70, 100, 64, 10}, Case{9, 64, 33, 64}}) {
    for (const bool biases : {false, true}) {
      const Model model = whole_model(of.n_users, of.n_items, of.rank, biases);
      const Ratings seen = some_seen(of.n_users, of.n_items);
      const ItemSets sets(seen.view(), of.n_users, of.n_items, 1);
      std::vector<RowId> users(static_cast<std::size_t>(of.n_users)), items(static_cast<std::size_t>(of.n_items));
      std::iota(users.begin(), users.end(), 0);
      std::reverse(users.begin(), users.end());
      std::iota(items.begin(), items.end(), 0);
      items.erase(std::remove_if(items.begin(), items.end(), [](RowId item) { return item % 7 == 6; }), items.end());
      const Lists expected = slow_lists(model, users, items, seen, static_cast<std::size_t>(of.n));
      for (const Simd simd : usable_simd()) {
        for (const int threads : {1, 3}) {
          ThreadPool pool(threads);
          const ItemPanels panels(model.view(), {}, span_of(items), pool, simd);
          expect_equal(panels.top_lists(span_of(users), sets, of.n, pool), expected,
                       std::string(name_of(simd)) + ", rank " + std::to_string(of.rank));
          HostBuffer<float> rows(of.n_users * static_cast<Position>(items.size()));
          panels.score_rows(
              span_of(users),
              {rows.data(), of.n_users, static_cast<int>(items.size()), static_cast<Position>(items.size())}, pool);
          for (std::size_t u = 0; u < users.size(); ++u) {
            for (const Recommendation& best : expected[u]) {
              const auto place = std::lower_bound(items.begin(), items.end(), best.item) - items.begin();
              ASSERT_EQ(rows[static_cast<Position>(u * items.size()) + place], best.score);
            }
          }
        }
      }
    }
  }
}

TEST(TopLists, AreTheSameFromEveryEngine) {
  const Model model = whole_model(70, 40, 5, true);
  const Ratings seen = some_seen(70, 40);
  const ItemSets sets(seen.view(), 70, 40, 1);
  const std::vector<RowId> users{5, 5, 69, 0}, items{0, 2, 3, 31, 39};
  const Lists expected = slow_lists(model, users, items, seen, 4);
  for (const char* name : {"reference", "cpu"}) {
    ChosenEngine chosen = make_engine(name, 2);
    expect_equal(recommend(*chosen.engine, model, {span_of(users), span_of(items), sets, 4, 2}), expected, name);
  }
}

/// Every other vector of 4, 8 or 16 scores holds none that is a number, first the even ones and then the odd ones.
TEST(TopLists, HoldNumbersFromEveryInstructionSetAndEngine) {
  std::vector<RowId> users(20), items(100);
  std::iota(users.begin(), users.end(), 0);
  std::iota(items.begin(), items.end(), 0);
  const ItemSets none;
  ThreadPool pool(1);
  for (const int place : {0, 1, 2, 3, 4, 5}) {
    Model model = whole_model(20, 100, 6, true);
    std::vector<RowId> numbers;
    for (const RowId item : items) {
      if (item / (4 << place / 2) % 2 == place % 2) {
        model.tables.item_factors[item * 6] = std::numeric_limits<float>::quiet_NaN();
      } else {
        numbers.push_back(item);
      }
    }
    for (const Position n : {3, 90}) {
      const Lists expected = slow_lists(model, users, numbers, {}, static_cast<std::size_t>(n));
      for (const Simd simd : usable_simd()) {
        const ItemPanels panels(model.view(), {}, span_of(items), pool, simd);
        expect_equal(panels.top_lists(span_of(users), none, n, pool), expected, std::string(name_of(simd)));
      }
      for (const char* name : {"reference", "cpu"}) {
        ChosenEngine chosen = make_engine(name, 1);
        expect_equal(recommend(*chosen.engine, model, {span_of(users), span_of(items), none, n, 1}), expected, name);
      }
    }
  }
}

TEST(TopLists, HaveTheScoresOfPredictAndShrinkRowsAsItDoes) {
  Model model = make_model(5, 50, 20, true);
  InitConfig init;
  init.kind = Init::normal;
  initialise(model, init, 7, -1, -1);
  model.norm_limit.max_norm = 2;
  const std::vector<RowId> users{0, 1, 2, 3, 4};
  std::vector<RowId> items(50);
  std::iota(items.begin(), items.end(), 0);
  const ItemSets none;
  ChosenEngine chosen = make_engine("cpu", 1);
  const Lists lists = recommend(*chosen.engine, model, {span_of(users), span_of(items), none, 50, 1});
  const auto scorer = chosen.engine->open(model);
  ThreadPool pool(1);
  ScoreOptions options;
  options.norm_limit = model.norm_limit;
  const Lists by_panels =
      ItemPanels(model.view(), options, span_of(items), pool).top_lists(span_of(users), none, 50, pool);
  for (std::size_t u = 0; u < users.size(); ++u) {
    ASSERT_EQ(lists[u].size(), 50U);
    for (std::size_t k = 0; k < 50; ++k) {
      float score = 0;
      scorer->predict({&users[u], 1}, {&lists[u][k].item, 1}, {&score, 1});
      EXPECT_EQ(lists[u][k].score, score);
      // 22 products of numbers below 2 in another order: 22 roundings of 4 * 2^-24
      EXPECT_NEAR(by_panels[u][k].score, score, 22 * 4 * 0x1p-24);
      EXPECT_TRUE(k == 0 || better(lists[u][k - 1], lists[u][k]));
    }
  }
}

TEST(TopLists, OfNothingAreEmpty) {
  const Model model = whole_model(2, 3, 4, false);
  const ItemSets none;
  const std::vector<RowId> users{0, 1}, items{0, 1, 2}, nothing;
  ChosenEngine chosen = make_engine("cpu", 1);
  EXPECT_TRUE(recommend(*chosen.engine, model, {span_of(nothing), span_of(items), none, 3, 1}).empty());
  for (const auto& list : recommend(*chosen.engine, model, {span_of(users), span_of(nothing), none, 3, 1})) {
    EXPECT_TRUE(list.empty());
  }
  for (const auto& list : recommend(*chosen.engine, model, {span_of(users), span_of(items), none, 0, 1})) {
    EXPECT_TRUE(list.empty());
  }
}

}  // namespace
}  // namespace wf
