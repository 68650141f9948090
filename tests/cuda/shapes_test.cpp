// Whole trainings on awkward shapes, racing and repeatable, against the reference.
#include "tests/cuda/support.hpp"

namespace wf::test {
namespace {

class Shapes : public testing::TestWithParam<std::string> {
 protected:
  /// Weights below 4, gradients of up to `busiest` ratings: what rounding explains over three epochs of steps, each of
  /// which carries what came before.
  static void expect_reference(const TrainingProblem& problem, double busiest) {
    const double steps = 3 * std::ceil(static_cast<double>(problem.ratings.size()) /
                                       static_cast<double>(std::max<Position>(problem.config.batch_size, 1)));
    const double bound = std::sqrt(steps) * rounding(problem.config.rank + busiest, 4);
    EXPECT_LE(largest_difference(weights(trained(GetParam(), problem)), weights(trained("reference", problem))), bound);
  }
};

TEST_P(Shapes, RanksAndBatchSizes) {
  for (const int rank : awkward_ranks()) {
    for (const Position batch_size : {1, 31, 32, 33, 1000}) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << ", batches of " << batch_size);
      const TrainingProblem problem = batch_problem(rank, batch_size, batch_size == 1 ? 20 : 300);
      expect_reference(problem, 40);
    }
  }
}

TEST_P(Shapes, AllRatingsOnOneUser) {
  for (const int rank : {1, 32, 33}) {
    TrainingProblem problem = batch_problem(rank, 300, 300);
    for (RowId& user : problem.ratings.user) user = 7;
    expect_reference(problem, 300);
  }
}

TEST_P(Shapes, AllRatingsOnOneItem) {
  for (const int rank : {1, 32, 33}) {
    TrainingProblem problem = batch_problem(rank, 300, 300);
    for (RowId& item : problem.ratings.item) item = 0;
    expect_reference(problem, 300);
  }
}

TEST_P(Shapes, TablesOfOneRow) {
  for (const int rank : {1, 32, 33}) {
    TrainingProblem problem = batch_problem(rank, 50, 100);
    problem.n_users = problem.n_items = 1;
    problem.config.lr = 0.05;
    for (RowId& user : problem.ratings.user) user = 0;
    for (RowId& item : problem.ratings.item) item = 0;
    expect_reference(problem, 50);
  }
}

TEST_P(Shapes, PaddingRowsAndMaxNorm) {
  TrainingProblem problem = batch_problem(33, 64);
  problem.config.user_padding = 2;
  problem.config.item_padding = 0;
  expect_reference(problem, 10);
  problem.config.norm_limit = {0.7F, 2};
  expect_reference(problem, 10);
  const Model model = trained(GetParam(), problem);
  for (int f = 0; f < 33; ++f) EXPECT_EQ(model.tables.user_factors[2 * 33 + f], 0) << "padding row, factor " << f;
}

TEST_P(Shapes, EveryOptimizerAndLoss) {
  for (const Loss loss : {Loss::mse, Loss::l1, Loss::huber, Loss::bce_with_logits}) {
    for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::adagrad, Optimizer::sparse_adam}) {
      SCOPED_TRACE(testing::Message() << "loss " << static_cast<int>(loss) << ", optimizer "
                                      << static_cast<int>(optimizer));
      TrainingProblem problem = batch_problem(20, 100);
      problem.config.loss = loss;
      problem.config.optimizer = optimizer;
      problem.config.lr = 0.05;
      if (loss == Loss::bce_with_logits) {
        for (float& value : problem.ratings.value) value = value > 2.5F ? 1 : 0;
      }
      // adagrad and adam divide by the root of a small second moment in their first steps: a factor of 100
      expect_reference(problem, optimizer == Optimizer::sgd ? 40 : 4000);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, Shapes, testing::Values("cuda", "cuda_repeatable"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace wf::test
