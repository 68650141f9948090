// Folding in users: what comes out minimises what training minimised, as computed by a plain solver and by differences.
#include "host/api/fold_in.hpp"
#include "host/api/user_descent.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/kernels/losses.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace wf {
namespace {

constexpr int kRank = 3;

Model item_model(Position n_items, bool biases) {
  Model model = make_model(2, n_items, kRank, biases);
  InitConfig init;
  init.kind = Init::normal;
  initialise(model, init, 5, -1, -1);
  for (Position i = 0; i < model.tables.item_biases.size(); ++i) {
    model.tables.item_biases[i] = 0.1F * static_cast<float>(i % 5);
  }
  model.global_mean = biases ? 3 : 0;
  return model;
}

/// User 0 has rated 8 items, user 1 none, user 2 two.
Ratings some_history() {
  Ratings history;
  for (RowId item = 0; item < 8; ++item) history.push_back(0, 2 * item, static_cast<float>(1 + item % 5));
  history.push_back(2, 3, 4);
  history.push_back(2, 1, 2);
  return history;
}

/// matrix x = right, by Gaussian elimination; the matrix is positive definite.
std::vector<double> solved(std::vector<std::vector<double>> matrix, std::vector<double> right) {
  const std::size_t n = right.size();
  for (std::size_t pivot = 0; pivot < n; ++pivot) {
    for (std::size_t row = pivot + 1; row < n; ++row) {
      const double by = matrix[row][pivot] / matrix[pivot][pivot];
      for (std::size_t column = pivot; column < n; ++column) matrix[row][column] -= by * matrix[pivot][column];
      right[row] -= by * right[pivot];
    }
  }
  for (std::size_t row = n; row-- > 0;) {
    for (std::size_t column = row + 1; column < n; ++column) right[row] -= matrix[row][column] * right[column];
    right[row] /= matrix[row][row];
  }
  return right;
}

double factor(const HostBuffer<float>& table, Position row, int f) {
  return f == kRank ? 1 : static_cast<double>(table[row * kRank + f]);
}

TEST(FoldIn, SolvesTheEquationsOfLeastSquares) {
  const Model model = item_model(20, true);
  const Ratings history = some_history();
  TrainConfig config;
  config.lambda_user = 0.3;
  config.lambda_bias = 2;
  const Model folded = fold_in(model, history.view(), 3, config, 100, 2);
  // sum of (r - mean - b_i - <p, q> - b)^2 + 0.3 n |p|^2 + 2 b^2, over (p, b) at once
  for (const Position user : {0, 2}) {
    std::vector<std::vector<double>> matrix(kRank + 1, std::vector<double>(kRank + 1));
    std::vector<double> right(kRank + 1);
    double count = 0;
    for (Position n = 0; n < history.size(); ++n) {
      if (history.user[n] != user) continue;
      ++count;
      const RowId item = history.item[n];
      const double rest = static_cast<double>(history.value[n] - model.global_mean - model.tables.item_biases[item]);
      for (int f = 0; f <= kRank; ++f) {
        right[static_cast<std::size_t>(f)] += rest * factor(model.tables.item_factors, item, f);
        for (int g = 0; g <= kRank; ++g) {
          matrix[static_cast<std::size_t>(f)][static_cast<std::size_t>(g)] +=
              factor(model.tables.item_factors, item, f) * factor(model.tables.item_factors, item, g);
        }
      }
    }
    for (std::size_t f = 0; f <= kRank; ++f) matrix[f][f] += f == kRank ? 2 : 0.3 * count;
    const std::vector<double> expected = solved(matrix, right);
    for (int f = 0; f < kRank; ++f) {
      EXPECT_NEAR(static_cast<double>(folded.tables.user_factors[user * kRank + f]),
                  expected[static_cast<std::size_t>(f)], 1e-5);
    }
    EXPECT_NEAR(static_cast<double>(folded.tables.user_biases[user]), expected[kRank], 1e-5);
  }
  for (int f = 0; f < kRank; ++f) EXPECT_EQ(folded.tables.user_factors[kRank + f], 0) << "without ratings";
}

TEST(FoldIn, SolvesTheEquationsOfImplicitFeedback) {
  const Model model = item_model(20, false);
  const Ratings history = some_history();
  TrainConfig config;
  config.algorithm = Algorithm::ials;
  config.alpha = 2;
  config.unobserved_weight = 1;
  config.lambda_user = 0.5;
  config.reg_scaling = RegScaling::none;
  const Model folded = fold_in(model, history.view(), 3, config, 100, 1);
  // Hu, Koren, Volinsky: (Q'Q + Q'(C - I)Q + lambda I) p = Q'C 1, C = 1 + alpha r where there is a rating
  std::vector<std::vector<double>> matrix(kRank, std::vector<double>(kRank));
  std::vector<double> right(kRank);
  for (RowId item = 0; item < 20; ++item) {
    double value = 0;
    for (Position n = 0; n < history.size(); ++n) {
      if (history.user[n] == 0 && history.item[n] == item) value = static_cast<double>(history.value[n]);
    }
    for (int f = 0; f < kRank; ++f) {
      if (value > 0) {
        right[static_cast<std::size_t>(f)] += (1 + 2 * value) * factor(model.tables.item_factors, item, f);
      }
      for (int g = 0; g < kRank; ++g) {
        matrix[static_cast<std::size_t>(f)][static_cast<std::size_t>(g)] +=
            (1 + 2 * value) * factor(model.tables.item_factors, item, f) * factor(model.tables.item_factors, item, g);
      }
    }
  }
  for (std::size_t f = 0; f < kRank; ++f) matrix[f][f] += 0.5;
  const std::vector<double> expected = solved(matrix, right);
  for (int f = 0; f < kRank; ++f) {
    EXPECT_NEAR(static_cast<double>(folded.tables.user_factors[f]), expected[static_cast<std::size_t>(f)], 1e-5);
  }
}

struct SomeProblem {
  std::vector<float> rows;
  UserProblem problem;
};

SomeProblem some_problem(Loss loss) {
  SomeProblem some;
  auto& [rows, problem] = some;
  problem.loss = loss;
  problem.l2 = 0.2;
  problem.l2_bias = 0.7;
  problem.has_bias = !is_pairwise(loss);
  for (int n = 0; n < 12; ++n) {
    const auto x = static_cast<float>(n);
    for (const float value : {std::sin(x + 1), std::cos(2 * x), std::sin(3 * x)}) rows.push_back(value);
  }
  for (int n = 0; n < 12; ++n) {
    problem.terms.push_back({&rows[static_cast<std::size_t>(n) * kRank], nullptr, loss == Loss::kl ? 2 : 0.1 * (n % 3),
                             static_cast<double>(loss == Loss::bce_with_logits ? n % 2 : n % 4), n % 2 == 0 ? 1 : 0.5});
  }
  return some;
}

class Descent : public testing::TestWithParam<Loss> {};

/// The problems are convex: where no small step in any direction gains anything, there is the least sum.
TEST_P(Descent, EndsWhereNoStepGains) {
  const SomeProblem some = some_problem(GetParam());
  const UserProblem& problem = some.problem;
  const UserSolution at = descend(problem, kRank);
  const double least = objective(problem, at);
  EXPECT_LT(least, objective(problem, {{0, 0, 0}, 0}));
  // of smooth losses, a step of 0.01 gains at most what 1e-9 a step leaves; of those with kinks, descent may end in one
  const bool kinks = GetParam() == Loss::l1 || GetParam() == Loss::hinge || GetParam() == Loss::warp;
  const double allowed = (kinks ? 1e-2 : 1e-6) * least;
  for (int direction = 0; direction < 60; ++direction) {
    UserSolution near = at;
    for (int f = 0; f < kRank; ++f) near.factors[static_cast<std::size_t>(f)] += 0.01 * std::sin(7.0 * direction + f);
    if (problem.has_bias) near.bias += 0.01 * std::cos(5.0 * direction);
    EXPECT_GE(objective(problem, near), least - allowed) << direction;
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Descent,
                         testing::Values(Loss::mse, Loss::l1, Loss::huber, Loss::bce_with_logits, Loss::kl,
                                         Loss::logistic, Loss::hinge, Loss::squared_hinge, Loss::bpr, Loss::warp));

TEST(DescentTest, SoftensAndClipsByHand) {
  // (2 - x)^2 + 2 |x|: 2 (x - 2) + 2 = 0 at 1; (-1 - y)^2 + 2 |y|: -2 + 2 = 0 at 0
  UserProblem problem;
  const float rows[] = {1, 0, 0, 1};
  problem.terms = {{rows, nullptr, 0, 2, 1}, {rows + 2, nullptr, 0, -1, 1}};
  problem.l1 = 2;
  UserSolution at = descend(problem, 2);
  EXPECT_NEAR(at.factors[0], 1, 1e-4);
  EXPECT_EQ(at.factors[1], 0);
  problem.l1 = 0;
  problem.nonnegative = true;
  at = descend(problem, 2);
  EXPECT_NEAR(at.factors[0], 2, 1e-4);
  EXPECT_EQ(at.factors[1], 0) << "-1 is not allowed";
}

/// Training steps along half the loss's slope and shrinks by rate * l1: it rests where (3 - 2p) 2 = 0.5 p + 1.
TEST(FoldIn, HasTheSizePenaltyOfTrainingByHand) {
  Model model = make_model(1, 1, 1, false);
  model.tables.item_factors[0] = 2;
  Ratings history;
  history.push_back(0, 0, 3);
  TrainConfig config;
  config.lambda_user = 0.5;
  config.l1_user = 1;
  const Model folded = fold_in(model, history.view(), 1, config, 100, 1);
  EXPECT_NEAR(folded.tables.user_factors[0], 5 / 4.5, 1e-4);
}

TEST(FoldIn, PairsRankWhatWasRatedAboveTheRest) {
  const Model model = item_model(20, true);
  const Ratings history = some_history();
  TrainConfig config;
  config.loss = Loss::bpr;
  config.lambda_user = 0.01;
  const Model folded = fold_in(model, history.view(), 3, config, 100, 1),
              again = fold_in(model, history.view(), 3, config, 100, 3);
  double rated = 0, others = 0;
  for (RowId item = 0; item < 20; ++item) {
    double score = static_cast<double>(model.tables.item_biases[item]);
    for (int f = 0; f < kRank; ++f) {
      score += factor(folded.tables.user_factors, 0, f) * factor(model.tables.item_factors, item, f);
    }
    (item < 16 && item % 2 == 0 ? rated : others) += score / (item < 16 && item % 2 == 0 ? 8 : 12);
  }
  EXPECT_GT(rated, others + 0.5);
  EXPECT_TRUE(std::equal(folded.tables.user_factors.begin(), folded.tables.user_factors.end(),
                         again.tables.user_factors.begin()))
      << "whatever the threads";
}

/// At the factors that come out, the gradient of bpr over the pairs that the header promises: of `ratings` ratings, of
/// which every third is of an item rated before, against `negatives` items each. As a share of the gradient at zero.
double slope_of_pairs(Position ratings, Position negatives) {
  const Position n_items = ratings * 2;
  const Model model = item_model(n_items, true);
  Ratings history;
  std::vector<RowId> items;
  for (RowId n = 0; n < ratings; ++n) items.push_back(2 * (n % 3 == 2 ? n - 1 : n));
  std::vector<bool> is_rated(static_cast<std::size_t>(n_items));
  for (const RowId item : items) {
    history.push_back(0, item, 1);
    is_rated[static_cast<std::size_t>(item)] = true;
  }
  TrainConfig config;
  config.loss = Loss::bpr;
  config.lambda_user = 1;
  config.reg_scaling = RegScaling::none;
  const Model folded = fold_in(model, history.view(), 1, config, 100, 1);
  std::vector<RowId> unrated;
  for (RowId item = 0; item < n_items; ++item) {
    if (!is_rated[static_cast<std::size_t>(item)]) unrated.push_back(item);
  }
  double slope[kRank], at_zero[kRank]{};
  for (int f = 0; f < kRank; ++f) {
    slope[f] = 2 * config.lambda_user * factor(folded.tables.user_factors, 0, f);
  }
  for (Position n = 0; n < ratings; ++n) {
    for (Position k = 0; k < negatives; ++k) {
      const RandomBits bits = random_bits(config.seed, Purpose::fold_in, static_cast<std::uint64_t>(n * 32 + k), 0);
      const RowId item = items[static_cast<std::size_t>(n)],
                  other = unrated[to_index(bits.word[0], bits.word[1], unrated.size())];
      const auto bias = static_cast<double>(model.tables.item_biases[item] - model.tables.item_biases[other]);
      double score = bias, q[kRank];
      for (int f = 0; f < kRank; ++f) {
        q[f] = factor(model.tables.item_factors, item, f) - factor(model.tables.item_factors, other, f);
        score += factor(folded.tables.user_factors, 0, f) * q[f];
      }
      for (int f = 0; f < kRank; ++f) {
        slope[f] -= q[f] / (1 + std::exp(score)) / static_cast<double>(negatives);
        at_zero[f] -= q[f] / (1 + std::exp(bias)) / static_cast<double>(negatives);
      }
    }
  }
  return std::hypot(slope[0], slope[1], slope[2]) / std::hypot(at_zero[0], at_zero[1], at_zero[2]);
}

TEST(FoldIn, PairsAreDrawnAmongTheUnrated) {
  // a last step that gains 1e-9 of the sum leaves a slope of some sqrt(1e-9), 3e-5, times the spread of the curvature
  EXPECT_LT(slope_of_pairs(40, 32), 1e-3);
  EXPECT_GT(slope_of_pairs(40, 31), 1e-2) << "other pairs have another end";
}

TEST(FoldIn, ManyRatingsHaveFewerPairsEach) {
  EXPECT_LT(slope_of_pairs(3000, 65536 / 3000), 1e-3);
  EXPECT_GT(slope_of_pairs(3000, 32), 1e-2) << "which are not all pairs";
}

TEST(FoldIn, AUserWithAllItemsHasNoPairs) {
  const Model model = item_model(2, false);
  Ratings history;
  history.push_back(0, 0, 1);
  history.push_back(0, 1, 1);
  TrainConfig config;
  config.loss = Loss::warp;
  const Model folded = fold_in(model, history.view(), 1, config, 100, 1);
  for (const float value : folded.tables.user_factors) EXPECT_EQ(value, 0);
}

TEST(FoldIn, RefusesWhatHasNoSumOfOneUser) {
  Model model = item_model(4, false);
  const Ratings history;
  for (const Algorithm algorithm : {Algorithm::svd, Algorithm::pca}) {
    TrainConfig config;
    config.algorithm = algorithm;
    EXPECT_THROW(fold_in(model, history.view(), 0, config, 1, 1), UsageError);
  }
  model.norm_limit.max_norm = 1;
  EXPECT_THROW(fold_in(model, history.view(), 0, {}, 1, 1), UsageError);
}

}  // namespace
}  // namespace wf
