// Least squares by row: by hand, by the residuals of the normal equations, and by what holds for any of its solutions.
#include "host/config/names.hpp"
#include "host/cpu/cpu.hpp"
#include "host/reference/reference.hpp"
#include "host/train/turned_rows.hpp"
#include "tests/kernels/problems.hpp"
#if defined(WF_TEST_CUDA)
#include "tests/kernels/cuda_on_host.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

template <class K>
class Solve : public testing::Test {
 protected:
  K kernels_;
};

struct KernelSetNames {
  template <class K>
  static std::string GetName(int) {
    return K::kName;
  }
};
#if defined(WF_TEST_CUDA)
using KernelSetsUnderTest = testing::Types<CudaOnHost<Order::racing>>;
#else
using KernelSetsUnderTest = testing::Types<Reference, Cpu>;
#endif
TYPED_TEST_SUITE(Solve, KernelSetsUnderTest, KernelSetNames);

RatingLists lists_of(const Ratings& ratings, Position n_users, Position n_items) {
  ThreadPool pool(1);
  return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_items), n_users);
}

/// The normal equations of a row in double, the bias as the last unknown.
struct Equations {
  std::vector<std::vector<double>> matrix;
  std::vector<double> right;
};

/// The reference, but for the rows that K solves: where K is tested op by op and is no kernel set.
template <class K>
class SolvesBy : public Reference {
 public:
  explicit SolvesBy(K& kernels) : kernels_(kernels) {}
  void solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                  const SolveSettings& settings) {
    kernels_.solve_rows(lists, sides, gram, settings);
  }

 private:
  K& kernels_;
};

/// Tables and lists of one problem; users are solved.
struct Problem {
  Problem(const Ratings& ratings, Position users, Position items, int rank, bool with_biases, std::uint64_t seed = 3)
      : n_users(users),
        n_items(items),
        biases(with_biases),
        tables(users, items, rank, seed, 1 / std::sqrt(static_cast<float>(rank))),
        lists(lists_of(ratings, users, items)),
        gram(rank, rank, 0, 1, 0) {}

  int rank() { return tables.user_factors.view().rank; }
  SolveSides<Host> users() {
    const ModelView<float, Host> model = tables.view(biases);
    return {model.item_factors, model.item_biases, model.user_factors, model.user_biases};
  }
  SolveSides<Host> items() {
    const ModelView<float, Host> model = tables.view(biases);
    return {model.user_factors, model.user_biases, model.item_factors, model.item_biases};
  }

  template <class K>
  SolvedRows solve(K& kernels, SolveSettings settings, bool of_users = true) {
    const SolveSides<Host> sides = of_users ? users() : items();
    settings.n_partners = sides.partner_factors.count;
    settings.mean = biases ? tables.global_mean : 0;
    if (settings.implicit) kernels.gram(sides.partner_factors, gram.view());
    kernels.solve_rows((of_users ? lists.user : lists.item).view(), sides,
                       settings.implicit ? gram.view() : Rows<float, Host>{}, settings);
    return kernels.take_solved();
  }

  Span<const float, Host> gram_span() { return {gram.view().data, Position{rank()} * rank()}; }

  /// The users by TurnedRows.
  template <class K>
  SolvedRows solve_turned(K& kernels, SolveSettings settings) {
    const SolveSides<Host> sides = users();
    settings.n_partners = sides.partner_factors.count;
    kernels.gram(sides.partner_factors, gram.view());
    const auto turn = [&](auto&& by) {
      TurnedRows<std::remove_cvref_t<decltype(by)>> turned(by, n_items, rank());
      EXPECT_TRUE(turned.solve(lists.user.view(), sides, gram_span(), settings));
    };
    if constexpr (KernelSet<K>) {
      turn(kernels);
    } else {
      turn(SolvesBy<K>(kernels));
    }
    return kernels.take_solved();
  }

