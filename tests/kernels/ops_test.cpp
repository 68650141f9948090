// Every op of the contract: by hand for all kernel sets, then equal to the reference on awkward shapes.
#include "host/config/names.hpp"
#include "host/cpu/cpu.hpp"
#include "host/kernels/losses.hpp"
#include "host/reference/reference.hpp"
#include "tests/kernels/kernel_sets.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

template <class K>
class Ops : public testing::Test {
 protected:
  K kernels_;
};

TYPED_TEST_SUITE(Ops, OrdersUnderTest, KernelSetNames);

// ------------------------------------------------------------------------------------------------ by hand

TYPED_TEST(Ops, PredictAddsDotBiasesAndMean) {
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{1, 2}};
  tables.item_factors = Table{{3, -1}};
  tables.user_biases = Table{{0.5F}};
  tables.item_biases = Table{{-0.25F}};
  tables.global_mean = 3;
  const RowId row = 0;
  float score = 0;
  this->kernels_.predict(tables.view(), {}, {&row, 1}, {&row, 1}, {&score, 1});
  EXPECT_EQ(score, 1 + 0.5F - 0.25F + 3);
  this->kernels_.predict(tables.view(false), {}, {&row, 1}, {&row, 1}, {&score, 1});
  EXPECT_EQ(score, 1);
}

TYPED_TEST(Ops, PredictOfUnknownRowsUsesWhatIsKnown) {
  Tables4 tables(1, 1, 2, 0);
  tables.user_biases = Table{{0.5F}};
  tables.item_biases = Table{{-0.25F}};
  tables.global_mean = 3;
  const std::vector<RowId> user{0, 1, 1, -1};
  const std::vector<RowId> item{7, 0, 7, 0};
  std::vector<float> scores(4);
  const auto predict = [&](bool biases) {
    this->kernels_.predict(tables.view(biases), {.unknown_score = 2.5F}, {user.data(), 4}, {item.data(), 4},
                           {scores.data(), 4});
  };
  predict(true);
  EXPECT_THAT(scores, ElementsAre(3.5F, 2.75F, 3.0F, 2.75F));
  predict(false);
  EXPECT_THAT(scores, ElementsAre(2.5F, 2.5F, 2.5F, 2.5F));
}

TYPED_TEST(Ops, PredictAppliesMaxNormWithoutTouchingTheTables) {
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{3, 4}};  // norm 5 -> 1
  tables.item_factors = Table{{0.6F, 0.8F}};
  const RowId row = 0;
  float score = 0;
  this->kernels_.predict(tables.view(false), {.norm_limit = {.max_norm = 1}}, {&row, 1}, {&row, 1}, {&score, 1});
  EXPECT_NEAR(score, 1, 1e-6);
  EXPECT_THAT(tables.user_factors.values(), ElementsAre(3, 4));
}

TYPED_TEST(Ops, RatingErrorsOfEachLossAsComputedByHand) {
  Tables4 tables(1, 1, 1, 0);
  tables.user_factors = Table{{2}};
  tables.item_factors = Table{{1}};  // score 2
  const Ratings ratings = ratings_of({{0, 0, 5}, {0, 0, 1.5F}});
  const auto errors = [&](Loss loss) {
    this->kernels_.rating_errors(tables.view(false), {.loss = loss}, ratings.view());
    return this->kernels_.take_errors();
  };
  const ErrorSums mse = errors(Loss::mse);
  EXPECT_EQ(mse.count, 2);
  EXPECT_DOUBLE_EQ(mse.loss, 9 + 0.25);
  EXPECT_DOUBLE_EQ(mse.squared, 9 + 0.25);
  EXPECT_DOUBLE_EQ(mse.absolute, 3.5);
  EXPECT_DOUBLE_EQ(errors(Loss::l1).loss, 3.5);
  EXPECT_DOUBLE_EQ(errors(Loss::huber).loss, 2.5 + 0.125);
  EXPECT_NEAR(errors(Loss::bce_with_logits).loss, 2 * (2 + std::log1p(std::exp(-2.0))) - 2 * 6.5, 1e-12);
  EXPECT_NEAR(errors(Loss::kl).loss, 5 * std::log(2.5) - 3 + 1.5 * std::log(0.75) + 0.5, 1e-6);
  EXPECT_EQ(errors(Loss::kl).absolute, 3.5);
}

