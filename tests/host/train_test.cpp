// The training loop and both ways of stepping, on both engines.
#include "host/api/engines.hpp"
#include "host/base/error.hpp"
#include "host/train/early_stopping.hpp"
#include "host/train/grid_rows.hpp"
#include "host/train/learning_rate.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::HasSubstr;

constexpr RowId kTrainUsers = 60;
constexpr RowId kTrainItems = 40;

/// Ratings with structure: 3 + a planted factor between -1 and 1; one random pair in `stride`.
Ratings planted_ratings(Position stride, Position offset = 0) {
  Ratings ratings;
  for (RowId u = 0; u < kTrainUsers; ++u) {
    for (RowId i = 0; i < kTrainItems; ++i) {
      const auto pair = static_cast<std::uint64_t>(u * kTrainItems + i);
      if (random_bits(77, Purpose::synthetic, pair).word[0] % static_cast<std::uint64_t>(stride) !=
          static_cast<std::uint64_t>(offset)) {
        continue;
      }
      ratings.push_back(u, i, 3 + std::sin(static_cast<float>(u)) * std::cos(static_cast<float>(3 * i)));
    }
  }
  return ratings;
}

TrainConfig small_config() {
  TrainConfig config;
  config.rank = 4;
  config.epochs = 30;
  config.lr = 0.05;
  config.lambda_user = config.lambda_item = 0.01;
  config.lambda_bias = 0.5;
  config.patience = 1000;
  return config;
}

Model small_model(const TrainConfig& config) {
  Model model = make_model(kTrainUsers, kTrainItems, config.rank, config.biases);
  initialise(model, config.init, config.seed, -1, -1);
  model.global_mean = 3;
  model.rating_mean = 3;
  return model;
}

struct Trained {
  Model model;
  TrainResult result;
};

Trained train(const std::string& engine, const TrainConfig& config, const TrainCallbacks& callbacks = {},
              int threads = 0, const Ratings& valid = planted_ratings(3, 1)) {
  Trained trained{small_model(config), {}};
  trained.result =
      make_engine(engine, threads).engine->train(trained.model, planted_ratings(3), valid.view(), config, callbacks);
  return trained;
}

std::vector<float> values_of(const Model& model) {
  std::vector<float> all;
  for (const auto* buffer :
       {&model.tables.user_factors, &model.tables.item_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    all.insert(all.end(), buffer->begin(), buffer->end());
  }
  return all;
}

class BothEngines : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Train, BothEngines, testing::Values("reference", "cpu"),
                         [](const auto& test) { return test.param; });

TEST_P(BothEngines, PerRatingSgdFindsPlantedStructure) {
  const Trained trained = train(GetParam(), small_config());
  ASSERT_EQ(trained.result.epochs.size(), 30U);
  EXPECT_LT(trained.result.epochs.back().train_rmse, 0.3 * trained.result.epochs.front().train_rmse);
  EXPECT_LT(trained.result.epochs.back().valid_rmse.value(), 0.2);  // the structure's own deviation is 0.5
}

/// The tables and metrics of a grid of 6 in memory of `room` bytes, beyond which ratings are in a file.
Trained train_in(Position room, const std::string& engine, int threads) {
  TrainConfig config = small_config();
  config.epochs = 4;
  config.grid = 6;
  config.threads = threads;
  Trained trained{small_model(config), {}};
  const auto made = make_engine(engine, threads);
  const Ratings ratings = planted_ratings(3), valid = planted_ratings(3, 1);
  ThreadPool pool(threads);
  BlockGrid grid = make_grid(pool, RatingsInMemory(ratings.view()), kTrainUsers, kTrainItems, config,
                             made.engine->grid_wish(), {room, testing::TempDir()});
  EXPECT_EQ(grid.in_memory(), room > kRatingBytes * ratings.size());
  const Ratings arranged = grid.arranged(pool, RatingsInMemory(valid.view()));
  trained.result = made.engine->train_by_block(trained.model, grid, arranged.view(), config, {});
  return trained;
}

