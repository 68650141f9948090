// DSGD by several ranks, on threads: the model of one process, bit for bit.
#include "host/api/train.hpp"
#include "host/base/philox.hpp"
#include "host/cpu/cpu.hpp"
#include "host/train/ring_sgd.hpp"
#include "tests/host/model_support.hpp"
#include "tests/support/same_training.hpp"
#include "tests/support/thread_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace wf {
namespace {

using test::expect_same_model;
using test::expect_same_reports;
using test::on_ranks;
using test::train_between;
using testing_support::FreshFolder;

constexpr RowId kRingUsers = 90, kRingItems = 70;

Ratings ring_ratings(Position n, RowId n_users = kRingUsers, RowId n_items = kRingItems) {
  Ratings ratings;
  for (Position i = 0; i < n; ++i) {
    const RandomBits bits = random_bits(11, Purpose::synthetic, static_cast<std::uint64_t>(i));
    const auto user = static_cast<RowId>(bits.word[0] % static_cast<std::uint32_t>(n_users));
    const auto item = static_cast<RowId>(bits.word[1] % static_cast<std::uint32_t>(n_items));
    ratings.push_back(user, item, static_cast<float>((user * 3 + item * 5) % 9) / 2 + 0.5F);
  }
  return ratings;
}

struct RingCase {
  std::string name;
  Optimizer optimizer = Optimizer::row_adagrad;
  bool biases = true;
  bool nonnegative = false;
  int rank = 12;
  double valid_frac = 0.2;
  LrSchedule schedule = LrSchedule::constant;
  int epochs = 6;
};

TrainSettings settings_of(const RingCase& of, int grid, int threads) {
  TrainSettings settings;
  TrainConfig& config = settings.config;
  config.engine = "cpu";
  config.rank = of.rank;
  config.epochs = of.epochs;
  config.patience = 5;
  config.optimizer = of.optimizer;
  config.biases = of.biases;
  config.nonnegative = of.nonnegative;
  config.valid_frac = of.valid_frac;
  config.lr_schedule = of.schedule;
  config.grid = grid;
  config.threads = threads;
  settings.deterministic = true;
  return settings;
}

TrainingSource source_of(const Ratings& all, Position begin, Position count, Ranks& ranks, RowId n_users = kRingUsers,
                         RowId n_items = kRingItems) {
  TrainingSource source;
  source.data.users = IdMap::rows(n_users);
  source.data.items = IdMap::rows(n_items);
  const RatingsView<Host> part = all.view().part(begin, count);
  for (Position n = 0; n < count; ++n) source.data.ratings.push_back(part.user[n], part.item[n], part.value[n]);
  source.ratings = std::make_unique<RatingsInMemory>(source.data.ratings.view(), ranks);
  return source;
}

class Ring : public testing::TestWithParam<RingCase> {};

TEST_P(Ring, HasTheBitsOfOneProcess) {
  const Ratings all = ring_ratings(3000);
  for (const int grid : {7, 16}) {
    const Training expected = train(settings_of(GetParam(), grid, 1), source_of(all, 0, all.size(), Ranks::alone()));
    if (GetParam().name == "BestIsNotTheLast") {
      EXPECT_EQ(expected.result.reason, StopReason::early);
      EXPECT_LT(expected.result.best_epoch, static_cast<int>(expected.result.epochs.size()));
    }
    expect_same_model(expected, train(settings_of(GetParam(), grid, 3), source_of(all, 0, all.size(), Ranks::alone())));
    for (const int size : {2, 3, 7}) {
      SCOPED_TRACE(std::to_string(size) + " ranks, grid " + std::to_string(grid));
      on_ranks(size, [&](Ranks& ranks) {
        const Position begin = all.size() * ranks.rank() / size, end = all.size() * (ranks.rank() + 1) / size;
        const Training found =
            train(settings_of(GetParam(), grid, 1 + ranks.rank() % 2), source_of(all, begin, end - begin, ranks));
        expect_same_reports(expected, found);
        if (ranks.rank() == 0) {
          expect_same_model(expected, found);
        } else {
          EXPECT_TRUE(found.model.tables.user_factors.empty());
        }
      });
    }
  }
}

TEST_P(Ring, GoesOnWithAnotherNumberOfRanks) {
  const Ratings all = ring_ratings(3000);
  const int epochs = GetParam().epochs;
  const TrainSettings settings = settings_of(GetParam(), 7, 1);
  const Training expected = train(settings, source_of(all, 0, all.size(), Ranks::alone()));
  if (expected.result.reason == StopReason::early) GTEST_SKIP() << "another case ends with patience";
  for (const std::vector<int>& sizes : std::vector<std::vector<int>>{{3, 2, 1}, {1, 7, 2}, {2, 1, 4}}) {
    SCOPED_TRACE(testing::PrintToString(sizes));
    const FreshFolder folder;
    for (int n = 0; n < 3; ++n) {
      const int size = sizes[static_cast<std::size_t>(n)];
      on_ranks(size, [&](Ranks& ranks) {
        const Position begin = all.size() * ranks.rank() / size, end = all.size() * (ranks.rank() + 1) / size;
        const Training found =
            train_between(settings, epochs * n / 3, epochs * (n + 1) / 3, source_of(all, begin, end - begin, ranks),
                          size == 1 ? Ranks::alone() : ranks, folder.file("c"));
        if (n < 2) return;
        expect_same_reports(expected, found);
        if (ranks.rank() == 0) expect_same_model(expected, found);
      });
    }
  }
}

/// By the training loss, as nothing validates. The rate is the first one that bears an epoch and then no more.
TEST(RingOfFew, GoesBackTogetherWhenItDiverges) {
  const Ratings all = ring_ratings(3000);
  TrainSettings settings = settings_of({}, 7, 1);
  settings.config.optimizer = Optimizer::sgd;
  settings.config.valid_frac = 0;
  settings.config.lambda_user = settings.config.lambda_item = settings.config.lambda_bias = 0;
  settings.config.epochs = 40;
  settings.given.insert({"optimizer", "valid-frac", "lambda-user", "lambda-item", "lambda-bias", "epochs", "lr"});
  std::optional<Training> expected;
  for (double rate = 0.25; !expected && rate < 0.5; rate += 0.002) {
    settings.config.lr = rate;
    try {
      Training found = train(settings, source_of(all, 0, all.size(), Ranks::alone()));
      if (found.result.reason == StopReason::diverged) expected = std::move(found);
    } catch (const FailedError&) {  // in epoch 1
    }
  }
  ASSERT_TRUE(expected);
  for (const int size : {2, 3, 7}) {
    on_ranks(size, [&](Ranks& ranks) {
      const Position begin = all.size() * ranks.rank() / size, end = all.size() * (ranks.rank() + 1) / size;
      const Training found = train(settings, source_of(all, begin, end - begin, ranks));
      expect_same_reports(*expected, found);
      if (ranks.rank() == 0) expect_same_model(*expected, found);
    });
  }
}

/// Ranks without users, without ratings to bring, and a block for nobody.
TEST(RingOfFew, OneUserAndFewerUsersThanRanks) {
  for (const RowId n_users : {1, 3}) {
    const Ratings all = ring_ratings(60, n_users);
    const TrainSettings settings = settings_of({}, 8, 1);
    const Training expected = train(settings, source_of(all, 0, all.size(), Ranks::alone(), n_users));
    for (const int size : {2, 5, 8}) {
      on_ranks(size, [&](Ranks& ranks) {
        const bool brings = ranks.rank() == size - 1;  // all there is
        const Training found = train(settings, source_of(all, 0, brings ? all.size() : 0, ranks, n_users));
        expect_same_reports(expected, found);
        if (ranks.rank() == 0) expect_same_model(expected, found);
      });
    }
  }
}

TEST(RingOfFew, MoreRanksThanRangesIsAnError) {
  const Ratings all = ring_ratings(100);
  const auto f = [&](Ranks& ranks) { train(settings_of({}, 2, 1), source_of(all, 0, 50, ranks)); };
  EXPECT_THROW(on_ranks(3, f), UsageError);
}

/// 4 n (k' + 8) bytes an epoch, but for one of G ranges where the epoch begins as the one before has ended
/// (docs/scaling.md).
TEST(RingOfFew, WhatARankSendsIsTheItemsOnceAnEpoch) {
  constexpr RowId kItems = 4000;
  constexpr int kGrid = 16, kEpochs = 8, kPadded = 16;  // of 12
  const Ratings all = ring_ratings(40000, kRingUsers, kItems);
  for (const int size : {2, 4}) {
    on_ranks(size, [&](Ranks& ranks) {
      TrainSettings settings = settings_of({}, kGrid, 1);
      settings.config.lr = 0.05;
      const Position begin = all.size() * ranks.rank() / size, end = all.size() * (ranks.rank() + 1) / size;
      TrainingSource source = source_of(all, begin, end - begin, ranks, kRingUsers, kItems);
      const ChosenEngine chosen = make_engine("cpu", 1, true, settings.config.device_plan);
      TrainingData data = prepare(settings.config, *chosen.engine, source);
      Model model = new_model(settings, settings.config, std::move(source.data), data);
      BlockGrid& grid = *data.grid;
      grid.start_epoch(1);
      RingTables tables(model, grid, settings.config, kPadded, grid.stratum(0)[0].item_range);
      Cpu cpu(1);
      RingSgd<Cpu> method(cpu, tables, model, grid, data.valid.view(), settings.config);
      int moves = 0;
      for (int epoch = 1; epoch <= kEpochs; ++epoch) {
        const int before = tables.offset();
        grid.start_epoch(epoch);
        moves += kGrid - 1 + (grid.stratum(0)[0].item_range == before ? 0 : 1);
        method.run_epoch(epoch, 0.05, [](Position) {});
      }
      const double expected = 4.0 * kItems * (kPadded + kRecord) * moves / kGrid;
      EXPECT_NEAR(static_cast<double>(method.bytes_sent()) / expected, 1, 0.02) << size << " ranks";
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Ring,
    testing::Values(RingCase{"RowAdagrad"}, RingCase{.name = "Sgd", .optimizer = Optimizer::sgd, .biases = false},
                    RingCase{.name = "Nonnegative", .nonnegative = true, .rank = 5},
                    RingCase{.name = "PagesOfRows", .rank = 500, .epochs = 3},  // which are let go as they leave
                    RingCase{.name = "BestIsNotTheLast", .rank = 60, .epochs = 80},
                    RingCase{.name = "BoldDriver",
                             .optimizer = Optimizer::sgd,
                             .valid_frac = 0,
                             .schedule = LrSchedule::bold_driver}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace wf