  /// Of user `row`, by definition: nothing is shared with the engines but the terms.
  Equations equations(Position row, const SolveSettings& settings) {
    const SolveSides<Host> sides = users();
    const auto size = static_cast<std::size_t>(rank() + (biases ? 1 : 0));
    Equations result{std::vector(size, std::vector<double>(size)), std::vector<double>(size)};
    const auto partner = [&](Position item) {
      std::vector<double> q(sides.partner_factors.row(item), sides.partner_factors.row(item) + rank());
      if (biases) q.push_back(1);
      return q;
    };
    const auto add = [&](const std::vector<double>& q, double curvature, double pull) {
      for (std::size_t f = 0; f < size; ++f) {
        result.right[f] += pull * q[f];
        for (std::size_t g = 0; g < size; ++g) result.matrix[f][g] += curvature * q[f] * q[g];
      }
    };
    Position counted = 0;
    const RowListsView<Host> of = lists.user.view();
    for (Position n = of.begin[row]; n < of.begin[row + 1]; ++n) {
      const RowId item = of.partner[n];
      const double value = of.value[n];
      if (settings.implicit) {
        const Term<double> term = implicit_term<double>(settings, value);
        add(partner(item), term.curvature, term.pull);
      } else {
        const double mean = biases ? static_cast<double>(tables.global_mean) + *sides.partner_biases.row(item) : 0;
        add(partner(item), 1, value - mean);
      }
      if (counts(settings, of.value[n])) ++counted;
    }
    for (Position item = 0; settings.implicit && item < n_items; ++item) add(partner(item), settings.unobserved, 0);
    const double ridge = settings.lambda * row_scale(settings, counted);
    for (std::size_t f = 0; f < static_cast<std::size_t>(rank()); ++f) result.matrix[f][f] += ridge;
    if (biases) result.matrix.back().back() += settings.lambda_bias;
    return result;
  }
  std::vector<double> solution(Position row) {
    std::vector<double> x(users().factors.row(row), users().factors.row(row) + rank());
    if (biases) x.push_back(*users().biases.row(row));
    return x;
  }

  Position n_users, n_items;
  bool biases;
  Tables4 tables;
  RatingLists lists;
  Table gram;
};

/// The largest |A x - b| of an equation, in units of what rounding may leave there: |A||x| + |b|.
double residual_ratio(const Equations& equations, const std::vector<double>& x) {
  double largest = 0, scale = 0;
  for (std::size_t f = 0; f < x.size(); ++f) {
    double rest = -equations.right[f], size = std::fabs(equations.right[f]);
    for (std::size_t g = 0; g < x.size(); ++g) {
      rest += equations.matrix[f][g] * x[g];
      size += std::fabs(equations.matrix[f][g] * x[g]);
    }
    largest = std::isnan(rest) ? INFINITY : std::max(largest, std::fabs(rest));
    scale = std::max(scale, size);
  }
  return scale > 0 ? largest / scale : largest;
}

/// Rounding of the sums over a row's ratings and all partners, and of Cholesky's method: Higham, Accuracy and stability
/// of numerical algorithms, 2002, theorem 10.4, by which the solution is that of a matrix 4 k (3 k + 1) eps off at
/// most; here with the k that its error grows by in practice, ibid. section 10.1.
double allowed_residual(Position ratings, Position partners, int rank) {
  return rounding(static_cast<double>(ratings + partners) + 4.0 * rank, 1);
}

SolveSettings explicit_settings() {
  SolveSettings settings;
  settings.lambda = 0.05;
  settings.lambda_bias = 2;
  return settings;
}
SolveSettings implicit_settings(Convention convention) {
  SolveSettings settings;
  settings.implicit = true;
  settings.convention = convention;
  settings.alpha = 2;
  settings.unobserved = convention == Convention::hu || convention == Convention::ials ? 0.2 : 1;
  settings.lambda = 0.02;
  settings.scaling = convention == Convention::implicit ? RegScaling::none
                     : convention == Convention::spark  ? RegScaling::count
                                                        : RegScaling::weight;
  settings.nu = 0.8;
  return settings;
}