TEST_P(BothEngines, RatingsInAFileGiveTheBitsOfRatingsInMemory) {
  const Trained expected = train_in(Position{1} << 30, GetParam(), 1);
  for (const Position room : {2'500, 6'000}) {  // for a few blocks at a time; all ratings take 9,600 bytes
    for (const int threads : {1, 2, 3, 8}) {
      const Trained trained = train_in(room, GetParam(), threads);
      EXPECT_EQ(values_of(trained.model), values_of(expected.model)) << room << ", " << threads;
      ASSERT_EQ(trained.result.epochs.size(), expected.result.epochs.size());
      for (std::size_t n = 0; n < expected.result.epochs.size(); ++n) {
        EXPECT_EQ(trained.result.epochs[n].train_loss, expected.result.epochs[n].train_loss);
        EXPECT_EQ(trained.result.epochs[n].valid_rmse, expected.result.epochs[n].valid_rmse);
      }
    }
  }
}

TEST_P(BothEngines, TrainsWithoutBiases) {
  for (const Position batch_size : {Position{0}, Position{32}}) {
    TrainConfig config = small_config();
    config.biases = false;
    config.batch_size = batch_size;
    config.lr = batch_size == 0 ? 0.02 : 0.5;
    const auto epochs = train(GetParam(), config).result.epochs;
    EXPECT_LT(epochs.back().train_loss, epochs.front().train_loss);
  }
}

TEST_P(BothEngines, MiniBatchesFindItToo) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::adagrad, Optimizer::sparse_adam}) {
    TrainConfig config = small_config();
    config.batch_size = 64;
    config.optimizer = optimizer;
    config.lr = optimizer == Optimizer::sgd ? 1.0 : 0.05;
    config.lambda_user = config.lambda_item = config.lambda_bias = 0;
    const Trained trained = train(GetParam(), config);
    EXPECT_LT(trained.result.epochs.back().train_rmse, 0.5 * trained.result.epochs.front().train_rmse)
        << static_cast<int>(optimizer);
  }
}

TEST_P(BothEngines, EveryLossFallsPerRatingAndPerBatch) {
  for (const Loss loss : {Loss::mse, Loss::l1, Loss::huber, Loss::bce_with_logits}) {
    for (const Position batch_size : {Position{0}, Position{32}}) {
      TrainConfig config = small_config();
      config.loss = loss;
      config.batch_size = batch_size;
      config.lr = batch_size == 0 ? 0.02 : 0.5;
      config.epochs = 15;
      Ratings ratings = planted_ratings(3);
      if (loss == Loss::bce_with_logits) {
        for (float& value : ratings.value) value = (value - 2) / 2;  // into [0, 1]
      }
      Model model = small_model(config);
      model.global_mean = 0;
      const auto epochs = make_engine(GetParam(), 0).engine->train(model, std::move(ratings), {}, config, {}).epochs;
      EXPECT_LT(epochs.back().train_loss, epochs.front().train_loss) << static_cast<int>(loss) << ", " << batch_size;
    }
  }
}

TEST_P(BothEngines, KeepsTheBestEpochAndStopsEarly) {
  TrainConfig config = small_config();
  config.lambda_user = config.lambda_item = 0;
  config.rank = 16;
  config.init.scale = 1;
  config.epochs = 400;
  config.patience = 5;
  Ratings noise;  // validation that training cannot help: its loss rises as soon as factors leave their start
  for (RowId u = 0; u < kTrainUsers; ++u) noise.push_back(u, u % kTrainItems, u % 2 == 0 ? 1.0F : 5.0F);
  const Trained trained = train(GetParam(), config, {}, 0, noise);
  const TrainResult& result = trained.result;
  EXPECT_EQ(result.reason, StopReason::early);
  EXPECT_EQ(static_cast<int>(result.epochs.size()), result.best_epoch + config.patience);
  double best = INFINITY;
  for (const EpochReport& report : result.epochs) best = std::min(best, report.valid_rmse.value());
  const auto engine = make_engine(GetParam(), 0).engine;
  EXPECT_DOUBLE_EQ(engine->open(trained.model)->errors(noise.view(), Loss::mse).rmse(), best);
}

