// Least squares by row on the device: every way that its kernels take, on awkward ranks and lengths, against the
// reference and against the equations themselves.
#include "tests/cuda/solve_support.hpp"

#include <cstring>

namespace wf::test {
namespace {

/// Solves on the device and checks all rows: equations hold, and the reference's solution is as near as their
/// condition, at most trace over ridge, explains.
void expect_solved(SolveProblem& problem) {
  const SolvedRows of_device = solve_on_device(problem);
  const auto solved = problem.solutions();
  problem.rewind();
  const SolvedRows of_reference = solve_by_reference(problem);
  EXPECT_EQ(of_device.empty, of_reference.empty);
  EXPECT_EQ(of_device.deficient, of_reference.deficient);
  for (Position row = 0; row < problem.rows; ++row) {
    const std::vector<double> x = solved[static_cast<std::size_t>(row)], wanted = problem.solution(row);
    if (problem.count(row) == 0) {
      EXPECT_EQ(x, std::vector<double>(x.size(), 0)) << "row " << row;
      continue;
    }
    const RowEquations equations(problem, row);
    const double allowed = residual_allowed(static_cast<double>(problem.count(row)), problem.unknowns());
    const double ratio = equations.residual_ratio(x);
    EXPECT_TRUE(ratio <= allowed) << "row " << row << " of " << problem.count(row) << " ratings: residual " << ratio
                                  << ", allowed " << allowed;
    const double smallest = std::min(equations.ridge, problem.biases ? problem.settings.lambda_bias : INFINITY);
    if (!(smallest > 0)) continue;
    std::vector<double> difference = x;
    for (std::size_t f = 0; f < x.size(); ++f) difference[f] -= wanted[f];
    const double condition = equations.trace() / smallest;
    EXPECT_TRUE(RowEquations::length(difference) <= 2 * condition * allowed * RowEquations::length(wanted))
        << "row " << row << ": " << RowEquations::length(difference) / RowEquations::length(wanted)
        << " of its length away, condition " << condition;
  }
}

std::vector<int> solve_ranks() {
  return {1, 7, 16, 17, 64, 65, 100, 128, 130};
}

TEST(SolveOnDevice, ExplicitRowsOfEveryRank) {
  for (const int rank : solve_ranks()) {
    for (const bool biases : {false, true}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << (biases ? ", biases" : ""));
      SolveProblem problem(rank, {5, 0, 1, 40, 200}, biases);
      expect_solved(problem);
    }
  }
}

TEST(SolveOnDevice, ImplicitRowsOfEveryRankAndConvention) {
  const std::vector<Convention> conventions{Convention::hu, Convention::implicit, Convention::spark, Convention::ials};
  for (std::size_t n = 0; n < solve_ranks().size(); ++n) {
    const int rank = solve_ranks()[n];
    SCOPED_TRACE(rank);
    SolveProblem problem(rank, {5, 0, 1, 40, 200}, false);
    problem.make_implicit(conventions[n % conventions.size()]);
    problem.settings.scaling = n % 2 == 0 ? RegScaling::none : RegScaling::weight;
    problem.settings.nu = 0.5;
    expect_solved(problem);
  }
}

TEST(SolveOnDevice, RowsThatBeginAtSixteenBytes) {
  for (const int rank : {4, 64, 68, 128, 260}) {
    SCOPED_TRACE(rank);
    SolveProblem problem(rank, {3, 50, 33}, true, 0);
    expect_solved(problem);
  }
}

TEST(SolveOnDevice, RanksOfSeveralSquares) {
  for (const int rank : {256, 257}) {
    for (const bool biases : {false, true}) {
      SCOPED_TRACE(rank);
      SolveProblem problem(rank, {20, 0, 70}, biases);
      expect_solved(problem);
    }
  }
}

TEST(SolveOnDevice, ShortListsOfEveryLength) {
  for (const int rank : {2, 17, 64, 100, 130, 300}) {
    for (const bool biases : {false, true}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << (biases ? ", biases" : ""));
      SolveProblem problem(rank, {1, 2, 12, 13, 31, 32, 33, 0, 47, 48, 64, 65, 97, 128, 129}, biases);
      problem.settings.lambda = 2;  // condition about rank / 6: below the bound of the kernel for short lists
      problem.settings.lambda_bias = biases ? 0.5 : 0;
      expect_solved(problem);
    }
  }
}