void expect_solved(Problem& problem, const SolveSettings& asked, const std::string& what) {
  SolveSettings settings = asked;
  settings.n_partners = problem.n_items;
  for (Position row = 0; row < problem.n_users; ++row) {
    const Position ratings = problem.lists.user.view().count(row);
    if (ratings == 0) continue;
    EXPECT_LE(residual_ratio(problem.equations(row, settings), problem.solution(row)),
              allowed_residual(ratings, settings.implicit ? problem.n_items : 0, problem.rank()))
        << what << ", row " << row << " of " << ratings << " ratings";
  }
}

// ------------------------------------------------------------------------------------------------ by hand

TYPED_TEST(Solve, OneFactorIsAQuotientOfSums) {
  Problem problem(ratings_of({{0, 0, 4}, {0, 1, 1}, {1, 1, 3}}), 2, 2, 1, false);
  problem.tables.item_factors = Table{{2}, {-1}};
  SolveSettings settings;
  settings.lambda = 0.5;
  settings.scaling = RegScaling::count;
  problem.solve(this->kernels_, settings);
  // (2 * 4 - 1 * 1) / (4 + 1 + 0.5 * 2), and -1 * 3 / (1 + 0.5)
  EXPECT_THAT(problem.tables.user_factors.values(), ElementsAre(FloatNear(7.0F / 6, 1e-6F), FloatNear(-2, 1e-6F)));
}

TYPED_TEST(Solve, ABiasTakesWhatFactorsOfZeroCannot) {
  Problem problem(ratings_of({{0, 0, 4}, {0, 1, 1}}), 1, 2, 1, true);
  problem.tables.item_factors = Table{{0}, {0}};
  problem.tables.item_biases = Table{{0.5F}, {-0.5F}};
  problem.tables.global_mean = 2;
  SolveSettings settings = explicit_settings();
  settings.lambda_bias = 1;
  problem.solve(this->kernels_, settings);
  // rests 4 - 2 - 0.5 and 1 - 2 + 0.5: their sum over 2 + 1
  EXPECT_THAT(problem.tables.user_biases.values(), ElementsAre(FloatNear(1.0F / 3, 1e-6F)));
  EXPECT_THAT(problem.tables.user_factors.values(), ElementsAre(0));
}

TYPED_TEST(Solve, ImplicitConventionsByHand) {
  const auto solved = [&](const SolveSettings& settings) {
    Problem problem(ratings_of({{0, 0, 3}, {0, 1, 0}, {0, 2, -1}}), 1, 4, 1, false);
    problem.tables.item_factors = Table{{1}, {2}, {1}, {-1}};
    problem.solve(this->kernels_, settings);
    return problem.tables.user_factors.values()[0];
  };
  SolveSettings settings = implicit_settings(Convention::hu);
  settings.scaling = RegScaling::none;
  settings.lambda = 1;
  settings.unobserved = 0.5;  // 0.5 * (1 + 4 + 1 + 1) = 3.5 from all cells
  // confidences 7, 1, 3, of which only the first is liked: 7 / (3.5 + 6.5 + 4 * 0.5 + 2.5 + 1)
  EXPECT_NEAR(solved(settings), 7 / 15.5, 1e-6);
  settings.convention = Convention::implicit;  // 6, 0, 2: 6 / (3.5 + 5.5 - 4 * 0.5 + 1.5 + 1)
  EXPECT_NEAR(solved(settings), 6 / 9.5, 1e-6);
  settings.convention = Convention::spark;  // 7, none, 3: 7 / (3.5 + 6.5 + 2.5 + 1)
  EXPECT_NEAR(solved(settings), 7 / 13.5, 1e-6);
  settings.convention = Convention::ials;  // each 1 beside all cells: 1 / (3.5 + 1 + 4 + 1 + 1)
  EXPECT_NEAR(solved(settings), 1 / 10.5, 1e-6);
  settings.scaling = RegScaling::weight;  // one liked of 4 items: (1 + 0.5 * 4)^2
  settings.nu = 2;
  EXPECT_NEAR(solved(settings), 1 / (9.5 + 9), 1e-6);
}