TYPED_TEST(Ops, LossesOfTwoClassesAsComputedByHand) {
  Tables4 tables(1, 2, 1, 0);
  tables.user_factors = Table{{0.5F}};
  tables.item_factors = Table{{1}, {-3}};                                             // scores 0.5 and -1.5
  const Ratings ratings = ratings_of({{0, 0, 5}, {0, 0, 0}, {0, 1, 1}, {0, 1, -1}});  // labels +1, -1, +1, -1
  const auto errors = [&](Loss loss) {
    this->kernels_.rating_errors(tables.view(false), {.loss = loss}, ratings.view());
    return this->kernels_.take_errors();
  };
  const auto logistic = [](double margin) { return std::log(1 + std::exp(-margin)); };
  const ErrorSums sums = errors(Loss::logistic);
  EXPECT_NEAR(sums.loss, logistic(0.5) + logistic(-0.5) + logistic(-1.5) + logistic(1.5), 1e-6);
  EXPECT_EQ(sums.absolute, 2) << "two scores have the wrong sign";
  EXPECT_EQ(sums.squared, 2);
  EXPECT_DOUBLE_EQ(errors(Loss::hinge).loss, 0.5 + 1.5 + 2.5);
  EXPECT_DOUBLE_EQ(errors(Loss::squared_hinge).loss, 0.25 + 2.25 + 6.25);
}

TYPED_TEST(Ops, ScoreItemsIsPredictOfUsersForAllItems) {
  Tables4 tables(3, 40, 9, 5);
  std::vector<float> scores(3 * 40);
  const std::vector<RowId> users{1, 7, 0};  // the second is unknown
  this->kernels_.score_items(tables.view(), {}, {users.data(), 3}, {scores.data(), 3, 40, 40});
  for (std::size_t n = 0; n < scores.size(); ++n) {
    const RowId item = static_cast<RowId>(n % 40);
    float one = 0;
    this->kernels_.predict(tables.view(), {}, {&users[n / 40], 1}, {&item, 1}, {&one, 1});
    EXPECT_NEAR(scores[n], one, rounding(9, 0.25)) << n;  // a matrix product may sum in another order
  }
}

TYPED_TEST(Ops, GroupRowsKeepsTheOrderOfAppearance) {
  const Ratings batch = ratings_of({{4, 1, 0}, {2, 1, 0}, {4, 0, 0}, {4, 1, 0}});
  const BatchGroups<Host> groups = this->kernels_.group_rows(batch.view(), 5, 2);
  EXPECT_THAT(std::vector<RowId>(groups.user.rows.begin(), groups.user.rows.end()), ElementsAre(4, 2));
  EXPECT_THAT(std::vector<RowId>(groups.user.starts.begin(), groups.user.starts.end()), ElementsAre(0, 3, 4));
  EXPECT_THAT(std::vector<RowId>(groups.user.members.begin(), groups.user.members.end()), ElementsAre(0, 2, 3, 1));
  EXPECT_THAT(std::vector<RowId>(groups.item.rows.begin(), groups.item.rows.end()), ElementsAre(1, 0));
  EXPECT_THAT(std::vector<RowId>(groups.item.members.begin(), groups.item.members.end()), ElementsAre(0, 1, 3, 2));
}

TYPED_TEST(Ops, RenormaliseShortensLongRowsOnly) {
  Table table{{3, 4}, {0.3F, 0.4F}, {-6, 8}};
  const std::vector<RowId> rows{0, 1};
  this->kernels_.renormalise_rows(table.view(), {rows.data(), 2}, {.max_norm = 1});
  EXPECT_THAT(table.values(), Pointwise(FloatNear(1e-6F), {0.6F, 0.8F, 0.3F, 0.4F, -6.0F, 8.0F}));
}

TYPED_TEST(Ops, RenormaliseKnowsEveryNorm) {
  const RowId row = 0;
  for (const auto& [type, norm] : {std::pair{1.0F, 7.0F}, {2.0F, 5.0F}, {3.0F, 4.49794F}, {INFINITY, 4.0F}}) {
    Table table{{3, -4}};
    this->kernels_.renormalise_rows(table.view(), {&row, 1}, {.max_norm = 1, .norm_type = type});
    EXPECT_THAT(table.values(), ElementsAre(FloatNear(3 / norm, 1e-6F), FloatNear(-4 / norm, 1e-6F))) << type;
  }
}