TEST(SolveOnDevice, ShortListsOfImplicitRatingsWithWeights) {
  for (const Convention convention : {Convention::implicit, Convention::spark, Convention::hu}) {
    SolveProblem problem(90, {1, 20, 33, 60, 67}, false);  // some values are 0, without curvature with the first two
    problem.make_implicit(convention);
    problem.settings.unobserved = 0;
    problem.settings.scaling = RegScaling::none;
    problem.settings.lambda = 100;
    expect_solved(problem);
    for (float& value : problem.value) value += 0.5F;
    problem.rewind();
    expect_solved(problem);
  }
}

TEST(SolveOnDevice, ShortListsThatRepeatAPartnerAtASmallRidge) {
  for (const bool biases : {false, true}) {
    SolveProblem problem(64, {2, 6, 30}, biases, 3, 2);  // two partners, rated again and again, each time otherwise
    problem.settings.scaling = RegScaling::none;
    problem.settings.lambda = 1e-4;
    problem.settings.lambda_bias = 1;
    solve_on_device(problem);
    for (Position row = 0; row < problem.rows; ++row) {
      const double ratio = RowEquations(problem, row).residual_ratio(problem.solution(row));
      EXPECT_TRUE(ratio <= residual_allowed(30, 65)) << "row " << row << ": residual " << ratio;
    }
  }
}

TEST(SolveOnDevice, LongListsAreSummedInPieces) {
  for (const int rank : {3, 70, 140}) {
    SCOPED_TRACE(rank);
    SolveProblem problem(rank, {10, kLongList, kLongList + 1, 0, 3 * kSummedAtOnce + 17}, rank == 70);
    expect_solved(problem);
  }
}

TEST(SolveOnDevice, OpenUnknownsAreCountedAndLeaveTheEquationsWhole) {
  for (const int rank : {2, 17, 100, 130}) {
    SCOPED_TRACE(rank);
    SolveProblem problem(rank, {1, 0, 300, 1}, false, 3, 2);  // two partners: rank 2 at most
    problem.settings.lambda = 0;
    const SolvedRows solved = solve_on_device(problem);
    EXPECT_EQ(solved.empty, 1);
    EXPECT_EQ(solved.deficient, rank > 2 ? 3 : 2);
    for (const Position row : {0, 2, 3}) {
      // a pivot that counts for nothing leaves so much of its row, beside what rounding leaves
      const double allowed = residual_allowed(300, rank) + rank * static_cast<double>(kSmallestPivot);
      const double ratio = RowEquations(problem, row).residual_ratio(problem.solution(row));
      EXPECT_TRUE(ratio <= allowed) << "row " << row << ": residual " << ratio << ", allowed " << allowed;
    }
  }
}

/// The largest condition of a row's equations, by trace over ridge.
double largest_condition(SolveProblem& problem) {
  double largest = 1;
  for (Position row = 0; row < problem.rows; ++row) {
    if (problem.count(row) == 0) continue;
    const RowEquations equations(problem, row);
    largest = std::max(largest, equations.trace() / std::min(equations.ridge, problem.settings.lambda_bias));
  }
  return largest;
}

/// Rows are near the reference's where each of `steps` adds rounding that the next carries on, by the condition at
/// most.
void expect_near_reference(SolveProblem& problem, double steps) {
  const double ratings = static_cast<double>(problem.begin.back());
  const double allowed = steps * largest_condition(problem) * residual_allowed(ratings, problem.unknowns());
  solve_on_device(problem);
  const auto solved = problem.solutions();
  problem.rewind();
  solve_by_reference(problem);
  for (Position row = 0; row < problem.rows; ++row) {
    std::vector<double> x = solved[static_cast<std::size_t>(row)];
    const std::vector<double> wanted = problem.solution(row);
    for (std::size_t f = 0; f < x.size(); ++f) x[f] -= wanted[f];
    EXPECT_TRUE(RowEquations::length(x) <= allowed * RowEquations::length(wanted))
        << "row " << row << ": " << RowEquations::length(x) << ", allowed " << allowed * RowEquations::length(wanted);
  }
}

