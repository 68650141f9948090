// The device itself: memory that is out, a machine without one, what crosses the bus, what a step costs.
#include "tests/cuda/support.hpp"

#include "host/train/memory_plan.hpp"
#include "host/train/turned_rows.hpp"

#include <type_traits>

namespace wf::test {
namespace {

static_assert(!std::is_copy_constructible_v<DeviceBuffer<float>> && !std::is_copy_constructible_v<PinnedBuffer> &&
              !std::is_copy_constructible_v<Stream> && !std::is_copy_constructible_v<Event>);
static_assert(std::is_nothrow_move_constructible_v<DeviceBuffer<float>>);
static_assert(!std::is_convertible_v<Span<float, Host>, Span<float, Device>>,
              "a host view given to a device op compiles");
static_assert(!std::is_convertible_v<Rows<float, Host>, Rows<float, Device>>);

TEST(Device, MovesArraysLargerThanItsPinnedMemory) {
  Cuda kernels(Order::racing);
  const Position n = 2 * Transfer::kLargestChunk / Position{sizeof(float)} + 12345;
  HostBuffer<float> values(n);
  for (Position i = 0; i < n; ++i) values[i] = static_cast<float>(i % 65521);
  HostBuffer<float> back = kernels.to_host(kernels.to_space(values.clone()));
  ASSERT_EQ(back.size(), n);
  EXPECT_TRUE(std::equal(values.begin(), values.end(), back.begin()));
}

TEST(Device, StagesBatchAfterBatchWithoutMixingThem) {
  Cuda kernels(Order::racing);
  for (RowId round = 0; round < 7; ++round) {
    const Ratings batch = random_ratings(100 + 50 * round, 40, 30, static_cast<std::uint64_t>(round));
    const RatingsView<Device> there = kernels.stage(batch.view());
    std::vector<RowId> item(static_cast<std::size_t>(batch.size()));
    kernels.fetch(there.item, Span<RowId, Host>{item.data(), batch.size()});
    EXPECT_TRUE(std::equal(item.begin(), item.end(), batch.item.begin())) << "batch " << round;
  }
}

TEST(Device, CopiesAndFills) {
  Cuda kernels(Order::racing);
  DeviceBuffer<float> ones = kernels.filled<float>(1000, 1), to;
  kernels.copy(ones, to);
  const HostBuffer<float> back = kernels.to_host(std::move(to));
  EXPECT_EQ(back.size(), 1000);
  for (const float value : back) ASSERT_EQ(value, 1);
  EXPECT_EQ(kernels.to_host(kernels.filled<Position>(3, 0))[2], 0);
  EXPECT_TRUE(kernels.to_host(kernels.filled<float>(0, 1)).empty());
}

TEST(Device, ErrorSumsAreTakenOnce) {
  Cuda kernels(Order::racing);
  EXPECT_EQ(kernels.take_errors().count, 0);
}

TEST(Device, WhatDoesNotFitIsRefusedWithTheOptionThatHelps) {
  TrainingProblem problem = batch_problem(64, 100);
  problem.n_users = 4000000;  // 1 GB of factors
  const TrainingSize size{problem.n_users, problem.n_items, 64, false, 600, 0};
  const auto no_index = [](const TrainingSize&, Position) { return Position{0}; };
  const MemoryPlan plan = plan_memory(size, problem.config, no_index);
  const DeviceMemory device{"a card", plan.total() - 1, plan.total()};
  try {
    check_memory(device, size, problem.config, no_index);
    FAIL() << "a plan larger than the device passed";
  } catch (const DeviceError& error) {
    EXPECT_NE(error.cure().find("--rank 32"), std::string::npos) << error.cure();
    EXPECT_NE(error.problem().find("factors 1.02 GB"), std::string::npos) << error.problem();
  }
  EXPECT_NO_THROW(check_memory({"a card", 2 * plan.total(), 2 * plan.total()}, size, problem.config, no_index));
}

TEST(Device, RowsThatAreKeptOnceMoreAreInThePlan) {
  const auto bytes_of = [](const char* part, const TrainingSize& size, const TrainConfig& config) {
    const MemoryPlan plan = plan_memory(size, config, [](const TrainingSize&, Position) { return Position{0}; });
    for (const MemoryPlan::Part& found : plan.parts) {
      if (std::string(found.name) == part) return found.bytes;
    }
    return Position{0};
  };
  TrainingSize size{1000, 3000, 64, false, 10000, 0};
  TrainConfig config;
  config.algorithm = Algorithm::nmf;
  config.missing = Missing::zero;
  EXPECT_EQ(bytes_of("products", size, config), 3000 * 64 * 4);
  config.missing = Missing::unobserved;
  EXPECT_EQ(bytes_of("products", size, config), 0);
  config.algorithm = Algorithm::ials;
  EXPECT_EQ(bytes_of("turned rows", size, config), 0);
  size.turned_rows = turned_rows({true, false}, size.n_users, size.n_items);
  EXPECT_EQ(bytes_of("turned rows", size, config), (3000 + kTurnedChunk) * 64 * 4);
}

TEST(Device, WhatABatchMakesTooLargeIsHelpedByASmallerBatch) {
  TrainConfig config;
  config.batch_size = 1 << 20;
  const TrainingSize size{1000000, 1000000, 64, false, 10000000, 0};
  const auto no_index = [](const TrainingSize&, Position) { return Position{0}; };
  const DeviceMemory device{"a card", 1300000000, 1300000000};  // 512 MB of factors, twice, 512 of gradient rows
  try {
    check_memory(device, size, config, no_index);
    FAIL() << "a plan larger than the device passed";
  } catch (const DeviceError& error) {
    EXPECT_NE(error.cure().find("--batch-size 262144"), std::string::npos) << error.what();
  }
}

TEST(Device, RefusesBeforeItTrains) {
#if defined(WF_INTERPRETER)
  TrainingProblem problem = batch_problem(64, 100);
  problem.n_users = 100000;
  Model model = start_of(problem);
  const auto engine = engine_named("cuda").engine;
  simt::options().device_bytes = std::size_t{8} << 20;
  EXPECT_THROW(engine->train(model, problem.ratings.clone(), {}, problem.config, {}), DeviceError);
  EXPECT_FALSE(model.tables.user_factors.empty()) << "the model was consumed";
#else
  GTEST_SKIP() << "needs a card whose memory the test can set";
#endif
}

TEST(Device, ThePlanCoversWhatTrainingAllocates) {
#if defined(WF_INTERPRETER)
  struct Case {
    Optimizer optimizer;
    Position batch_size;
    int rank;
  };
  for (const std::string name : {"cuda", "cuda_repeatable"}) {
    for (const Case& c : {Case{Optimizer::sgd, 1000, 32}, Case{Optimizer::sparse_adam, 1000, 32},
                          Case{Optimizer::sgd, 3000, 200}, Case{Optimizer::sgd, 0, 32}}) {
      SCOPED_TRACE(testing::Message() << name << ", batches of " << c.batch_size << ", rank " << c.rank);
      TrainingProblem problem = batch_problem(c.rank, c.batch_size, 3000);
      problem.n_users = 5000, problem.n_items = 4000;
      problem.ratings = random_ratings(3000, 5000, 4000, 3);
      problem.config.optimizer = c.optimizer;
      problem.config.lr = 0.01;
      problem.config.lambda_user = 0.01;
      const Ratings valid = random_ratings(500, 5000, 4000, 4);
      const auto engine = engine_named(name).engine;
      Model model = start_of(problem);
      const Position planned = engine->plan(size_of(model, 3000, 500), problem.config).total();
      // the margin of check_memory, and what does not grow with the data: rounding of some 40 allocations to 512 bytes
      constexpr Position kSmall = Position{40} * 512;
      simt::options().device_bytes = static_cast<std::size_t>(planned + planned / 50 + kSmall);
      EXPECT_NO_THROW(engine->train(model, problem.ratings.clone(), valid.view(), problem.config, {}));
    }
  }
#else
  GTEST_SKIP() << "needs a card whose memory the test can set";
#endif
}

TEST(Device, RunningOutInTheMiddleIsAnAnswer) {
#if defined(WF_INTERPRETER)
  Cuda kernels(Order::racing);
  simt::options().device_bytes = 1 << 20;
  try {
    kernels.filled<float>(1 << 20, 0);
    FAIL() << "4 MiB fit into 1";
  } catch (const DeviceError& error) {
    EXPECT_NE(error.problem().find("cudaMallocAsync"), std::string::npos) << error.what();
    EXPECT_NE(error.problem().find("cuda_kernels.hpp:"), std::string::npos) << error.what();
    EXPECT_NE(error.problem().find("device 0"), std::string::npos) << error.what();
    EXPECT_NE(error.cure().find("--rank"), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW(kernels.filled<float>(100, 0));  // and the engine goes on
#else
  GTEST_SKIP() << "needs a card whose memory the test can set";
#endif
}

TEST(Device, AbsenceIsExplainedOrWorkedAround) {
#if defined(WF_INTERPRETER)
  simt::options().no_device = true;
  EXPECT_THROW(make_engine("cuda", 0), DeviceError);
  const ChosenEngine chosen = make_engine("auto", 1);
  EXPECT_EQ(chosen.engine->name(), "cpu");
  EXPECT_NE(chosen.why.find("cuda:"), std::string::npos) << chosen.why;
#else
  GTEST_SKIP() << "there is a device";
#endif
}

TEST(Device, AutoTakesItAndSaysSo) {
  const ChosenEngine chosen = make_engine("auto", 1);
  EXPECT_EQ(chosen.engine->name(), "cuda");
  EXPECT_NE(chosen.why.find("cuda, "), std::string::npos) << chosen.why;
  ASSERT_TRUE(chosen.engine->memory().has_value());
  EXPECT_GT(chosen.engine->memory()->total, 0);
}

/// No buffer of the size of a table is cleared, swept or copied in a step.
TEST(Device, AStepCostsWhatItsBatchCosts) {
#if defined(WF_INTERPRETER)
  const auto cost_of = [](const std::string& engine, Position n_users, int steps) {
    TrainingProblem problem = batch_problem(8, 100, 100 * steps);
    problem.n_users = n_users;
    problem.config.epochs = 1;  // behind one that others follow, its tables are kept
    const simt::Stats before = simt::stats();
    trained(engine, problem);
    const simt::Stats& after = simt::stats();
    return std::vector<std::uint64_t>{after.threads - before.threads, after.bytes_copied - before.bytes_copied,
                                      after.bytes_set - before.bytes_set};
  };
  const auto step_of = [&](const std::string& engine, Position n_users) {
    std::vector<std::uint64_t> cost = cost_of(engine, n_users, 6);
    const std::vector<std::uint64_t> less = cost_of(engine, n_users, 5);
    for (std::size_t n = 0; n < cost.size(); ++n) cost[n] -= less[n];
    return cost;
  };
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    EXPECT_EQ(step_of(engine, 200000), step_of(engine, 100)) << engine;
    EXPECT_GT(step_of(engine, 100)[1], 0U) << "the batch itself is copied";
  }
#else
  GTEST_SKIP() << "counts threads and bytes, which only the interpreter tells";
#endif
}

TEST(Device, NothingRunsOnTheDefaultStream) {
#if defined(WF_INTERPRETER)
  const auto before = simt::stats().on_the_default_stream;
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    trained(engine, batch_problem(16, 100));
    trained(engine, batch_problem(16, 0));
    const TrainingProblem problem = batch_problem(16, 100);
    const Model model = start_of(problem);
    const ChosenEngine chosen = engine_named(engine);
    const auto scorer = chosen.engine->open(model);
    scorer->errors(problem.ratings.view(), Loss::mse);
    std::vector<float> scores(2 * 30);
    const std::vector<RowId> users{0, 1};
    scorer->score_items({users.data(), 2}, {scores.data(), 2, 30, 30});
  }
  EXPECT_EQ(simt::stats().on_the_default_stream, before);
#else
  GTEST_SKIP() << "only the interpreter tells";
#endif
}

}  // namespace
}  // namespace wf::test