TYPED_TEST(Ops, RowGradientsSumDuplicatesAndApplyTheirOptions) {
  const Ratings batch = ratings_of({{0, 0, 0}, {0, 1, 0}, {1, 1, 0}});
  Table own{{10, 20}, {30, 40}};
  Table partner{{1, 2}, {3, 5}};
  const std::vector<float> slopes{2, -1, 4};
  const BatchGroups<Host> groups = this->kernels_.group_rows(batch.view(), 2, 2);
  Table gradients(2, 2, 0);
  const auto run = [&](const GradientOptions<Host>& options) {
    this->kernels_.row_gradients(groups.user, {slopes.data(), 3}, batch.item.span(), partner.view(), own.view(),
                                 options, gradients.view());
    return gradients.values();
  };
  EXPECT_THAT(run({}), ElementsAre(2 - 3, 4 - 5, 12, 20));
  EXPECT_THAT(run({.scale_grad_by_freq = true}), ElementsAre(-0.5F, -0.5F, 12, 20));
  const std::vector<float> penalties{0.5F, 0.25F};  // count 2 and 1; scale 2
  EXPECT_THAT(run({.penalties = {penalties.data(), 2}, .penalty_scale = 2}),
              ElementsAre(-1 + 2 * 0.5F * 2 * 10, -1 + 2 * 0.5F * 2 * 20, 12 + 0.5F * 30, 20 + 0.5F * 40));
}

TYPED_TEST(Ops, BiasGradientsAreTheSumsOfSlopes) {
  const Ratings batch = ratings_of({{0, 0, 0}, {0, 1, 0}, {1, 1, 0}});
  Table own{{10}, {30}};
  const std::vector<float> slopes{2, -1, 4};
  const BatchGroups<Host> groups = this->kernels_.group_rows(batch.view(), 2, 2);
  Table gradients(2, 1, 0);
  const std::vector<float> penalties{0.5F, 0.25F};
  this->kernels_.bias_gradients(groups.user, {slopes.data(), 3}, own.view(), {}, gradients.view());
  EXPECT_THAT(gradients.values(), ElementsAre(1, 4));
  this->kernels_.bias_gradients(groups.user, {slopes.data(), 3}, own.view(), {true, {penalties.data(), 2}, 1},
                                gradients.view());
  EXPECT_THAT(gradients.values(), ElementsAre(0.5F + 2 * 0.5F * 10, 4 + 0.25F * 30));
}

TYPED_TEST(Ops, SgdMovesOneRatingAsComputedByHand) {  // <p, q> = 1, err = 3
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{1, 2}};
  tables.item_factors = Table{{3, -1}};
  const Ratings ratings = ratings_of({{0, 0, 4}});
  const std::vector<float> half{0.5F};
  const Span<const float, Host> lambda{half.data(), 1};
  update_by_rating(this->kernels_, tables, ratings, {{0, 1}}, {.lr = 0.1F}, false, {lambda, lambda, {}, {}});
  EXPECT_DOUBLE_EQ(this->kernels_.take_errors().squared, 9);
  EXPECT_THAT(tables.user_factors.values(), Pointwise(FloatNear(1e-6F), {1.85F, 1.60F}));
  EXPECT_THAT(tables.item_factors.values(), Pointwise(FloatNear(1e-6F), {3.15F, -0.35F}));
}

TYPED_TEST(Ops, SgdMovesBiasesAsComputedByHand) {  // score 1 + 0.5 - 0.5 + 2 = 3, err = 1
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{1, 2}};
  tables.item_factors = Table{{3, -1}};
  tables.user_biases = Table{{0.5F}};
  tables.item_biases = Table{{-0.5F}};
  tables.global_mean = 2;
  const Ratings ratings = ratings_of({{0, 0, 4}});
  const Block block{0, 1};
  RecordTables4 rows(tables, true, TypeParam::padded_rank(2));
  rows.user_record(0)[kBiasShare] = 2;
  this->kernels_.sgd_update(rows.view(), ratings.view(), {&block, 1}, {.lr = 0.1F}, {});
  rows.bring_back();
  EXPECT_THAT(tables.user_biases.values(), ElementsAre(FloatNear(0.5F + 0.1F * (1 - 2 * 0.5F), 1e-6F)));
  EXPECT_THAT(tables.item_biases.values(), ElementsAre(FloatNear(-0.5F + 0.1F * 1, 1e-6F)));
}