TEST_P(BothEngines, WithoutValidationTheLastEpochIsTheModel) {
  const Trained trained = train(GetParam(), small_config(), {}, 0, Ratings{});
  EXPECT_EQ(trained.result.best_epoch, 30);
  EXPECT_EQ(trained.result.reason, StopReason::all_epochs);
  EXPECT_FALSE(trained.result.epochs.back().valid_rmse.has_value());
}

TEST_P(BothEngines, DivergenceNamesTheEpochAndTheCure) {
  TrainConfig config = small_config();
  for (const Position batch_size : {Position{0}, Position{16}}) {
    config.batch_size = batch_size;
    config.lr = 1e6;
    try {
      train(GetParam(), config);
      FAIL() << "no error";
    } catch (const FailedError& error) {
      EXPECT_THAT(error.what(), HasSubstr("diverged in epoch 1"));
      EXPECT_THAT(error.cure(), HasSubstr("--lr"));
    }
  }
}

TEST_P(BothEngines, StopsWhenAsked) {
  for (const Position batch_size : {Position{0}, Position{16}}) {
    TrainConfig config = small_config();
    config.batch_size = batch_size;
    int epochs = 0;
    TrainCallbacks callbacks;
    callbacks.epoch = [&](const EpochReport&) { ++epochs; };
    callbacks.stop_requested = [&] { return epochs == 3; };
    const Trained trained = train(GetParam(), config, callbacks);
    EXPECT_EQ(trained.result.reason, StopReason::interrupted);
    EXPECT_EQ(trained.result.epochs.size(), 3U);
    for (const float value : values_of(trained.model)) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST_P(BothEngines, SparseAndDenseMomentumAgree) {  // PyTorch's buffer goes on moving rows that a batch does not touch
  TrainConfig config = small_config();
  config.batch_size = 8;
  config.momentum = 0.9;
  config.epochs = 2;
  config.lr = 0.05;
  config.shuffle = Shuffle::none;
  const std::vector<float> sparse = values_of(train(GetParam(), config).model);
  config.gradients = Gradients::dense;
  const std::vector<float> dense = values_of(train(GetParam(), config).model);
  EXPECT_EQ(largest_difference(sparse, dense), 0);
}

TEST_P(BothEngines, WithoutEpsNothingButWeightsIsDivided) {  // a zero that an engine added to a row would be 0 / 0
  for (const Optimizer optimizer : {Optimizer::adagrad, Optimizer::sparse_adam}) {
    TrainConfig config = small_config();
    config.batch_size = 64;
    config.optimizer = optimizer;
    config.eps = 0;
    config.epochs = 3;
    const auto epochs = train(GetParam(), config).result.epochs;
    EXPECT_LT(epochs.back().train_loss, epochs.front().train_loss);
  }
}

TEST(Train, EnginesAgreeEpochByEpoch) {
  for (const Position batch_size : {Position{0}, Position{64}}) {
    TrainConfig config = small_config();
    config.batch_size = batch_size;
    config.epochs = 5;
    const Trained reference = train("reference", config);
    const Trained cpu = train("cpu", config);
    for (std::size_t e = 0; e < 5; ++e) {
      EXPECT_NEAR(cpu.result.epochs[e].train_rmse, reference.result.epochs[e].train_rmse, 1e-5);
    }
    EXPECT_LE(largest_difference(values_of(cpu.model), values_of(reference.model)), 1e-4);
  }
}

TEST(Train, GivesTheSameBitsForAnyNumberOfThreads) {
  struct Case {
    Position batch_size;
    Optimizer optimizer;
  };
  for (const Case& c : {Case{0, Optimizer::sgd}, Case{0, Optimizer::row_adagrad}, Case{100, Optimizer::sgd}}) {
    TrainConfig config = small_config();
    config.batch_size = c.batch_size;
    config.optimizer = c.optimizer;
    config.grid = 5;
    config.epochs = 3;
    const std::vector<float> one = values_of(train("cpu", config, {}, 1).model);
    for (const int threads : {2, 3, 8}) EXPECT_EQ(values_of(train("cpu", config, {}, threads).model), one) << threads;
  }
}

TEST(Train, SeedsMatter) {
  TrainConfig config = small_config();
  config.epochs = 2;
  const std::vector<float> first = values_of(train("cpu", config).model);
  EXPECT_EQ(values_of(train("cpu", config).model), first);
  config.seed = 43;
  EXPECT_NE(values_of(train("cpu", config).model), first);
}

TEST(Train, PenaltyByCountAndWithoutDifferAsDefined) {
  // every user has the same number of ratings here, so lambda * count without scaling is lambda by count
  TrainConfig config = small_config();
  config.epochs = 2;
  config.lambda_item = 0;
  const Ratings ratings = planted_ratings(1);
  config.lambda_user = 0.05;
  config.reg_scaling = RegScaling::count;
  Model by_count = small_model(config);
  make_engine("cpu", 1).engine->train(by_count, planted_ratings(1), {}, config, {});
  config.lambda_user = 0.05 * kTrainItems;
  config.reg_scaling = RegScaling::none;
  Model plain = small_model(config);
  make_engine("cpu", 1).engine->train(plain, planted_ratings(1), {}, config, {});
  EXPECT_LE(largest_difference(values_of(by_count), values_of(plain)), 1e-5);
}

TEST(LearningRate, SchedulesAsDefined) {
  LearningRate constant(LrSchedule::constant, 0.1, 9);
  EXPECT_EQ(constant.of_epoch(7), 0.1);
  LearningRate inverse(LrSchedule::inverse, 0.1, 0.5);
  EXPECT_DOUBLE_EQ(inverse.of_epoch(1), 0.1);
  EXPECT_DOUBLE_EQ(inverse.of_epoch(5), 0.1 / (1 + 0.5 * 8));
  LearningRate bold(LrSchedule::bold_driver, 0.1, 0);
  bold.observe(10);
  EXPECT_DOUBLE_EQ(bold.of_epoch(2), 0.1);
  bold.observe(9);
  EXPECT_DOUBLE_EQ(bold.of_epoch(3), 0.105);
  bold.observe(9.5);
  EXPECT_DOUBLE_EQ(bold.of_epoch(4), 0.0525);
}

TEST(EarlyStopping, CountsEpochsWithoutABetterOne) {
  EarlyStopping stopping(2, 0.1);
  EXPECT_TRUE(stopping.observe(1, 5));
  EXPECT_FALSE(stopping.observe(2, 4.95));  // better, but by less than min_delta
  EXPECT_FALSE(stopping.exhausted());
  EXPECT_TRUE(stopping.observe(3, 4.5));
  EXPECT_FALSE(stopping.observe(4, NAN));
  EXPECT_FALSE(stopping.observe(5, 4.6));
  EXPECT_TRUE(stopping.exhausted());
  EXPECT_EQ(stopping.best_epoch(), 3);
}

TEST(Engines, AreListedWithReasons) {
  const auto engines = list_engines();
  ASSERT_EQ(engines.size(), 3U);
  EXPECT_TRUE(engines[0].available && engines[1].available);
  EXPECT_EQ(engines[2].name, "cuda");
  EXPECT_NE(engines[2].detail, "");
  EXPECT_THROW(make_engine("gpu", 0), UsageError);
  if (engines[2].available) GTEST_SKIP() << "this machine has a CUDA device: what its absence does cannot be seen";
  EXPECT_THROW(make_engine("cuda", 0), DeviceError);
  EXPECT_EQ(make_engine("auto", 2).engine->name(), "cpu");
}

}  // namespace
}  // namespace wf::test