TYPED_TEST(Solve, OneStepOfConjugateGradientsGoesAlongTheResidual) {
  Problem problem(ratings_of({{0, 0, 1}, {0, 1, 2}}), 1, 2, 2, false);
  problem.tables.item_factors = Table{{1, 0}, {0, 2}};
  problem.tables.user_factors = Table{{0, 0}};
  SolveSettings settings;
  settings.solver = Solver::cg;
  settings.cg_steps = 1;
  problem.solve(this->kernels_, settings);
  // A = diag(1, 4), b = (1, 4): 17 / (1 + 4 * 16) * b
  EXPECT_THAT(problem.tables.user_factors.values(),
              ElementsAre(FloatNear(17.0F / 65, 1e-6F), FloatNear(68.0F / 65, 1e-6F)));
}

// ------------------------------------------------------------------------------------------------ what a solution is

TYPED_TEST(Solve, ExactSolutionsSatisfyTheNormalEquationsForEveryRank) {
  for (const int rank : {1, 7, 8, 9, 16, 17, 31, 32, 33, 64, 100, 128, 130, 200}) {
    for (const bool biases : {false, true}) {
      Problem problem(random_ratings(1200, 30, 45, 7, true), 30, 45, rank, biases);
      problem.solve(this->kernels_, explicit_settings());
      expect_solved(problem, explicit_settings(), "rank " + std::to_string(rank) + (biases ? " with biases" : ""));
    }
  }
}

TYPED_TEST(Solve, ImplicitSolutionsSatisfyTheNormalEquationsForEveryConvention) {
  for (const Convention convention : {Convention::hu, Convention::implicit, Convention::spark, Convention::ials}) {
    for (const int rank : {1, 7, 33, 64, 100, 128}) {
      Problem problem(random_ratings(600, 20, 150, 7), 20, 150, rank, false);
      problem.solve(this->kernels_, implicit_settings(convention));
      expect_solved(problem, implicit_settings(convention),
                    std::string(convention == Convention::hu ? "hu" : "other") + ", rank " + std::to_string(rank));
    }
  }
}

TYPED_TEST(Solve, ImplicitSolutionsAreTheSameInTheBasisOfTheGramsEigenvectors) {
  for (const Convention convention : {Convention::hu, Convention::implicit, Convention::spark, Convention::ials}) {
    for (const int rank : {1, 7, 33, 64, 100, 128, 140}) {
      // lists of 0 to 30 ratings; of `implicit` and `spark` some bring a curvature of 0 or less
      Problem problem(random_ratings(300, 20, 150, 7), 20, 150, rank, false);
      const SolveSettings settings = implicit_settings(convention);
      problem.solve_turned(this->kernels_, settings);
      expect_solved(problem, settings,
                    std::string("convention ") + std::string(name_of(convention)) + ", rank " + std::to_string(rank));
    }
  }
}