// Two steps of every optimizer on one weight 1 with gradients 0.5, then -1, from the formulas of torch.optim.
struct RuleCase {
  const char* name;
  RuleSettings settings;
  double expected;
};

double adam_expected(bool sparse) {
  const double lr = 0.1, beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double w = 1, m = 0, v = 0;
  int t = 0;
  for (const double g : {0.5, -1.0}) {
    ++t;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const double c1 = 1 - std::pow(beta1, t), c2 = 1 - std::pow(beta2, t);
    w -= sparse ? lr * std::sqrt(c2) / c1 * m / (std::sqrt(v) + eps)
                : lr / c1 * m / (std::sqrt(v) / std::sqrt(c2) + eps);
  }
  return w;
}

TYPED_TEST(Ops, OptimizersStepAsTorchDefinesThem) {
  const double decayed = 1 - 0.1 * (0.5 + 0.01 * 1);
  const std::vector<RuleCase> cases{
      {"sgd", {.rule = Rule::sgd, .lr = 0.1}, 1 - 0.1 * 0.5 + 0.1},
      {"sgd with weight decay",
       {.rule = Rule::sgd, .lr = 0.1, .weight_decay = 0.01},
       decayed - 0.1 * (-1 + 0.01 * decayed)},
      {"momentum", {.rule = Rule::momentum, .lr = 0.1, .momentum = 0.9}, 1 - 0.1 * 0.5 - 0.1 * (0.9 * 0.5 - 1)},
      {"adagrad", {.rule = Rule::adagrad, .lr = 0.1, .eps = 1e-10}, 1 - 0.1 + 0.1 / std::sqrt(1.25)},
      {"adam", {.rule = Rule::adam, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.99}, adam_expected(false)},
      {"sparse_adam", {.rule = Rule::sparse_adam, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.99}, adam_expected(true)},
  };
  for (const RuleCase& c : cases) {
    SCOPED_TRACE(c.name);
    Table weights{{1}, {7}};
    Table first{{0}, {0}}, second{{0}, {0}};
    const OptimizerState<Host> state{first.view(), second.view(), {}};
    const RowId row = 0;
    Position step = 0;
    for (const float g : {0.5F, -1.0F}) {
      Table gradient{{g}};
      this->kernels_.optimizer_step(c.settings, ++step, weights.view(), {&row, 1}, gradient.view(), -1, state);
    }
    EXPECT_NEAR(weights.values()[0], c.expected, 1e-6);
    EXPECT_EQ(weights.values()[1], 7) << "another row moved";
  }
}

TYPED_TEST(Ops, OptimizerSkipsThePaddingRow) {
  Table weights{{1}, {1}};
  Table gradients{{1}, {1}};
  const std::vector<RowId> rows{0, 1};
  this->kernels_.optimizer_step({.rule = Rule::sgd, .lr = 0.5}, 1, weights.view(), {rows.data(), 2}, gradients.view(),
                                1, {});
  EXPECT_THAT(weights.values(), ElementsAre(0.5F, 1));
}

// ------------------------------------------------------------------------------- properties and equivalence