TEST(SolveOnDevice, ConjugateGradientsTakeTheReferencesSteps) {
  for (const int rank : {1, 17, 64, 100, 128, 130, 300}) {
    for (const bool implicit : {false, true}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << (implicit ? ", implicit" : ""));
      SolveProblem problem(rank, {5, 0, 1, 40, 100}, !implicit);
      if (implicit) problem.make_implicit(Convention::hu);
      problem.settings.solver = Solver::cg;
      problem.settings.lambda = implicit ? 300 : 5;
      problem.settings.lambda_bias = 50;
      if (implicit) problem.settings.scaling = RegScaling::none;
      expect_near_reference(problem, 3);
    }
  }
}

TEST(SolveOnDevice, BlocksOfFactorsTakeTheReferencesSteps) {
  struct Case {
    int rank, block;
    bool implicit;
  };
  for (const Case& one : {Case{1, 1, true},
                          {17, 5, true},
                          {40, 16, true},
                          {64, 64, false},
                          {70, 32, false},
                          {200, 128, true},
                          {200, 150, true},
                          {290, 140, true}}) {
    SCOPED_TRACE(testing::Message() << "rank " << one.rank << ", blocks of " << one.block);
    SolveProblem problem(one.rank, {5, 0, 1, 40, 100}, !one.implicit);
    if (one.implicit) problem.make_implicit(Convention::ials);
    problem.settings.solver = Solver::subspace;
    problem.settings.block = one.block;
    problem.settings.lambda = one.implicit ? 100 : 5;
    problem.settings.lambda_bias = 50;
    if (one.implicit) problem.settings.scaling = RegScaling::none;
    expect_near_reference(problem, 2 + one.rank / one.block);
  }
}

TEST(SolveOnDevice, BlocksOfFactorsOfLongLists) {
  for (const int rank : {40, 150}) {
    SCOPED_TRACE(rank);
    SolveProblem problem(rank, {30, kLongList + 100}, false);
    problem.make_implicit(Convention::ials);
    problem.settings.solver = Solver::subspace;
    problem.settings.block = rank == 40 ? 16 : 140;
    expect_near_reference(problem, 4);
  }
}

TEST(SolveOnDevice, BlocksCountARowOnce) {
  SolveProblem problem(12, {1, 0, 300, 2}, false, 3, 2);
  problem.settings.lambda = 0;
  problem.settings.solver = Solver::subspace;
  problem.settings.block = 4;
  const SolvedRows solved = solve_on_device(problem);
  EXPECT_EQ(solved.empty, 1);
  EXPECT_EQ(solved.deficient, 3);
}

TEST(SolveOnDevice, GivesTheSameBitsOnAnyScheduleAndInAnyOrder) {
  for (const Solver solver : {Solver::cholesky, Solver::cg, Solver::subspace}) {
    std::vector<float> first;
    for (unsigned run = 0; run < 6; ++run) {
      SCOPED_TRACE(run);
      use_schedule(run);
      SolveProblem problem(30, {7, kLongList + 500, 0, 90, 33}, solver != Solver::subspace);
      if (solver == Solver::subspace) problem.make_implicit(Convention::hu);
      problem.settings.solver = solver;
      problem.settings.block = 16;
      solve_on_device(problem, run % 2 == 0 ? Order::racing : Order::repeatable);
      const std::vector<float> values = problem.factors.values();
      if (first.empty()) first = values;
      EXPECT_EQ(std::memcmp(values.data(), first.data(), values.size() * sizeof(float)), 0);
    }
  }
  use_schedule(0);
}

TEST(SolveOnDevice, GivesTheSameBitsOnAnyNumberOfMultiprocessors) {
  for (const int rank : {20, 128, 150}) {
    SCOPED_TRACE(rank);
    std::vector<float> first;
    for (const int count : {1, 3, 8}) {
      use_multiprocessors(count);
      SolveProblem problem(rank, {7, 300, rank == 20 ? kLongList + 4500 : 40, 0, 90, 33, 150}, true);
      solve_on_device(problem);
      const std::vector<float> values = problem.factors.values();
      if (first.empty()) first = values;
      EXPECT_EQ(std::memcmp(values.data(), first.data(), values.size() * sizeof(float)), 0) << count;
    }
    use_multiprocessors(8);
  }
}

