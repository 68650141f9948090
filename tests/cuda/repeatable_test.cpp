// --deterministic on the device: the same bits in every run, and those of the cpu engine for SGD on the squared loss.
#include "tests/cuda/support.hpp"

#include <cstring>

namespace wf::test {
namespace {

void expect_same_bits(const std::vector<float>& actual, const std::vector<float>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t n = 0; n < actual.size(); ++n) {
    ASSERT_EQ(std::memcmp(&actual[n], &expected[n], sizeof(float)), 0)
        << "element " << n << ": " << actual[n] << " and " << expected[n];
  }
}

TEST(Repeatable, HasTheCpuEnginesBitsForEveryRank) {
  for (const int rank : awkward_ranks()) {
    SCOPED_TRACE(rank);
    const TrainingProblem problem = batch_problem(rank, 100);
    expect_same_bits(weights(trained("cuda_repeatable", problem)), weights(trained("cpu", problem)));
  }
}

TEST(Repeatable, HasTheCpuEnginesBitsForEveryBatchSize) {
  for (const Position batch_size : {1, 31, 32, 33, 256, 257, 1000}) {
    SCOPED_TRACE(batch_size);
    const TrainingProblem problem = batch_problem(20, batch_size, batch_size == 1 ? 40 : 600);
    expect_same_bits(weights(trained("cuda_repeatable", problem)), weights(trained("cpu", problem)));
  }
}

TEST(Repeatable, HasTheCpuEnginesBitsWhereARowHasManyChunks) {
  for (const Position n : {2 * kSumChunk - 1, 2 * kSumChunk, 2 * kSumChunk + 1, 7 * kSumChunk + 5}) {
    SCOPED_TRACE(n);
    const TrainingProblem problem = batch_problem(33, n, n, true);  // half of the ratings are of one user and one item
    expect_same_bits(weights(trained("cuda_repeatable", problem)), weights(trained("cpu", problem)));
  }
}

TEST(Repeatable, HasTheCpuEnginesBitsWithEveryOption) {
  const auto with = [](auto change) {
    TrainingProblem problem = batch_problem(31, 64);
    change(problem.config);
    return problem;
  };
  const std::vector<TrainingProblem> problems = [&] {
    std::vector<TrainingProblem> list;
    list.push_back(with([](TrainConfig& c) { c.biases = false; }));
    list.push_back(with([](TrainConfig& c) { c.lambda_user = c.lambda_item = 0.1, c.lambda_bias = 0.5; }));
    list.push_back(with([](TrainConfig& c) { c.lambda_user = 0.1, c.reg_scaling = RegScaling::none; }));
    list.push_back(with([](TrainConfig& c) { c.scale_grad_by_freq = true; }));
    list.push_back(with([](TrainConfig& c) { c.norm_limit = {0.5F, 2}; }));
    list.push_back(with([](TrainConfig& c) { c.norm_limit = {0.5F, INFINITY}; }));
    list.push_back(with([](TrainConfig& c) { c.user_padding = 0, c.item_padding = 3; }));
    list.push_back(with([](TrainConfig& c) { c.reduction = Reduction::sum, c.lr = 0.005; }));
    list.push_back(with([](TrainConfig& c) { c.shuffle = Shuffle::epoch; }));
    return list;
  }();
  for (std::size_t n = 0; n < problems.size(); ++n) {
    SCOPED_TRACE(n);
    expect_same_bits(weights(trained("cuda_repeatable", problems[n])), weights(trained("cpu", problems[n])));
  }
}

TEST(Repeatable, GivesTheSameBytesSixteenTimes) {
  TrainingProblem problem = batch_problem(33, 500, 1500, true);
  problem.config.optimizer = Optimizer::adagrad;
  problem.config.lr = 0.05;
  problem.config.lambda_item = 0.01;
  std::vector<float> first;
  for (unsigned run = 0; run < 16; ++run) {
    SCOPED_TRACE(run);
    use_schedule(run);
    const std::vector<float> all = weights(trained("cuda_repeatable", problem));
    if (first.empty()) first = all;
    expect_same_bits(all, first);
  }
}

TEST(Repeatable, PerRatingStepsHaveTheCpuEnginesBits) {
  for (const int rank : {1, 7, 32, 33, 128}) {
    SCOPED_TRACE(rank);
    TrainingProblem problem = batch_problem(rank, 0, 2000);
    problem.config.lr = 0.02;
    problem.config.lambda_user = problem.config.lambda_item = 0.05;
    problem.config.shuffle = Shuffle::epoch;
    problem.config.grid = 4;
    expect_same_bits(weights(trained("cuda_repeatable", problem)), weights(trained("cpu", problem)));
  }
}

TEST(Repeatable, PredictionsHaveTheCpuEnginesBits) {
  for (const int rank : awkward_ranks()) {
    SCOPED_TRACE(rank);
    const TrainingProblem problem = batch_problem(rank, 100);
    const Model model = start_of(problem);
    const Position n = problem.ratings.size();
    const auto predictions = [&](const std::string& engine) {
      const ChosenEngine chosen = engine_named(engine);
      std::vector<float> scores(static_cast<std::size_t>(n));
      chosen.engine->open(model)->predict(problem.ratings.user.span(), problem.ratings.item.span(), {scores.data(), n});
      return scores;
    };
    expect_same_bits(predictions("cuda_repeatable"), predictions("cpu"));
    expect_same_bits(predictions("cuda"), predictions("cpu"));
  }
}

}  // namespace
}  // namespace wf::test
