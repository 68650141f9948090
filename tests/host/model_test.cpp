// The model's shape: what make_model allocates and what its views show.
#include "host/model/model.hpp"

#include "host/base/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace wf {
namespace {

TEST(Model, HasTablesOfTheAskedShape) {
  const Model model = make_model(5, 3, 4, true);
  EXPECT_EQ(model.tables.user_factors.size(), 20);
  EXPECT_EQ(model.tables.item_factors.size(), 12);
  EXPECT_EQ(model.tables.user_biases.size(), 5);
  EXPECT_EQ(model.tables.item_biases.size(), 3);
  EXPECT_TRUE(model.has_biases());
  EXPECT_EQ(model.bytes(), (20 + 12 + 5 + 3) * 4);
}

TEST(Model, WithoutBiasesHasEmptyBiasViews) {
  Model model = make_model(5, 3, 4, false);
  EXPECT_FALSE(model.has_biases());
  EXPECT_FALSE(model.view().has_biases());
  EXPECT_EQ(model.view().user_biases.count, 0);
  EXPECT_EQ(model.bytes(), (20 + 12) * 4);
}

TEST(Model, ViewPointsIntoTheTables) {
  Model model = make_model(5, 3, 4, true);
  model.global_mean = 3.5F;
  const ModelView<float, Host> view = model.view();
  view.user_factors.row(4)[3] = 1;
  view.item_factors.row(1)[0] = 2;
  view.user_biases.row(4)[0] = 3;
  view.item_biases.row(2)[0] = 4;
  EXPECT_EQ(model.tables.user_factors[4 * 4 + 3], 1);
  EXPECT_EQ(model.tables.item_factors[1 * 4 + 0], 2);
  EXPECT_EQ(model.tables.user_biases[4], 3);
  EXPECT_EQ(model.tables.item_biases[2], 4);
  EXPECT_EQ(view.rank(), 4);
  EXPECT_EQ(view.user_factors.count, 5);
  EXPECT_EQ(view.item_factors.count, 3);
  EXPECT_EQ(view.global_mean, 3.5F);

  const Model& read_only = model;
  const ModelView<const float, Host> seen = read_only.view();
  EXPECT_EQ(seen.user_factors.data, view.user_factors.data);
  const ModelView<const float, Host> narrowed = view;
  EXPECT_EQ(narrowed.item_biases.data, seen.item_biases.data);
}

TEST(Model, RefusesARankOutsideItsRange) {
  for (const int rank : {-1, 0, kMaxRank + 1}) EXPECT_THROW(make_model(2, 2, rank, true), UsageError) << rank;
  EXPECT_EQ(make_model(2, 2, kMaxRank, false).rank, kMaxRank);
  EXPECT_EQ(make_model(2, 2, 1, false).rank, 1);
}

TEST(Model, MayHaveNoRows) {
  Model model = make_model(0, 0, 4, false);
  initialise(model, {}, 1, -1, -1);
  EXPECT_EQ(model.bytes(), 0);
  EXPECT_TRUE(model.view().user_factors.empty());
}

TEST(Model, RowsWithoutRatingsBeginAtZero) {
  Model model = make_model(3, 2, 9, false);
  initialise(model, {}, 1, -1, -1);
  Ratings ratings;
  ratings.push_back(2, 0, 4);
  const float kept = model.view().user_factors.row(2)[8];
  ThreadPool pool(1);
  zero_unrated_rows(model, row_counts(RatingsInMemory(ratings.view()), 3, 2, pool));
  for (int f = 0; f < 9; ++f) {
    EXPECT_EQ(model.view().user_factors.row(0)[f], 0);
    EXPECT_EQ(model.view().user_factors.row(1)[f], 0);
    EXPECT_EQ(model.view().item_factors.row(1)[f], 0);
    EXPECT_NE(model.view().item_factors.row(0)[f], 0);
  }
  EXPECT_EQ(model.view().user_factors.row(2)[8], kept);
}

TEST(Model, ANonnegativeStartKeepsTheSizes) {
  Model model = make_model(5, 4, 8, false), drawn = make_model(5, 4, 8, false);
  initialise(model, {}, 1, -1, -1);
  initialise(drawn, {}, 1, -1, -1);
  EXPECT_TRUE(has_negative_factors(model));
  make_nonnegative(model);
  EXPECT_FALSE(has_negative_factors(model));
  for (Position n = 0; n < model.tables.user_factors.size(); ++n) {
    EXPECT_EQ(model.tables.user_factors[n], std::fabs(drawn.tables.user_factors[n]));
  }
}

}  // namespace
}  // namespace wf