TYPED_TEST(Ops, CatchingUpEqualsSteppingWithZeroGradients) {
  const std::vector<RuleSettings> rules{
      {.rule = Rule::momentum, .lr = 0.1, .momentum = 0.9},
      {.rule = Rule::momentum, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .dense = true},
      {.rule = Rule::sgd, .lr = 0.1, .weight_decay = 0.1, .dense = true},
      {.rule = Rule::adagrad, .lr = 0.1, .weight_decay = 0.1, .dense = true},
      {.rule = Rule::adam, .lr = 0.1, .dense = true},
      {.rule = Rule::adam, .lr = 0.1, .weight_decay = 0.1, .dense = true},
  };
  const int rank = 70;
  for (std::size_t r = 0; r < rules.size(); ++r) {
    SCOPED_TRACE(r);
    const RuleSettings& rule = rules[r];
    ASSERT_TRUE(rule.moves_without_gradient());
    Table lazy(1, rank, 3), eager(1, rank, 3), gradient(1, rank, 4);
    Table none(1, rank, 0, 0);
    Table lazy_first(1, rank, 0, 0), lazy_second(1, rank, 0, 0), eager_first(1, rank, 0, 0),
        eager_second(1, rank, 0, 0);
    std::vector<Position> lazy_step(1), eager_step(1);
    const OptimizerState<Host> lazy_state{lazy_first.view(), lazy_second.view(), {lazy_step.data(), 1}};
    const OptimizerState<Host> eager_state{eager_first.view(), eager_second.view(), {eager_step.data(), 1}};
    const RowId row = 0;
    this->kernels_.optimizer_step(rule, 1, lazy.view(), {&row, 1}, gradient.view(), -1, lazy_state);
    this->kernels_.optimizer_step(rule, 1, eager.view(), {&row, 1}, gradient.view(), -1, eager_state);
    for (Position step = 2; step <= 9; ++step) {
      this->kernels_.optimizer_step(rule, step, eager.view(), {&row, 1}, none.view(), -1, eager_state);
    }
    this->kernels_.catch_up_rows(rule, 4, lazy.view(), {&row, 1}, lazy_state);
    this->kernels_.catch_up_table(rule, 9, lazy.view(), lazy_state);
    EXPECT_EQ(lazy_step[0], 9);
    EXPECT_LE(largest_difference(lazy.values(), eager.values()), rounding(20, 2));
    EXPECT_GT(largest_difference(lazy.values(), Table(1, rank, 3).values()), 0.01);
  }
}

TYPED_TEST(Ops, MiniBatchOpsEqualReferenceOnAwkwardShapes) {
  Reference reference;
  for (const int rank : awkward_ranks()) {
    for (const Position count : awkward_counts()) {
      for (const auto& [hot, padding] : {std::pair{false, 3}, {true, 3}, {true, 4}}) {  // 4: rows begin at 16 bytes
        SCOPED_TRACE(testing::Message() << "rank " << rank << " + " << padding << ", " << count << " ratings, hot "
                                        << hot);
        const Position n_users = 40, n_items = 30;
        const Ratings batch = random_ratings(count, n_users, n_items, 11, hot);
        Tables4 tables(n_users, n_items, rank, 17, 0.5F, padding);
        const auto run = [&](auto& kernels) {
          const BatchGroups<Host> groups = kernels.group_rows(batch.view(), n_users, n_items);
          std::vector<float> slopes(static_cast<std::size_t>(count));
          const Span<float, Host> span{slopes.data(), count};
          kernels.loss_slopes(tables.view(), batch.view(), Loss::mse, 0.5F, span);
          Table gradients(groups.user.rows.size, rank, 1, 1, padding);
          kernels.row_gradients(groups.user, span, batch.item.span(), tables.item_factors.view(),
                                tables.user_factors.view(), {}, gradients.view());
          std::vector<float> all = gradients.values();
          all.insert(all.end(), slopes.begin(), slopes.end());
          return all;
        };
        // scores are sums of rank products of 1/4 and three terms of 1/2; gradients sum up to `count` products
        const double bound = rounding(rank, 0.25 * rank + 8) * (hot ? static_cast<double>(count) : 40);
        EXPECT_LE(largest_difference(run(this->kernels_), run(reference)), bound);
      }
    }
  }
}

TYPED_TEST(Ops, SgdEqualsReferenceOnAwkwardRanks) {
  Reference reference;
  for (const int rank : awkward_ranks()) {
    SCOPED_TRACE(rank);
    const Ratings ratings = random_ratings(300, 20, 15, 5);
    const std::vector<Block> blocks = blocks_in_order(300);
    const auto run = [&](auto& kernels) {
      Tables4 tables(20, 15, rank, 23, 1 / std::sqrt(static_cast<float>(rank)));
      update_by_rating(kernels, tables, ratings, blocks, {.lr = 0.01F});
      return tables.values();
    };
    // each of 300 steps multiplies a rounding error by at most 1 + lr |p||q|, which over a row's 20 steps stays below 2
    EXPECT_LE(largest_difference(run(this->kernels_), run(reference)), 2 * 20 * rounding(rank, 1));
  }
}

