// Mistakes that were made in other GPU factorization engines, each with a test that it is not made here.
#include "tests/cuda/support.hpp"

#include "host/reference/reference.hpp"
#include "tests/kernels/cuda_on_host.hpp"

namespace wf::test {
namespace {

/// Row * rank in 32 bits wraps at 2^31 and gathers wrong rows silently.
TEST(Peers, IndexProductsDoNotWrapAt32Bits) {
  constexpr Position kRows = Position{1} << 26;
  const Rows<float, Device> table{nullptr, kRows, 128, 128};  // 2^33 elements; only addresses are formed
  const auto offset = [&](RowId row) {
    return static_cast<Position>(reinterpret_cast<std::uintptr_t>(table.row(row)) / sizeof(float));
  };
  for (const RowId row : {0, 1 << 24, 1 << 25, (1 << 26) - 1}) EXPECT_EQ(offset(row), Position{row} * 128);
  EXPECT_THROW(checked_product(Position{1} << 40, Position{1} << 40), Error);
}

/// The same with a real table: its last row against the host's.
TEST(Peers, ATableAbove32BitsOfElementsIsGatheredRight) {
  constexpr int kRank = 128;
  constexpr Position kRows = (Position{1} << 32) / kRank + 8;
  Cuda kernels(Order::racing);
  const Position needed = kRows * kRank * Position{sizeof(float)} + (Position{1} << 30);
  if (kernels.memory()->free < needed) GTEST_SKIP() << "needs " << needed << " bytes of free device memory";
  DeviceBuffer<float> table = kernels.filled<float>(kRows * kRank, 0);
  HostBuffer<float> last(kRank, 0.5F);
  const auto there = kernels.borrow(std::as_const(last).span());
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // the copy is on another stream than what it follows
  check_cuda(cudaMemcpy(table.data() + (kRows - 1) * kRank, there.data(), kRank * sizeof(float), cudaMemcpyDefault),
             "cudaMemcpy");
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  const ModelView<const float, Device> model{
      {table.data(), kRows, kRank, kRank}, {there.data(), 1, kRank, kRank}, {}, {}};
  const RowId user = static_cast<RowId>(kRows - 1), item = 0;
  float score = 0;
  auto out = kernels.output(Span<float, Host>{&score, 1});
  kernels.predict(model, {}, kernels.borrow(Span<const RowId, Host>{&user, 1}).span(),
                  kernels.borrow(Span<const RowId, Host>{&item, 1}).span(), out.span());
  kernels.finish(out, {&score, 1});
  EXPECT_EQ(score, 0.25F * kRank);
}

/// A grid of (nnz - 1) / 256 blocks drops the last partial one from the RMSE.
TEST(Peers, ErrorsCountEveryRating) {
  CudaOnHost<Order::racing> cuda;
  Reference reference;
  for (const Position n : {1, 127, 128, 129, 255, 256, 257, 511}) {
    const Ratings ratings = random_ratings(n, 9, 8, 3);
    Tables4 tables(9, 8, 16, 4);
    cuda.rating_errors(tables.view(), {}, ratings.view());
    reference.rating_errors(tables.view(), {}, ratings.view());
    const ErrorSums actual = cuda.take_errors(), expected = reference.take_errors();
    EXPECT_EQ(actual.count, n);
    EXPECT_NEAR(actual.squared, expected.squared, 1e-5 * expected.squared);
  }
}

/// Rows without a rating gave 0 / 0 and NaN everywhere.
TEST(Peers, RowsWithoutRatingsStayAsTheyWere) {
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    TrainingProblem problem = batch_problem(16, 50);
    problem.n_users = 60, problem.n_items = 50;  // ratings know 40 and 30
    const Model before = start_of(problem), after = trained(engine, problem);
    for (Position n = 40 * 16; n < 60 * 16; ++n) EXPECT_EQ(after.tables.user_factors[n], before.tables.user_factors[n]);
    for (const float weight : weights(after)) ASSERT_TRUE(std::isfinite(weight));
  }
}

/// Ranks other than multiples of 10, of 32, or above 128 or 1024 were garbage, and a missing barrier showed at 70 only.
TEST(Peers, EveryRankIsRight) {
  std::vector<int> ranks;
  for (int rank = 1; rank <= 130; ++rank) ranks.push_back(rank);
  ranks.insert(ranks.end(), {200, 256, 1000, 1024, 1025, 2048});
  CudaOnHost<Order::racing> cuda;
  Reference reference;
  const Ratings batch = random_ratings(40, 9, 8, 3);
  for (const int rank : ranks) {
    SCOPED_TRACE(rank);
    const auto run = [&](auto& kernels) {
      Tables4 tables(9, 8, rank, 4, 0.5F, rank % 4 == 0 ? 4 : 3);
      const BatchGroups<Host> groups = kernels.group_rows(batch.view(), 9, 8);
      std::vector<float> slopes(40);
      kernels.loss_slopes(tables.view(), batch.view(), Loss::mse, 1, {slopes.data(), 40});
      Table gradients(groups.item.rows.size, rank, 1, 1, rank % 4 == 0 ? 4 : 3);
      kernels.row_gradients(groups.item, {slopes.data(), 40}, batch.user.span(), tables.user_factors.view(),
                            tables.item_factors.view(), {}, gradients.view());
      update_by_rating(kernels, tables, batch, {{0, 32}, {32, 40}}, {.lr = 0.01F / static_cast<float>(rank)});
      std::vector<float> all = gradients.values(), updated = tables.values();
      all.insert(all.end(), slopes.begin(), slopes.end());
      all.insert(all.end(), updated.begin(), updated.end());
      return all;
    };
    // a score sums `rank` products of 1/4, and a gradient up to 12 slopes
    EXPECT_LE(largest_difference(run(cuda), run(reference)), 12 * rounding(rank, 0.25 * rank + 8));
  }
}

/// Options that the CPU obeyed were ignored on the GPU.
TEST(Peers, NoOptionIsIgnoredOnTheDevice) {
  const std::vector<float> plain = weights(trained("cuda", batch_problem(16, 50)));
  const auto changed = [&](auto change) {
    TrainingProblem problem = batch_problem(16, 50);
    change(problem.config);
    const std::vector<float> expected = weights(trained("cpu", problem)), actual = weights(trained("cuda", problem));
    EXPECT_LE(largest_difference(actual, expected), 1e-4);
    return largest_difference(actual, plain);
  };
  EXPECT_GT(changed([](TrainConfig& c) { c.lambda_user = 0.5; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.lambda_item = 0.5; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.lambda_bias = 0.5; }), 0.001);
  EXPECT_GT(changed([](TrainConfig& c) { c.loss = Loss::huber; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.momentum = 0.5; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.scale_grad_by_freq = true; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.norm_limit.max_norm = 0.1F; }), 0.01);
  EXPECT_GT(changed([](TrainConfig& c) { c.gradients = Gradients::dense, c.weight_decay = 0.1; }), 0.01);
}

/// Epochs that drew ratings with replacement left a third of them out.
TEST(Peers, AnEpochVisitsEachRatingOnce) {
  for (const Position batch_size : {0, 7, 64}) {
    TrainingProblem problem = batch_problem(8, batch_size, 501);
    problem.config.lr = 1e-6;
    problem.config.epochs = 1;
    problem.config.shuffle = Shuffle::epoch;
    Model model = start_of(problem);
    const auto engine = engine_named("cuda").engine;
    const ErrorSums before = engine->open(model)->errors(problem.ratings.view(), Loss::mse);
    const TrainResult result = engine->train(model, problem.ratings.clone(), {}, problem.config, {});
    EXPECT_EQ(result.epochs[0].ratings, 501);
    EXPECT_NEAR(result.epochs[0].train_rmse, before.rmse(), 1e-4 * before.rmse());
  }
}

/// Users had to shuffle their files: sorted ones did not converge.
TEST(Peers, SortedInputReachesTheSameError) {
  TrainingProblem problem = batch_problem(8, 0, 3000);
  for (Position n = 0; n < 3000; ++n) {  // something to learn: users above 20 like what others do not
    problem.ratings.value[n] = (problem.ratings.user[n] < 20) == (problem.ratings.item[n] < 15) ? 4.5F : 1.5F;
  }
  problem.config.lr = 0.02;
  problem.config.epochs = 15;
  problem.config.shuffle = Shuffle::epoch;
  const auto error_after = [&](const TrainingProblem& of) {
    Model model = start_of(of);
    const auto engine = engine_named("cuda").engine;
    engine->train(model, of.ratings.clone(), {}, of.config, {});
    return engine->open(model)->errors(of.ratings.view(), Loss::mse).rmse();
  };
  TrainingProblem sorted = batch_problem(8, 0, 3000);
  sorted.config = problem.config;
  sorted.ratings = {};
  for (RowId user = 0; user < sorted.n_users; ++user) {
    for (Position n = 0; n < 3000; ++n) {
      if (problem.ratings.user[n] == user) {
        sorted.ratings.push_back(user, problem.ratings.item[n], problem.ratings.value[n]);
      }
    }
  }
  const double expected = error_after(problem);
  EXPECT_LT(expected, 0.5);
  EXPECT_NEAR(error_after(sorted), expected, 0.1 * expected);
}

/// The loss was wrong where users times items exceed 2^31.
TEST(Peers, ErrorsAreRightWhereUsersTimesItemsExceed32Bits) {
  TrainingProblem problem = batch_problem(4, 100);
  problem.n_users = problem.n_items = 70000;
  problem.ratings = random_ratings(2000, 70000, 70000, 3);
  const Model model = start_of(problem);
  const auto errors = [&](const std::string& engine) {
    const ChosenEngine chosen = engine_named(engine);
    return chosen.engine->open(model)->errors(problem.ratings.view(), Loss::mse);
  };
  const ErrorSums actual = errors("cuda"), expected = errors("reference");
  EXPECT_EQ(actual.count, 2000);
  EXPECT_NEAR(actual.loss, expected.loss, 1e-5 * expected.loss);
}

/// A table of 1,024 learning rates ran over.
TEST(Peers, ThousandsOfEpochsHaveALearningRate) {
  TrainingProblem problem = batch_problem(2, 10, 10);
  problem.config.epochs = 5000;
  problem.config.lr = 0.01;
  problem.config.lr_schedule = LrSchedule::inverse;
  Model model = start_of(problem);
  const TrainResult result = engine_named("cuda").engine->train(model, problem.ratings.clone(), {}, problem.config, {});
  ASSERT_EQ(result.epochs.size(), 5000U);
  EXPECT_LT(result.epochs[4999].lr, result.epochs[1024].lr);
  EXPECT_GT(result.epochs[4999].lr, 0);
}

/// 16-bit counters ended rows at 65,535 ratings.
TEST(Peers, ARowMayHaveMoreThan65535Ratings) {
  for (const std::string engine : {"cuda", "cuda_repeatable"}) {
    TrainingProblem problem = batch_problem(4, 70000, 70000);
    problem.config.epochs = 1;
    for (RowId& user : problem.ratings.user) user = 1;
    // gradients sum 70,000 terms in float, the reference in double
    EXPECT_LE(largest_difference(weights(trained(engine, problem)), weights(trained("reference", problem))),
              rounding(std::sqrt(70000.0) * 8, 4));
  }
}

/// Very lopsided shapes did not converge.
TEST(Peers, LopsidedShapesConverge) {
  for (const auto& [n_users, n_items] : {std::pair<Position, Position>{3, 20000}, {20000, 3}}) {
    TrainingProblem problem = batch_problem(4, 500);
    problem.n_users = n_users, problem.n_items = n_items;
    problem.ratings = random_ratings(4000, n_users, n_items, 8);
    problem.config.lr = 0.1;
    Model model = start_of(problem);
    const TrainResult result =
        engine_named("cuda").engine->train(model, problem.ratings.clone(), {}, problem.config, {});
    EXPECT_LT(result.epochs.back().train_rmse, result.epochs.front().train_rmse);
  }
}

/// Factors became NaN without an error.
TEST(Peers, DivergenceNamesTheEpoch) {
  TrainingProblem problem = batch_problem(16, 50);
  problem.config.lr = 1e6;
  problem.config.epochs = 20;
  Model model = start_of(problem);
  try {
    engine_named("cuda").engine->train(model, problem.ratings.clone(), {}, problem.config, {});
    FAIL() << "trained at a learning rate of a million";
  } catch (const FailedError& error) {
    EXPECT_NE(std::string(error.what()).find("epoch"), std::string::npos) << error.what();
    EXPECT_NE(error.cure().find("--lr"), std::string::npos) << error.cure();
  }
}

/// One hot row ended in a serial loop over its duplicates by one thread. Here its chunks are separate pieces of work:
/// their sums have the bits of sums of chunks, which those of one long loop are not.
TEST(Peers, AHotRowIsSummedInChunks) {
  constexpr Position kMembers = 9 * kSumChunk + 7;
  CudaOnHost<Order::repeatable> cuda;
  Ratings batch = random_ratings(kMembers, 40, 30, 3);
  for (RowId& user : batch.user) user = 1;
  Tables4 tables(40, 30, 8, 4);
  const BatchGroups<Host> groups = cuda.group_rows(batch.view(), 40, 30);
  std::vector<float> slopes(static_cast<std::size_t>(kMembers), 0.3F);
  Table gradients(1, 8, 1);
  cuda.row_gradients(groups.user, {slopes.data(), kMembers}, batch.item.span(), tables.item_factors.view(),
                     tables.user_factors.view(), {}, gradients.view());
  const auto sum = [&](Position first, Position count, int f) {
    float total = 0;
    for (Position n = first; n < first + count; ++n) total += 0.3F * tables.item_factors.view().row(batch.item[n])[f];
    return total;
  };
  int differ = 0;
  for (int f = 0; f < 8; ++f) {
    float chunked = sum(0, kSumChunk, f);
    for (Position first = kSumChunk; first < kMembers; first += kSumChunk) {
      chunked += sum(first, std::min<Position>(kSumChunk, kMembers - first), f);
    }
    EXPECT_EQ(gradients.values()[static_cast<std::size_t>(f)], chunked) << f;
    differ += chunked != sum(0, kMembers, f) ? 1 : 0;
  }
  EXPECT_GT(differ, 0) << "the test cannot tell chunks from one loop";
}

}  // namespace
}  // namespace wf::test
