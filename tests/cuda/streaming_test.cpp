// Training that does not fit the device: ratings, and rows, come for their blocks and go. The results are those of a
// run that fits.
#include "tests/cuda/support.hpp"

#include "host/base/error.hpp"
#include "host/train/grid_rows.hpp"
#include "host/train/ring_sgd.hpp"
#include "host/train/training_loop.hpp"

#include <cmath>

namespace wf::test {
namespace {

constexpr Position kUsers = 700, kItems = 300, kRatings = 20000, kValid = 900;

TrainingProblem problem_of(Storage storage, Optimizer optimizer = Optimizer::row_adagrad) {
  TrainingProblem problem = batch_problem(24, 0);
  problem.n_users = kUsers, problem.n_items = kItems;
  problem.ratings = random_ratings(kRatings, kUsers, kItems, 21);
  problem.config.optimizer = optimizer;
  problem.config.lr = 0.05;
  problem.config.lambda_user = problem.config.lambda_item = 0.05;
  problem.config.shuffle = Shuffle::epoch;
  problem.config.grid = 5;
  problem.config.storage = storage;
  return problem;
}

/// Some of them of rows that no table has.
Ratings valid_ratings() {
  Ratings valid = random_ratings(kValid, kUsers, kItems, 22);
  for (Position n = 0; n < 40; ++n) {
    if (n % 2 == 0) valid.user[n] = kUsers + static_cast<RowId>(n);
    if (n % 3 == 0) valid.item[n] = -1;
  }
  return valid;
}

struct Outcome {
  std::vector<float> weights;
  std::vector<EpochReport> epochs;
};

Outcome run_on(Engine& engine, const TrainingProblem& problem) {
  const Ratings valid = valid_ratings();
  Model model = start_of(problem);
  TrainResult result = engine.train(model, problem.ratings.clone(), valid.view(), problem.config, {});
  return {weights(model), std::move(result.epochs)};
}

TrainingSize size_of_run(const TrainingProblem& problem) {
  ThreadPool pool(2);
  const BlockGrid grid = make_grid(pool, RatingsInMemory(problem.ratings.view()), kUsers, kItems, problem.config, {});
  return size_of(start_of(problem), grid, kValid);
}

/// The least budget with which a run keeps so much, or less, on the device.
Position budget_for(const Engine& engine, const TrainingProblem& problem, Residency residency) {
  const TrainingSize size = size_of_run(problem);
  TrainConfig config = problem.config;
  Position low = 0, high = Position{1} << 30;
  while (high - low > 1) {
    config.device_memory = (low + high) / 2;
    const MemoryPlan plan = engine.plan(size, config);
    const bool fits = plan.total() + plan.total() / 50 <= config.device_memory;
    (fits && plan.residency <= residency ? high : low) = config.device_memory;
  }
  return high;
}

void expect_same_bits(const Outcome& actual, const Outcome& expected) {
  EXPECT_EQ(actual.weights, expected.weights);
  ASSERT_EQ(actual.epochs.size(), expected.epochs.size());
  for (std::size_t e = 0; e < expected.epochs.size(); ++e) {
    EXPECT_EQ(actual.epochs[e].train_loss, expected.epochs[e].train_loss);
    // validation is summed in other portions: some hundred roundings of doubles
    EXPECT_NEAR(*actual.epochs[e].valid_rmse, *expected.epochs[e].valid_rmse, 1e-13 * *expected.epochs[e].valid_rmse);
  }
}

void limit_device([[maybe_unused]] Position bytes) {
#if defined(WF_INTERPRETER)
  constexpr Position kSmall = Position{48} * 512;  // each of some 40 allocations is rounded up
  simt::options().device_bytes = static_cast<std::size_t>(bytes + kSmall);
#endif
}

void no_limit() {
#if defined(WF_INTERPRETER)
  simt::options().device_bytes = std::size_t{1} << 30;
#endif
}

TEST(Streaming, RatingsAndRowsThatVisitGiveTheSameBits) {
  for (const Optimizer optimizer : {Optimizer::row_adagrad, Optimizer::sgd}) {
    for (const RegScaling scaling : {RegScaling::count, RegScaling::none}) {
      TrainingProblem problem = problem_of(Storage::fp32, optimizer);
      problem.config.reg_scaling = scaling;
      no_limit();
      const Outcome whole = run_on(*engine_named("cuda_repeatable").engine, problem);
      for (const Residency residency : {Residency::rows, Residency::nothing}) {
        const auto engine = engine_named("cuda_repeatable").engine;
        problem.config.device_memory = budget_for(*engine, problem, residency);
        ASSERT_EQ(engine->plan(size_of_run(problem), problem.config).residency, residency);
        limit_device(problem.config.device_memory);
        expect_same_bits(run_on(*engine, problem), whole);
      }
      problem.config.device_memory = 0;
    }
  }
}

TEST(Streaming, RacingRunsLearnTheSame) {
  for (const char* name : {"cuda", "cuda_tiles"}) {
    for (const Storage storage : {Storage::fp32, Storage::fp16, Storage::bf16}) {
      TrainingProblem problem = problem_of(storage);
      no_limit();
      const Outcome whole = run_on(*engine_named(name).engine, problem);
      for (const Residency residency : {Residency::rows, Residency::nothing}) {
        const auto engine = engine_named(name).engine;
        problem.config.device_memory = budget_for(*engine, problem, residency);
        limit_device(problem.config.device_memory);
        const Outcome parts = run_on(*engine, problem);
        ASSERT_EQ(parts.epochs.size(), whole.epochs.size());
        for (std::size_t e = 0; e < whole.epochs.size(); ++e) {
          EXPECT_NEAR(*parts.epochs[e].valid_rmse, *whole.epochs[e].valid_rmse, 0.01) << name << ", epoch " << e;
          EXPECT_NEAR(parts.epochs[e].train_rmse, whole.epochs[e].train_rmse, 0.01) << name << ", epoch " << e;
        }
      }
    }
  }
}

TEST(Streaming, ABudgetBelowOneBlockIsRefusedWithTheGridThatFits) {
  TrainingProblem problem = problem_of(Storage::fp32);
  problem.config.grid = 2;
  const auto engine = engine_named("cuda_repeatable").engine;
  const Position least = budget_for(*engine, problem, Residency::nothing);
  problem.config.device_memory = least / 3;
  Model model = start_of(problem);
  int grid = 0;
  try {
    engine->train(model, problem.ratings.clone(), {}, problem.config, {});
    FAIL() << "a budget that holds no block passed";
  } catch (const DeviceError& error) {
    EXPECT_NE(error.problem().find("--device-memory"), std::string::npos) << error.what();
    const std::string option = "--grid ";
    const std::size_t at = error.cure().find(option);
    ASSERT_NE(at, std::string::npos) << error.what();
    grid = std::stoi(error.cure().substr(at + option.size()));
  }
  EXPECT_FALSE(model.tables.user_factors.empty()) << "the model was consumed";
  EXPECT_GT(grid, problem.config.grid);
  problem.config.grid = grid;
  EXPECT_NO_THROW(run_on(*engine, problem)) << "the cure did not help";
}

TEST(Streaming, APlanKeepsWhatItCan) {
  const auto engine = engine_named("cuda").engine;
  const TrainingProblem problem = problem_of(Storage::fp32);
  const TrainingSize size = size_of_run(problem);
  const auto with = [&](Residency residency) {
    TrainConfig config = problem.config;
    config.device_memory = budget_for(*engine, problem, residency);
    return engine->plan(size, config);
  };
  const MemoryPlan all = with(Residency::everything), rows = with(Residency::rows), none = with(Residency::nothing);
  EXPECT_GT(all.total(), rows.total());
  EXPECT_GT(rows.total(), none.total());
  EXPECT_EQ(all.bus_bytes, 0);
  EXPECT_EQ(rows.bus_bytes, 12 * kRatings);
  EXPECT_EQ(none.bus_bytes, 12 * kRatings + 5 * (kUsers + kItems) * (24 * 4 + 32));
  const DeviceMemory device{"a card", none.total(), none.total()};
  EXPECT_NE(describe(none, device).find("ratings and rows stream, "), std::string::npos) << describe(none, device);
  EXPECT_NE(describe(all, device).find("; all stays; an epoch would"), std::string::npos) << describe(all, device);
}

struct RingEpochs {
  std::vector<float> weights;
  double loss = 0, valid_loss = 0;
  Position bytes = 0;  // copied from and to the device, by steps
};

Model model_of_ring(const TrainConfig& config) {
  Model model = make_model(0, 0, config.rank, false);
  model.n_users = kUsers, model.n_items = kItems;
  return model;
}
BlockGrid grid_of_ring(ThreadPool& pool, const TrainingProblem& problem) {
  return make_grid(pool, RatingsInMemory(problem.ratings.view()), kUsers, kItems, problem.config, {});
}

/// Where that many rows of a ring stay, and not one more.
Position room_for(const TrainingProblem& problem, Position rows) {
  ThreadPool pool(2);
  const TrainingSize size = size_of(model_of_ring(problem.config), grid_of_ring(pool, problem), kStagedRatings);
  Position too_little = 0, enough = Position{1} << 32;
  while (enough - too_little > 1) {
    const Position middle = (too_little + enough) / 2;
    (holds_rows(size, problem.config, rows, middle) ? enough : too_little) = middle;
  }
  return enough;
}

/// The first epochs of a ring of one rank.
RingEpochs ring_epochs(const TrainingProblem& problem) {
  const TrainConfig& config = problem.config;
  ThreadPool pool(2);
  BlockGrid grid = grid_of_ring(pool, problem);
  Model model = model_of_ring(config);
  grid.start_epoch(1);
  RingTables tables(model, grid, config, Cuda::padded_rank(config.rank), grid.stratum(0)[0].item_range);
  const Ratings held_out = valid_ratings();
  const Ratings valid = grid.arranged(pool, RatingsInMemory(held_out.view()));
  RingEpochs epochs;
  {
    Cuda kernels(Order::repeatable);
    RingSgd<Cuda> method(kernels, tables, model, grid, valid.view(), config);
    const auto copied = [] {
#if defined(WF_INTERPRETER)
      check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // deferred streams copy when somebody waits
      return static_cast<Position>(simt::stats().bytes_copied);
#else
      return Position{0};
#endif
    };
    for (const int epoch : {1, 2}) {
      const Position before = copied();
      epochs.loss = method.run_epoch(epoch, config.lr, [](Position) {}).loss;
      epochs.bytes += copied() - before;
      epochs.valid_loss += method.errors(score_options(model, config.loss)).loss;
    }
  }
  tables.to_model(model);
  epochs.weights = weights(model);
  return epochs;
}

TEST(Streaming, RowsOfARankStayWhereThereIsRoom) {
  no_limit();
  for (const Optimizer optimizer : {Optimizer::row_adagrad, Optimizer::sgd}) {
    TrainingProblem problem = problem_of(Storage::fp32, optimizer);
    problem.config.biases = false;
    const RingEpochs all_stay = ring_epochs(problem);
    problem.config.device_memory = room_for(problem, kUsers);
    const RingEpochs users_stay = ring_epochs(problem);
    problem.config.device_memory = 1;
    const RingEpochs all_visit = ring_epochs(problem);
    for (const RingEpochs* other : {&users_stay, &all_visit}) {
      EXPECT_EQ(other->weights, all_stay.weights);
      EXPECT_EQ(other->loss, all_stay.loss);
      EXPECT_EQ(other->valid_loss, all_stay.valid_loss);
    }
#if defined(WF_INTERPRETER)
    const Position users = kUsers * (24 * 4 + 32), items = kItems * (24 * 4 + 32);
    const Position visits = problem.config.grid + (optimizer == Optimizer::row_adagrad ? 1 : 0);
    EXPECT_EQ(all_visit.bytes - users_stay.bytes, 2 * (2 * visits - 1) * users) << "they went home once an epoch";
    EXPECT_EQ(users_stay.bytes - all_stay.bytes, 2 * (2 * visits - 1) * items) << "so did these";
#endif
  }
}

/// A rank's users begin anywhere in the table.
TEST(Streaming, HeldRowsAreUnderTheirOwnNumbers) {
  constexpr int kRank = 8, kPitch = kRank + kRecord;
  HostBuffer<float> users(20 * kPitch), items(4 * kPitch, 1.0F);
  for (Position n = 0; n < users.size(); ++n) users[n] = static_cast<float>(n % 1000);
  const HostBuffer<float> before = users.clone();
  const auto rows = [](HostBuffer<float>& table, Position count) {
    return Rows<float, Host>{table.data() + kRecord, count, kRank, kPitch};
  };
  Cuda kernels(Order::repeatable);
  RowVisits<Cuda> visits(kernels, {rows(users, 20), rows(items, 4), true, 0, Storage::fp32});
  visits.hold_users({5, 17});
  visits.visit({7, 9}, {0, 4}, [&](const SgdTables<Device>& here) {
    for (const RowId row : {5, 7, 16}) {
      std::vector<float> found(kRank);
      kernels.fetch(Span<const float, Device>{here.user.row(row), kRank}, Span<float, Host>{found.data(), kRank});
      EXPECT_TRUE(std::equal(found.begin(), found.end(), users.data() + row * kPitch + kRecord)) << row;
    }
    const HostBuffer<RowId> changed(1, 16);
    kernels.renormalise_rows(here.user, kernels.borrow(changed.span()).span(), {.max_norm = 1, .norm_type = 2});
  });
  kernels.wait_rows();
  EXPECT_TRUE(std::equal(users.begin(), users.end(), before.begin())) << "held rows are home when they are sent there";
  visits.send_held_home();
  for (Position n = 0; n < users.size(); ++n) {
    const bool is_factor_of_16 = n / kPitch == 16 && n % kPitch >= kRecord;
    EXPECT_EQ(users[n] != before[n], is_factor_of_16) << n;
  }
}

/// Ranges of items come one by one, and are let go.
TEST(Streaming, RangesOfItemsAreHeldUntilTheyAreLetGo) {
  constexpr int kRank = 8, kPitch = kRank + kRecord;
  HostBuffer<float> users(kPitch, 1.0F), items(9 * kPitch);
  for (Position n = 0; n < items.size(); ++n) items[n] = static_cast<float>(n + 1);
  const HostBuffer<float> before = items.clone();
  const auto rows = [](HostBuffer<float>& table, Position count) {
    return Rows<float, Host>{table.data() + kRecord, count, kRank, kPitch};
  };
  Cuda kernels(Order::repeatable);
  RowVisits<Cuda> visits(kernels, {rows(users, 1), rows(items, 9), true, 0, Storage::fp32});
  const RowRange low{0, 4}, empty{4, 4}, high{4, 9};
  for (const RowRange& range : {low, empty, high}) visits.hold_items(range);
  const HostBuffer<RowId> shrunk(1, 5);
  visits.visit({0, 1}, high, [&](const SgdTables<Device>& here) {
    kernels.renormalise_rows(here.item, kernels.borrow(shrunk.span()).span(), {.max_norm = 1, .norm_type = 2});
  });
  kernels.wait_rows();
  EXPECT_TRUE(std::equal(items.begin(), items.end(), before.begin())) << "what is held does not go home by itself";
  visits.send_home(high);
  for (Position n = 0; n < items.size(); ++n) {
    EXPECT_EQ(items[n] != before[n], n / kPitch == 5 && n % kPitch >= kRecord) << n;
  }
  visits.let_items_go(high);
  items[0] = -1;
  visits.send_held_home();
  EXPECT_EQ(items[0], before[0]) << "the other range is held still";
  items[8 * kPitch] = 7;
  const SgdTables<Device> here = visits.bring({0, 1}, high);
  std::vector<float> record(kRecord);
  kernels.fetch(Span<const float, Device>{record_of(here.item.row(8)), kRecord},
                Span<float, Host>{record.data(), kRecord});
  EXPECT_EQ(record[0], 7) << "one that was let go visits";
}

/// Blocks that are copied from where they lie, without a stop in a chunk.
TEST(Streaming, LargeBlocksComeFromPinnedMemory) {
  TrainingProblem problem = problem_of(Storage::fp32);
  problem.ratings = random_ratings(80'000, kUsers, kItems, 23);
  problem.config.grid = 1;
  problem.config.rank = 4;
  problem.config.epochs = 1;
  const auto engine = engine_named("cuda").engine;
  problem.config.device_memory = budget_for(*engine, problem, Residency::nothing);
  ASSERT_GE(size_of_run(problem).largest_block, 1 << 16);
  const Outcome parts = run_on(*engine, problem);
  problem.config.device_memory = 0;
  const Outcome whole = run_on(*engine_named("cuda").engine, problem);
  EXPECT_NEAR(parts.epochs[0].train_rmse, whole.epochs[0].train_rmse, 1e-3);
}

/// Ranks that are padded: a plan counts what is there.
TEST(Streaming, OddRanksFitTheirPlan) {
  for (const int rank : {1, 10, 17}) {
    TrainingProblem problem = problem_of(Storage::fp32);
    problem.config.rank = rank;
    problem.config.epochs = 1;
    for (const Residency residency : {Residency::everything, Residency::rows, Residency::nothing}) {
      const auto engine = engine_named("cuda").engine;
      problem.config.device_memory = budget_for(*engine, problem, residency);
      limit_device(problem.config.device_memory);
      EXPECT_NO_THROW(run_on(*engine, problem)) << rank;
    }
  }
}

/// Ratings in a file: blocks are read, then staged.
TEST(Streaming, RatingsOfAFileGiveTheSameBits) {
  TrainingProblem problem = problem_of(Storage::fp32);
  const auto engine = engine_named("cuda_repeatable").engine;
  ThreadPool pool(2);
  const auto trained_from = [&](const RatingRoom& room) {
    BlockGrid grid = make_grid(pool, RatingsInMemory(problem.ratings.view()), kUsers, kItems, problem.config,
                               engine->grid_wish(), room);
    EXPECT_EQ(grid.in_memory(), room.folder.empty());
    Model model = start_of(problem);
    engine->train_by_block(model, grid, {}, problem.config, {});
    return weights(model);
  };
  const std::vector<float> whole = trained_from({});
  const RatingRoom file{.memory = 120'000, .folder = testing::TempDir()};
  EXPECT_EQ(trained_from(file), whole);
  problem.config.device_memory = budget_for(*engine, problem, Residency::nothing);
  EXPECT_EQ(trained_from(file), whole);
}

/// Rows far behind the first: their offsets in floats need more than 32 bits. No memory lies in between: the table's
/// address is that of a row 0 that is not there.
TEST(Streaming, RowsBehindTwoToThe31stFloatAreFound) {
  constexpr int kRank = 120;
  constexpr RowId kFar = 20'000'000;  // times 128 floats: 2.56e9
  for (const Order order : {Order::repeatable, Order::racing}) {
    for (const SgdPlan plan : {SgdPlan::chunks, SgdPlan::tiles}) {
      Cuda kernels(order, plan);
      const auto table_after = [&](RowId first) {
        HostBuffer<float> users(40 * (kRecord + kRank)), items(30 * (kRecord + kRank));
        Ratings ratings = random_ratings(40, 40, 30, 8);
        for (Position n = 0; n < 40; ++n) {  // no two share a row: nothing is lost
          ratings.user[n] = first + static_cast<RowId>(n);
          ratings.item[n] = first + static_cast<RowId>(n % 30);
        }
        for (HostBuffer<float>* table : {&users, &items}) {
          for (Position v = 0; v < table->size(); ++v) (*table)[v] = 0.01F * static_cast<float>(v % 89);
        }
        const Rows<float, Host> user_rows{users.data() + kRecord - Position{first} * (kRecord + kRank), first + 40,
                                          kRank, kRecord + kRank};
        const Rows<float, Host> item_rows{items.data() + kRecord - Position{first} * (kRecord + kRank), first + 30,
                                          kRank, kRecord + kRank};
        const RowRange user_range{first, first + 40}, item_range{first, first + 30};
        const SgdTables<Device> tables{kernels.bring_rows(RowSide::user, user_range, user_rows),
                                       kernels.bring_rows(RowSide::item, item_range, item_rows), true, 3};
        const Block block{0, 30, 0, 0, user_range, item_range};
        kernels.sgd_update(tables, kernels.stage(std::as_const(ratings).view()), {&block, 1},
                           {.lr = 0.01F, .lambda_user = 0.1F, .ratings = 30}, {});
        kernels.return_rows(RowSide::user, user_range, user_rows);
        kernels.return_rows(RowSide::item, item_range, item_rows);
        kernels.wait_rows();
        std::vector<float> all(users.begin(), users.end());
        all.insert(all.end(), items.begin(), items.end());
        return all;
      };
      EXPECT_EQ(table_after(kFar), table_after(0));
    }
  }
}

}  // namespace
}  // namespace wf::test
