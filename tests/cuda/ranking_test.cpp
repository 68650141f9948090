// Losses of pairs on the device, as users run them: whole trainings through the engine.
#include "tests/cuda/support.hpp"

#include <cmath>

namespace wf::test {
namespace {

/// Users of one parity have rated most items of the same parity, and nothing else.
TrainingProblem two_tastes(Loss loss, int rank) {
  TrainingProblem problem;
  for (RowId u = 0; u < problem.n_users; ++u) {
    for (RowId i = u % 2; i < problem.n_items; i += 2) {
      if ((3 * u + 5 * i) % 7 != 0) problem.ratings.push_back(u, i, 1);
    }
  }
  problem.config.loss = loss;
  problem.config.rank = rank;
  problem.config.optimizer = Optimizer::row_adagrad;
  problem.config.lr = 0.1;
  problem.config.lambda_user = problem.config.lambda_item = 0.01;
  problem.config.epochs = 12;
  problem.config.grid = 2;
  return problem;
}

/// Of what a user has not rated: how often an item of the user's own taste scores above one of the other.
double share_in_order(const Model& model) {
  const ModelView<const float, Host> view = model.view();
  int right = 0, all = 0;
  for (RowId u = 0; u < model.n_users; ++u) {
    for (RowId i = u % 2; i < model.n_items; i += 2) {
      if ((3 * u + 5 * i) % 7 != 0) continue;
      for (RowId j = 1 - u % 2; j < model.n_items; j += 2) {
        const auto score = [&](RowId item) {
          return dot<float>(view.user_factors.row(u), view.item_factors.row(item), model.rank) +
                 *view.item_biases.row(item);
        };
        right += score(i) > score(j) ? 1 : 0;
        ++all;
      }
    }
  }
  return static_cast<double>(right) / all;
}

class RankingOnDevice : public testing::TestWithParam<const char*> {};

TEST_P(RankingOnDevice, LearnsTheTastesOfUsers) {
  for (const Loss loss : {Loss::bpr, Loss::warp}) {
    EXPECT_GT(share_in_order(trained(GetParam(), two_tastes(loss, 20))), 0.95) << static_cast<int>(loss);
  }
}

TEST_P(RankingOnDevice, IsCloseToTheCpuEngine) {  // chance is 0.5
  for (const Loss loss : {Loss::bpr, Loss::bpr_item, Loss::warp}) {
    const TrainingProblem problem = two_tastes(loss, 60);
    EXPECT_NEAR(share_in_order(trained(GetParam(), problem)), share_in_order(trained("cpu", problem)), 0.05)
        << static_cast<int>(loss);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, RankingOnDevice, testing::Values("cuda", "cuda_repeatable"),
                         [](const auto& test) { return test.param; });

TEST(RepeatableRanking, RepeatsItsBitsWhereThatIsAskedFor) {
  TrainingProblem problem = two_tastes(Loss::warp, 33);
  problem.config.epochs = 1;
  const std::vector<float> first = weights(trained("cuda_repeatable", problem));
  use_schedule(5);
  EXPECT_EQ(weights(trained("cuda_repeatable", problem)), first);
  use_schedule(0);
}

}  // namespace
}  // namespace wf::test