TYPED_TEST(Ops, LeavesOtherRowsAlone) {
  Tables4 tables(4, 4, 9, 3);
  const std::vector<float> before = tables.user_factors.values();
  const Ratings ratings = ratings_of({{1, 2, 5}});
  update_by_rating(this->kernels_, tables, ratings, {{0, 1}}, {.lr = 0.1F});
  const std::vector<float> after = tables.user_factors.values();
  for (std::size_t n = 0; n < before.size(); ++n) EXPECT_EQ(n / 9 == 1, before[n] != after[n]) << n;
}

TEST(Cpu, GivesTheSameBitsForAnyNumberOfThreads) {
  const Position n_users = 300, n_items = 200;
  const Ratings batch = random_ratings(20000, n_users, n_items, 9, true);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 8}) {
    Cpu kernels(threads);
    Tables4 tables(n_users, n_items, 33, 17);
    const BatchGroups<Host> groups = kernels.group_rows(batch.view(), n_users, n_items);
    std::vector<float> slopes(20000);
    const Span<float, Host> span{slopes.data(), 20000};
    kernels.loss_slopes(tables.view(), batch.view(), Loss::huber, 1, span);
    const ErrorSums sums = kernels.take_errors();
    Table gradients(groups.item.rows.size, 33, 1);
    kernels.row_gradients(groups.item, span, batch.user.span(), tables.user_factors.view(), tables.item_factors.view(),
                          {}, gradients.view());
    std::vector<float> all = gradients.values();
    all.push_back(static_cast<float>(sums.loss));
    kernels.rating_errors(tables.view(), {}, batch.view());
    all.push_back(static_cast<float>(kernels.take_errors().squared));
    if (first.empty()) first = all;
    EXPECT_EQ(all, first) << threads;
  }
}

TEST(Losses, SlopesAreTheDerivativesOfTheValues) {
  for (const auto& [name, loss] : Names<Loss>::table) {
    for (const double rating : {0.75, 0.0}) {
      for (const double score : {-40.0, -2.5, -0.3, 0.005, 0.4, 1.7, 3.1, 40.0}) {
        with_loss(loss, [&, of = name](auto kind) {
          const double h = 1e-6;
          const double numeric =
              (loss_value<kind()>(score + h, rating) - loss_value<kind()>(score - h, rating)) / (2 * h);
          EXPECT_NEAR(loss_slope<kind()>(score, rating), numeric, 1e-6) << of << " at " << score << ", " << rating;
        });
      }
    }
  }
}

TEST(Losses, KlGoesOnStraightBelowItsLeastScore) {
  EXPECT_FLOAT_EQ((loss_slope<Loss::kl>(-5.0F, 3.0F)), 1 - 3 / 0.01F);
  EXPECT_NEAR((loss_value<Loss::kl>(0.0, 3.0)), 3 * std::log(3 / 0.01) - 3 + 0.01 + (3 / 0.01 - 1) * 0.01, 1e-12);
  EXPECT_EQ((loss_value<Loss::kl>(2.0, 0.0)), 2) << "a rating of 0 is the score alone";
}

TEST(Losses, OfTwoClassesKnowTheSignOfARatingAlone) {
  EXPECT_FLOAT_EQ((loss_value<Loss::logistic>(2.0F, 5.0F)), (loss_value<Loss::logistic>(2.0F, 0.5F)));
  EXPECT_FLOAT_EQ((loss_value<Loss::hinge>(0.25F, 0.0F)), 1.25F);
  EXPECT_FLOAT_EQ((loss_slope<Loss::squared_hinge>(0.25F, -1.0F)), 2.5F);
  EXPECT_EQ((loss_slope<Loss::hinge>(-1.0F, -1.0F)), 0) << "a margin of 1 is enough";
  EXPECT_NEAR((loss_value<Loss::logistic>(-1000.0F, 1.0F)), 1000, 1e-3) << "no overflow";
}

TEST(Losses, L1HasSlopeZeroAtZero) {
  EXPECT_EQ((loss_slope<Loss::l1>(2.0F, 2.0F)), 0);
}

}  // namespace
}  // namespace wf::test