TYPED_TEST(Solve, TurningKeepsLongRowsAndEmptyRows) {
  Ratings ratings = random_ratings(400, 20, 150, 7);
  for (Position n = 0; n < 40'000; ++n) ratings.push_back(21, static_cast<RowId>(n % 150), 1);
  Problem problem(ratings, 23, 150, 24, false);
  const SolveSettings settings = implicit_settings(Convention::hu);
  EXPECT_GE(problem.solve_turned(this->kernels_, settings).empty, 2);  // rows 20 and 22
  for (const Position row : {20, 22}) EXPECT_THAT(problem.solution(row), testing::Each(0));
  expect_solved(problem, settings, "turned");
}

TYPED_TEST(Solve, ConjugateGradientsOfAsManyStepsAsUnknownsAreExact) {
  for (const bool biases : {false, true}) {
    Problem problem(random_ratings(400, 20, 25, 9), 20, 25, 6, biases);
    SolveSettings settings = explicit_settings();
    settings.lambda = 1;
    settings.solver = Solver::cg;
    settings.cg_steps = 12;  // twice: what rounding leaves after the first is small
    problem.solve(this->kernels_, settings);
    problem.solve(this->kernels_, settings);
    expect_solved(problem, settings, "cg");
  }
}

TYPED_TEST(Solve, BlocksOfFactorsConvergeToTheExactSolution) {
  for (const int block : {1, 5, 16, 64}) {
    Problem problem(random_ratings(400, 20, 25, 9), 20, 25, 21, false);
    SolveSettings settings = implicit_settings(Convention::ials);
    settings.lambda = 1;
    settings.solver = Solver::subspace;
    settings.block = block;
    for (int sweep = 0; sweep < (block >= 21 ? 1 : 40); ++sweep) problem.solve(this->kernels_, settings);
    expect_solved(problem, settings, "blocks of " + std::to_string(block));
  }
}

TYPED_TEST(Solve, TheLastBlockOfFactorsIsSolvedWithTheOthersAsTheyAre) {
  Problem problem(random_ratings(400, 20, 25, 9), 20, 25, 20, false);
  SolveSettings settings = implicit_settings(Convention::hu);
  settings.solver = Solver::subspace;
  settings.block = 8;
  problem.solve(this->kernels_, settings);
  settings.n_partners = problem.n_items;
  for (Position row = 0; row < problem.n_users; ++row) {
    Equations equations = problem.equations(row, settings);
    equations.matrix.erase(equations.matrix.begin(), equations.matrix.begin() + 16);  // of the last 4 factors
    equations.right.erase(equations.right.begin(), equations.right.begin() + 16);
    const std::vector<double> x = problem.solution(row);
    for (std::size_t f = 0; f < 4; ++f) {
      double rest = -equations.right[f], size = std::fabs(equations.right[f]);
      for (std::size_t g = 0; g < 20; ++g) {
        rest += equations.matrix[f][g] * x[g];
        size += std::fabs(equations.matrix[f][g] * x[g]);
      }
      EXPECT_LE(std::fabs(rest), size * allowed_residual(20, 25, 20)) << "row " << row << ", factor " << 16 + f;
    }
  }
}

TYPED_TEST(Solve, RowsWithoutRatingsAreZeroAndCounted) {
  for (const Solver solver : {Solver::cholesky, Solver::cg, Solver::subspace}) {
    Problem problem(ratings_of({{1, 0, 4}, {1, 1, 1}, {3, 1, 3}}), 5, 2, 9, solver != Solver::subspace);
    SolveSettings settings = solver == Solver::subspace ? implicit_settings(Convention::hu) : explicit_settings();
    settings.solver = solver;
    EXPECT_EQ(problem.solve(this->kernels_, settings).empty, 3);
    for (const Position row : {0, 2, 4}) {
      EXPECT_THAT(problem.solution(row), testing::Each(0)) << row;
    }
    EXPECT_EQ(problem.solve(this->kernels_, settings).deficient, 0);
  }
}

TYPED_TEST(Solve, RowsThatNothingSettlesAreFiniteFitTheirRatingsAndAreCounted) {
  Problem problem(random_ratings(12, 4, 30, 5), 4, 30, 16, false);
  SolveSettings settings;  // no penalty, and fewer ratings than factors
  const SolvedRows solved = problem.solve(this->kernels_, settings);
  EXPECT_EQ(solved.deficient + solved.empty, 4);
  for (Position row = 0; row < 4; ++row) {
    for (const double value : problem.solution(row)) EXPECT_TRUE(std::isfinite(value));
  }
}

TYPED_TEST(Solve, ALongRowIsSolvedLikeAnyOther) {
  const Position ratings = 100'000;
  Ratings long_row;
  for (Position n = 0; n < ratings; ++n) {
    const RandomBits bits = random_bits(1, Purpose::synthetic, static_cast<std::uint64_t>(n), 1);
    long_row.push_back(n % 500 == 0 ? 1 : 0, static_cast<RowId>(bits.word[0] % 5000),
                       0.5F + static_cast<float>(bits.word[1] % 10));
  }
  for (const bool implicit : {false, true}) {
    Problem problem(long_row, 3, 5000, 24, !implicit);
    const SolveSettings settings = implicit ? implicit_settings(Convention::hu) : explicit_settings();
    problem.solve(this->kernels_, settings);
    expect_solved(problem, settings, implicit ? "implicit" : "explicit");
  }
}

/// Sum of losses and penalties, in double.
double objective(Problem& problem, const SolveSettings& asked) {
  SolveSettings settings = asked;
  const ModelView<const float, Host> model = problem.tables.view(problem.biases);
  const auto of_row = [&](const float* row) { return dot<double>(row, row, problem.rank()); };
  double sum = 0;
  ErrorSums errors;
  const RowListsView<Host> users = problem.lists.user.view(), items = problem.lists.item.view();
  for (Position user = 0; user < problem.n_users; ++user) {
    for (Position n = users.begin[user]; n < users.begin[user + 1]; ++n) {
      add_list_error(errors, settings, score<double>(model, {}, static_cast<RowId>(user), users.partner[n]),
                     users.value[n]);
    }
    for (Position item = 0; settings.implicit && item < problem.n_items; ++item) {
      const double one = dot<double>(model.user_factors.row(user), model.item_factors.row(item), problem.rank());
      sum += settings.unobserved * one * one;
    }
  }
  const auto penalty = [&](const RowListsView<Host>& lists, const Rows<const float, Host>& factors,
                           const Rows<const float, Host>& biases, Position partners) {
    settings.n_partners = partners;
    for (Position row = 0; row < lists.rows(); ++row) {
      Position counted = 0;
      for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) counted += counts(settings, lists.value[n]);
      if (lists.count(row) > 0) sum += settings.lambda * row_scale(settings, counted) * of_row(factors.row(row));
      if (!biases.empty()) sum += settings.lambda_bias * static_cast<double>(*biases.row(row)) * *biases.row(row);
    }
  };
  penalty(users, model.user_factors, model.user_biases, problem.n_items);
  penalty(items, model.item_factors, model.item_biases, problem.n_users);
  return sum + errors.loss;
}

