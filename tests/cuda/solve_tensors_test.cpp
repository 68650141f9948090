// Least squares by row with equations summed by tensor cores: what the rounding of factors explains, and no more.
#include "tests/cuda/solve_support.hpp"

namespace wf::test {
namespace {

/// Half a unit in the last of the bits that a precision keeps.
double rounding_of(Precision precision) {
  return precision == Precision::fp32 ? kUnit : precision == Precision::bf16 ? 0x1p-9 : 0x1p-12;
}
const std::vector<Precision> kTensorPrecisions{Precision::tf32, Precision::fp16, Precision::bf16};

/// Equations of rounded partners, and rounded weighted partners, are off by so much at most, and that is what the true
/// ones keep of a solution; some row shows that factors were rounded at all.
void expect_solved_by_tensors(SolveProblem& problem, Precision precision) {
  SCOPED_TRACE(testing::Message() << "rank " << problem.rank << ", precision " << static_cast<int>(precision));
  problem.rewind();
  problem.settings.precision = precision;
  solve_on_device(problem);
  const double unit = 2 * rounding_of(precision);  // twice, as fp16 has fewer bits below 2^-14 of the largest factor
  double worst = 0;
  for (Position row = 0; row < problem.rows; ++row) {
    if (problem.count(row) == 0) continue;
    const RowEquations equations(problem, row);
    const std::vector<double> x = problem.solution(row);
    const double allowed =
        unit * (3 * equations.weighed * RowEquations::length(x) + equations.pulled) +
        residual_allowed(static_cast<double>(problem.count(row)), problem.unknowns()) * equations.scale(x);
    const double residual = equations.residual(x);
    EXPECT_TRUE(residual <= allowed) << "row " << row << ": residual " << residual << ", allowed " << allowed;
    worst = std::max(worst, residual / equations.scale(x));
  }
  EXPECT_GT(worst, unit / 256) << "no factor was rounded";
}

TEST(SolveByTensors, TensorCoresKeepTheEquationsOfRoundedFactors) {
  for (const int rank : {3, 17, 33, 64, 65, 80, 100, 117, 128}) {
    for (const Precision precision : kTensorPrecisions) {
      SolveProblem of_ratings(rank, {5, 0, 70, 129}, rank % 2 == 1);
      expect_solved_by_tensors(of_ratings, precision);
      SolveProblem implicit(rank, {5, 0, 1, 70}, false, rank % 4 == 0 ? 0 : 3);
      implicit.make_implicit(Convention::hu);
      implicit.settings.scaling = RegScaling::none;
      expect_solved_by_tensors(implicit, precision);
    }
  }
}

TEST(SolveByTensors, TensorCoresSumLongListsInPieces) {
  for (const Precision precision : kTensorPrecisions) {
    SolveProblem problem(20, {100, kLongList + 77}, true);
    expect_solved_by_tensors(problem, precision);
  }
}

TEST(SolveByTensors, HalvesAreScaledByTheLargestFactorAndWeight) {
  for (const float scale : {1e-7F, 1e7F}) {
    SolveProblem problem(30, {50, 90}, false);
    for (Position row = 0; row < problem.partner_factors.view().count; ++row) {
      for (int f = 0; f < problem.rank; ++f) problem.partner_factors.view().row(row)[f] *= scale;
    }
    problem.settings.lambda *= static_cast<double>(scale) * static_cast<double>(scale);
    expect_solved_by_tensors(problem, Precision::fp16);
  }
  SolveProblem problem(30, {50, 90}, false);
  problem.make_implicit(Convention::hu);
  problem.settings.alpha = 1e6;
  expect_solved_by_tensors(problem, Precision::fp16);
}

TEST(SolveByTensors, TrainingByTensorCoresEndsWhereThatInFullPrecisionDoes) {
  TrainingProblem problem;
  problem.ratings = random_ratings(600, problem.n_users, problem.n_items, 5);
  problem.config.algorithm = Algorithm::als;
  problem.config.rank = 10;
  problem.config.epochs = 4;
  problem.config.valid_frac = 0;
  const auto rmse = [&](Precision precision) {
    problem.config.als_precision = precision;
    const Model model = trained("cuda", problem);
    std::vector<float> scores(static_cast<std::size_t>(problem.ratings.size()));
    engine_named("reference")
        .engine->open(model)
        ->predict(problem.ratings.user.span(), problem.ratings.item.span(), {scores.data(), problem.ratings.size()});
    double sum = 0;
    for (std::size_t n = 0; n < scores.size(); ++n) {
      const double error = static_cast<double>(problem.ratings.value[static_cast<Position>(n)] - scores[n]);
      sum += error * error;
    }
    return std::sqrt(sum / static_cast<double>(scores.size()));
  };
  const double exact = rmse(Precision::fp32);
  for (const Precision precision : kTensorPrecisions) {
    // a sweep is off by the rounding of its partners, which moves scores below 10 by twice as much; four sweeps, both
    // sides
    EXPECT_NEAR(rmse(precision), exact, 8 * 2 * 10 * rounding_of(precision)) << static_cast<int>(precision);
  }
}

}  // namespace
}  // namespace wf::test
