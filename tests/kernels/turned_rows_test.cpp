// Implicit rows in the basis of the Gram's eigenvectors: the same solutions, and when they are sought there.
#include "host/cpu/cpu.hpp"
#include "tests/kernels/kernel_sets.hpp"
#include "tests/kernels/solve_problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace wf::test {
namespace {

template <class K>
class Turned : public testing::Test {
 protected:
  K kernels_;
};

TYPED_TEST_SUITE(Turned, KernelSetsUnderTest, KernelSetNames);

TYPED_TEST(Turned, ImplicitSolutionsAreTheSameInTheBasisOfTheGramsEigenvectors) {
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

TYPED_TEST(Turned, TurningKeepsLongRowsAndEmptyRows) {
  Ratings ratings = random_ratings(400, 20, 150, 7);
  for (Position n = 0; n < 40'000; ++n) ratings.push_back(21, static_cast<RowId>(n % 150), 1);
  Problem problem(ratings, 23, 150, 24, false);
  const SolveSettings settings = implicit_settings(Convention::hu);
  EXPECT_GE(problem.solve_turned(this->kernels_, settings).empty, 2);  // rows 20 and 22
  for (const Position row : {20, 22}) EXPECT_THAT(problem.solution(row), testing::Each(0));
  expect_solved(problem, settings, "turned");
}

#if !defined(WF_TEST_CUDA)
HostBuffer<Position> equal_lists(Position rows, Position ratings) {
  HostBuffer<Position> begin;
  for (Position row = 0; row <= rows; ++row) begin.push_back(row * ratings);
  return begin;
}

TEST(TurningPays, WhereManyRowsAreShort) {
  // own equations, 8 * 64^2 / 2 + 64^3 / 6 = 60 075, against 8^2 * 64 / 2 + 8^3 / 6 + 3 * 8 * 64 = 3669; 64^2 to turn a
  // row, and 180 * 64^3 for where to: 56 406 * 10 000 less that are 126 185 rows turned
  EXPECT_TRUE(turning_pays(equal_lists(10'000, 8).span(), 10'000, 64));
  EXPECT_TRUE(turning_pays(equal_lists(10'000, 8).span(), 116'000, 64));
  EXPECT_FALSE(turning_pays(equal_lists(10'000, 8).span(), 117'000, 64));
  EXPECT_FALSE(turning_pays(equal_lists(800, 8).span(), 1, 64));      // the basis costs more
  EXPECT_FALSE(turning_pays(equal_lists(10'000, 64).span(), 1, 64));  // no row is short
  EXPECT_FALSE(turning_pays(equal_lists(10'000, 0).span(), 1, 64));
  EXPECT_FALSE(turning_pays(equal_lists(0, 0).span(), 1, 64));
}

TEST(TurningPays, IsAskedForExactImplicitRowsWithAPenalty) {
  const RatingLists lists = lists_of(random_ratings(9000, 3000, 20, 3), 3000, 20);
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

TEST(TurnedOnCpu, AGramThatIsNotFiniteIsNotTurned) {
  Cpu kernels(1);
  Problem problem(random_ratings(30, 4, 9, 7), 4, 9, 3, false);
  problem.gram.view().row(1)[1] = NAN;
  TurnedRows<Cpu> turned(kernels, 9, 3);
  EXPECT_FALSE(
      turned.solve(problem.lists.user.view(), problem.users(), problem.gram_span(), implicit_settings(Convention::hu)));
}

TEST(TurnedOnCpu, TurnedRowsHaveTheSameBitsOnAnyNumberOfThreads) {
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
#endif

}  // namespace
}  // namespace wf::test