TEST(SolveOnDevice, CountsAddUpUntilTaken) {
  Cuda kernels(Order::racing);
  EXPECT_EQ(kernels.take_solved().empty, 0);
  SolveProblem problem(3, {0, 4, 0}, false);
  const auto begin = kernels.borrow(problem.lists().begin);
  const auto partner = kernels.borrow(problem.lists().partner);
  const auto value = kernels.borrow(problem.lists().value);
  Visitor partners(kernels, problem.partner_factors.view()), rows(kernels, problem.factors.view());
  for (int time = 0; time < 2; ++time) {
    kernels.solve_rows({begin.span(), partner.span(), value.span()}, {partners.view(), {}, rows.view(), {}}, {},
                       problem.settings);
  }
  EXPECT_EQ(kernels.take_solved().empty, 4);
  EXPECT_EQ(kernels.take_solved().empty, 0);
}

TEST(SolveOnDevice, GramMatricesOfEveryRank) {
  Cuda kernels(Order::racing);
  for (const int rank : {1, 7, 16, 17, 64, 65, 100, 128, 130, 300}) {
    for (const Position rows :
         {Position{0}, Position{1}, Position{33}, rank == 17 ? 3 * kSummedAtOnce + 5 : Position{70}}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << ", " << rows << " rows");
      Table table(rows, rank, 5), actual(rank, rank, 6), expected(rank, rank, 7);
      Visitor there(kernels, table.view()), out(kernels, actual.view());
      kernels.gram(there.view(), out.view());
      out.bring_back(actual.view());
      Reference().gram(table.view(), expected.view());
      // squares are 1 / 3 in the middle, other products 0: so large are sums, give or take; running sums stay short
      const auto n = static_cast<double>(rows);
      EXPECT_LE(largest_difference(actual.values(), expected.values()),
                rounding(std::min(n, 4096.0 + 256), n / 3 + 4 * std::sqrt(n)));
    }
  }
}

TEST(SolveOnDevice, ErrorsOfListsAreTheReferences) {
  for (const int rank : {1, 7, 64, 130}) {
    for (const bool implicit : {false, true}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << (implicit ? ", implicit" : ""));
      SolveProblem problem(rank, {5, 0, 0, 1, 40, 700, 0}, !implicit);
      if (implicit) problem.make_implicit(Convention::hu);
      const ModelView<const float, Host> model{problem.factors.view(), problem.partner_factors.view(),
                                               implicit ? Rows<float, Host>{} : problem.row_biases.view(),
                                               implicit ? Rows<float, Host>{} : problem.partner_biases.view(), 2.5F};
      Cuda kernels(Order::racing);
      ModelVisitor there(kernels, {problem.factors.view(), problem.partner_factors.view(),
                                   implicit ? Rows<float, Host>{} : problem.row_biases.view(),
                                   implicit ? Rows<float, Host>{} : problem.partner_biases.view(), 2.5F});
      const auto begin = kernels.borrow(problem.lists().begin);
      const auto partner = kernels.borrow(problem.lists().partner);
      const auto value = kernels.borrow(problem.lists().value);
      kernels.list_errors({begin.span(), partner.span(), value.span()}, there.view(), problem.settings);
      Reference reference;
      reference.list_errors(problem.lists(), model, problem.settings);
      const ErrorSums actual = kernels.take_errors(), expected = reference.take_errors();
      EXPECT_EQ(actual.count, expected.count);
      // scores of at most rank / 2 + 4, off by their rounding; errors below rank / 2 + 10; confidences of at most 11
      const double score = rank / 2.0 + 4, off = rounding(rank, score), error = score + 6;
      const double allowed = static_cast<double>(expected.count) * 2 * error * off;
      EXPECT_NEAR(actual.squared, expected.squared, allowed);
      EXPECT_NEAR(actual.absolute, expected.absolute, static_cast<double>(expected.count) * off);
      EXPECT_NEAR(actual.loss, expected.loss, 11 * allowed);
    }
  }
}

}  // namespace
}  // namespace wf::test
