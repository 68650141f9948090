// Similarities by hand, through an engine's scores.
#include "host/api/similar.hpp"
#include "host/api/engines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace wf::test {
namespace {

Model model_of(std::vector<float> items, int rank) {
  Model model = make_model(1, static_cast<Position>(items.size()) / rank, rank, true);
  std::copy(items.begin(), items.end(), model.tables.item_factors.begin());
  for (auto* values : {&model.tables.user_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    std::fill(values->begin(), values->end(), 7.0F);
  }
  model.global_mean = 3;
  return model;
}

/// Of the first row with all.
std::vector<float> scores_of_first(const Model& model, Similarity similarity) {
  const Model pairs = similarity_model(model, true, similarity);
  std::vector<float> scores(static_cast<std::size_t>(pairs.n_items));
  const RowId first = 0;
  const ChosenEngine chosen = make_engine("cpu", 1);
  chosen.engine->open(pairs)->score_items({&first, 1},
                                          {scores.data(), 1, static_cast<int>(pairs.n_items), pairs.n_items});
  return scores;
}

TEST(Similar, CosineByHand) {
  const Model model = model_of({3, 4, 4, 3, -3, -4, 0, 0, 8, -6}, 2);
  using testing::FloatNear;
  EXPECT_THAT(
      scores_of_first(model, Similarity::cosine),
      testing::ElementsAre(FloatNear(1, 1e-6F), FloatNear(0.96F, 1e-6F), FloatNear(-1, 1e-6F), 0, FloatNear(0, 1e-6F)));
}

TEST(Similar, DotByHandAndWithTheNormThatScoresSee) {
  Model model = model_of({3, 4, 4, 3, 0, 0}, 2);
  EXPECT_THAT(scores_of_first(model, Similarity::dot), testing::ElementsAre(25, 24, 0));
  model.norm_limit.max_norm = 1;
  const std::vector<float> shortened = scores_of_first(model, Similarity::dot);
  EXPECT_NEAR(shortened[1], 0.96, 1e-5);
  EXPECT_NEAR(scores_of_first(model, Similarity::cosine)[1], 0.96, 1e-6);
}

}  // namespace
}  // namespace wf::test
