// Least squares by row: by hand, by the residuals of the normal equations, and by what holds for any of its solutions.
#include "host/cpu/cpu.hpp"
#include "tests/kernels/kernel_sets.hpp"
#include "tests/kernels/solve_problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
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

TYPED_TEST_SUITE(Solve, KernelSetsUnderTest, KernelSetNames);

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
  struct Case {
    int rank, block;
  };
  for (const auto& [rank, block] : {Case{20, 8}, Case{72, 64}, Case{128, 60}, Case{130, 64}, Case{260, 64}}) {
    Problem problem(random_ratings(300, 3, 150, 9), 3, 150, rank, false);  // more than a block gathers at once
    SolveSettings settings = implicit_settings(Convention::hu);
    settings.solver = Solver::subspace;
    settings.block = block;
    problem.solve(this->kernels_, settings);
    settings.n_partners = problem.n_items;
    const int from = (rank - 1) / block * block;
    for (Position row = 0; row < problem.n_users; ++row) {
      const Equations equations = problem.equations(row, settings);
      const std::vector<double> x = problem.solution(row);
      for (auto f = static_cast<std::size_t>(from); f < static_cast<std::size_t>(rank); ++f) {
        double rest = -equations.right[f], size = std::fabs(equations.right[f]);
        for (std::size_t g = 0; g < x.size(); ++g) {
          rest += equations.matrix[f][g] * x[g];
          size += std::fabs(equations.matrix[f][g] * x[g]);
        }
        ASSERT_LE(std::fabs(rest), size * allowed_residual(100, 150, rank))
            << "rank " << rank << ", row " << row << ", factor " << f;
      }
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
