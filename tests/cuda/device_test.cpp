// The device itself: memory that is out, a machine without one, what crosses the bus, what a step costs.
#include "tests/cuda/support.hpp"

#include "host/train/memory_plan.hpp"

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
  Model shape;
  shape.n_users = problem.n_users, shape.n_items = problem.n_items, shape.rank = 64;
  const MemoryPlan plan = plan_memory(shape, 600, 0, problem.config);
  const DeviceMemory device{"a card", plan.total() - 1, plan.total()};
  try {
    check_memory(device, shape, 600, 0, problem.config);
    FAIL() << "a plan larger than the device passed";
  } catch (const DeviceError& error) {
    EXPECT_NE(error.cure().find("--rank 32"), std::string::npos) << error.cure();
    EXPECT_NE(error.problem().find("factors 1.02 GB"), std::string::npos) << error.problem();
  }
  EXPECT_NO_THROW(check_memory({"a card", plan.total(), plan.total()}, shape, 600, 0, problem.config));
}

TEST(Device, RefusesBeforeItTrains) {
#if defined(WF_INTERPRETER)
  TrainingProblem problem = batch_problem(64, 100);
  problem.n_users = 100000;
  Model model = start_of(problem);
  const auto engine = engine_named("cuda").engine;
  simt::options().device_bytes = std::size_t{8} << 20;
  EXPECT_THROW(engine->train(model, copy_of(problem.ratings), {}, problem.config, {}), DeviceError);
  EXPECT_FALSE(model.tables.user_factors.empty()) << "the model was consumed";
#else
  GTEST_SKIP() << "needs a card whose memory the test can set";
#endif
}

TEST(Device, ThePlanCoversWhatTrainingAllocates) {
#if defined(WF_INTERPRETER)
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::sparse_adam}) {
      TrainingProblem problem = batch_problem(32, 1000, 3000);
      problem.n_users = 5000, problem.n_items = 4000;
      problem.ratings = random_ratings(3000, 5000, 4000, 3);
      problem.config.optimizer = optimizer;
      problem.config.lr = 0.01;
      Model model = start_of(problem);
      const Position planned = plan_memory(model, 3000, 500, problem.config).total();
      const Ratings valid = random_ratings(500, 5000, 4000, 4);
      constexpr Position kRounding = Position{40} * 1024;  // of some 40 allocations to 512 bytes, gaps included
      simt::options().device_bytes = static_cast<std::size_t>(planned + kRounding);
      EXPECT_NO_THROW(
          engine_named(engine).engine->train(model, copy_of(problem.ratings), valid.view(), problem.config, {}))
          << engine << ", planned " << planned;
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
    EXPECT_NE(error.problem().find("memory.hpp:"), std::string::npos) << error.what();
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
  const auto threads_per_step = [](const std::string& engine, Position n_users) {
    const auto threads_of = [&](int epochs) {
      TrainingProblem problem = batch_problem(8, 100, 100);
      problem.n_users = n_users;
      problem.config.epochs = epochs;
      const auto before = simt::stats().threads;
      trained(engine, problem);
      return simt::stats().threads - before;
    };
    return threads_of(6) - threads_of(5);
  };
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    EXPECT_EQ(threads_per_step(engine, 200000), threads_per_step(engine, 100)) << engine;
  }
#else
  GTEST_SKIP() << "counts threads, which only the interpreter tells";
#endif
}

}  // namespace
}  // namespace wf::test