TYPED_TEST(Solve, TheObjectiveNeverRisesFromOneHalfSweepToTheNext) {
  for (const bool implicit : {false, true}) {
    Problem problem(random_ratings(900, 40, 30, 3, true), 40, 30, 12, !implicit);
    const SolveSettings settings = implicit ? implicit_settings(Convention::hu) : explicit_settings();
    double before = INFINITY;
    for (int half = 0; half < 20; ++half) {
      problem.solve(this->kernels_, settings, half % 2 == 0);
      const double now = objective(problem, settings);
      EXPECT_LE(now, before * (1 + allowed_residual(100, 40, 12)))
          << "half-sweep " << half << ", implicit " << implicit;
      before = now;
    }
    EXPECT_LT(before, 1e6);
  }
}

TYPED_TEST(Solve, AtConvergenceBothSidesSatisfyTheirNormalEquations) {
  Problem problem(random_ratings(300, 15, 12, 3), 15, 12, 2, true);
  SolveSettings settings = explicit_settings();
  settings.lambda = 0.5;  // few factors and much penalty: it converges by a factor a sweep
  for (int sweep = 0; sweep < 300; ++sweep) {
    problem.solve(this->kernels_, settings, true);
    problem.solve(this->kernels_, settings, false);
  }
  expect_solved(problem, settings, "users, after the items have moved");
}

TYPED_TEST(Solve, GramIsTheSumOfTheRowsProducts) {
  for (const int rank : {1, 7, 16, 33, 64, 128, 130}) {
    for (const Position rows : {Position{0}, Position{1}, Position{33}, Position{20'000}}) {
      if (rows == 20'000 && rank > 33) continue;
      Table table(rows, rank, 5), sums(rank, rank, 1), expected(rank, rank, 2);
      this->kernels_.gram(table.view(), sums.view());
      Reference().gram(table.view(), expected.view());
      EXPECT_LE(largest_difference(sums.values(), expected.values()),
                rounding(static_cast<double>(rows), static_cast<double>(std::max<Position>(rows, 1))))
          << rank << ", " << rows;
    }
  }
}

TYPED_TEST(Solve, ListErrorsAreThoseOfTheReference) {
  for (const int rank : {1, 7, 16, 33, 100}) {
    for (const bool implicit : {false, true}) {
      Problem problem(random_ratings(3000, 40, 50, 3, true), 40, 50, rank, !implicit);
      const SolveSettings settings = implicit ? implicit_settings(Convention::implicit) : explicit_settings();
      Reference reference;
      const ModelView<const float, Host> model = problem.tables.view(!implicit);
      reference.list_errors(problem.lists.user.view(), model, settings);
      this->kernels_.list_errors(problem.lists.user.view(), model, settings);
      const ErrorSums expected = reference.take_errors(), actual = this->kernels_.take_errors();
      EXPECT_EQ(actual.count, 3000);
      EXPECT_NEAR(actual.loss, expected.loss, 3000 * rounding(rank, 200)) << rank;
      EXPECT_NEAR(actual.squared, expected.squared, 3000 * rounding(rank, 30)) << rank;
      EXPECT_NEAR(actual.absolute, expected.absolute, 3000 * rounding(rank, 10)) << rank;
    }
  }
}

// ------------------------------------------------------------------------------------------------ of the cpu alone

#if !defined(WF_TEST_CUDA)
std::vector<float> all_solved(Cpu& kernels, const SolveSettings& settings) {
  Ratings ratings = random_ratings(40'000, 60, 80, 7, true);
  for (Position n = 0; n < 30'000; ++n) ratings.push_back(60, static_cast<RowId>(n % 80), static_cast<float>(n % 5));
  Problem problem(ratings, 61, 80, 40, !settings.implicit);
  problem.solve(kernels, settings, true);
  problem.solve(kernels, settings, false);
  return problem.tables.values();
}

TEST(SolveOnCpu, AnyNumberOfThreadsGivesTheSameBits) {
  for (const Solver solver : {Solver::cholesky, Solver::cg, Solver::subspace}) {
    SolveSettings settings = solver == Solver::subspace ? implicit_settings(Convention::hu) : explicit_settings();
    settings.solver = solver;
    Cpu one(1), two(2), five(5);
    const std::vector<float> expected = all_solved(one, settings);
    EXPECT_EQ(all_solved(two, settings), expected);
    EXPECT_EQ(all_solved(five, settings), expected);
  }
}

HostBuffer<Position> equal_lists(Position rows, Position ratings) {
  HostBuffer<Position> begin;
  for (Position row = 0; row <= rows; ++row) begin.push_back(row * ratings);
  return begin;
}

TEST(TurningPays, WhereManyRowsAreShort) {
  // own equations, 8 * 64^2 / 2 + 64^3 / 6 = 60 075, against 8^2 * 64 / 2 + 8^3 / 6 + 3 * 8 * 64 = 3669 and 64^2 to
  // turn
  EXPECT_TRUE(turning_pays(equal_lists(1000, 8).span(), 1000, 64));
  EXPECT_TRUE(turning_pays(equal_lists(1000, 8).span(), 12'000, 64));
  EXPECT_FALSE(turning_pays(equal_lists(1000, 8).span(), 13'000, 64));  // 56 406 * 1000 / 4096 = 13 771 rows turned
  EXPECT_FALSE(turning_pays(equal_lists(1000, 64).span(), 1, 64));      // no row is short
  EXPECT_FALSE(turning_pays(equal_lists(1000, 0).span(), 1, 64));
  EXPECT_FALSE(turning_pays(equal_lists(0, 0).span(), 1, 64));
}

TEST(TurningPays, IsAskedForExactImplicitRowsWithAPenalty) {
  const RatingLists lists = lists_of(random_ratings(300, 100, 20, 3), 100, 20);
  TrainConfig config;
  config.rank = 64;
  config.algorithm = Algorithm::ials;
  config.lambda_user = config.lambda_item = 0.1;
  EXPECT_TRUE(turned_sides(lists, config).users);
  EXPECT_EQ(turned_rows({true, false}, 100, 20), 20 + kTurnedChunk);
  EXPECT_EQ(turned_rows({false, true}, 100, 20), 100 + kTurnedChunk);
  EXPECT_EQ(turned_rows({}, 100, 20), 0);
  for (const auto& change : std::vector<std::function<void(TrainConfig&)>>{
           [](TrainConfig& of) { of.lambda_user = 0; }, [](TrainConfig& of) { of.algorithm = Algorithm::als; },
           [](TrainConfig& of) { of.solver = Solver::cg; }}) {
    TrainConfig other = config;
    change(other);
    EXPECT_FALSE(turned_sides(lists, other).users);
  }
}

TEST(SolveOnCpu, AGramThatIsNotFiniteIsNotTurned) {
  Cpu kernels(1);
  Problem problem(random_ratings(30, 4, 9, 7), 4, 9, 3, false);
  problem.gram.view().row(1)[1] = NAN;
  TurnedRows<Cpu> turned(kernels, 9, 3);
  EXPECT_FALSE(
      turned.solve(problem.lists.user.view(), problem.users(), problem.gram_span(), implicit_settings(Convention::hu)));
}

TEST(SolveOnCpu, TurnedRowsHaveTheSameBitsOnAnyNumberOfThreads) {
  const auto solved_by = [](int threads) {
    Cpu kernels(threads);
    Problem problem(random_ratings(3000, 200, 80, 7), 200, 80, 40, false);
    problem.solve_turned(kernels, implicit_settings(Convention::hu));
    return problem.tables.values();
  };
  const std::vector<float> expected = solved_by(1);
  EXPECT_EQ(solved_by(2), expected);
  EXPECT_EQ(solved_by(5), expected);
}

TEST(SolveOnCpu, ALongRowIsSolvedByPassesLikeAnyOther) {
  Ratings ratings = random_ratings(200, 20, 25, 9);
  for (Position n = 0; n < 60'000; ++n) {
    const RandomBits bits = random_bits(1, Purpose::synthetic, static_cast<std::uint64_t>(n), 1);
    ratings.push_back(20, static_cast<RowId>(bits.word[0] % 25), static_cast<float>(bits.word[1] % 5));
  }
  for (const Solver solver : {Solver::cg, Solver::subspace}) {
    for (const bool implicit : {false, true}) {
      Cpu kernels(2);
      Problem problem(ratings, 21, 25, 12, solver == Solver::cg && !implicit);
      SolveSettings settings = implicit ? implicit_settings(Convention::ials) : explicit_settings();
      settings.lambda = 1;
      settings.solver = solver;
      settings.cg_steps = 24;
      settings.block = 5;
      for (int sweep = 0; sweep < (solver == Solver::cg ? 3 : 100); ++sweep) problem.solve(kernels, settings);
      expect_solved(problem, settings, std::string(name_of(solver)) + (implicit ? ", implicit" : ""));
    }
  }
}

TEST(SolveOnCpu, InstructionSetsThatFuseGiveTheSameBits) {
  const SolveSettings settings = explicit_settings();
  std::vector<float> expected;
  for (const Simd simd : usable_simd()) {
    if (!fuses(simd)) continue;
    Cpu kernels(2, simd);
    const std::vector<float> actual = all_solved(kernels, settings);
    if (expected.empty()) expected = actual;
    EXPECT_EQ(actual, expected) << name_of(simd);
  }
  if (expected.empty()) GTEST_SKIP() << "this processor has no fused multiply-add";
}

TEST(SolveOnCpu, EveryInstructionSetSolves) {
  for (const Simd simd : usable_simd()) {
    Cpu kernels(2, simd);
    for (const int rank : {1, 24, 100}) {
      Problem problem(random_ratings(1200, 30, 45, 7, true), 30, 45, rank, true);
      problem.solve(kernels, explicit_settings());
      expect_solved(problem, explicit_settings(), std::string(name_of(simd)));
    }
  }
}
#endif

}  // namespace
}  // namespace wf::test
