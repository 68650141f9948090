// What a training asks of its state, and when it leaves one.
#include "host/api/checkpoint_file.hpp"
#include "host/api/engines.hpp"
#include "host/api/training_identity.hpp"
#include "host/base/philox.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::FreshFolder;

constexpr RowId kUsers = 30, kItems = 20;

Ratings some_ratings() {
  Ratings ratings;
  for (RowId u = 0; u < kUsers; ++u) {
    for (RowId i = 0; i < kItems; ++i) {
      const auto bits = random_bits(5, Purpose::synthetic, static_cast<std::uint64_t>(u * kItems + i));
      if (bits.word[0] % 3 == 0) ratings.push_back(u, i, static_cast<float>(1 + bits.word[1] % 5));
    }
  }
  return ratings;
}

TrainConfig some_config() {
  TrainConfig config;
  config.rank = 4;
  config.epochs = 6;
  config.valid_frac = 0;
  config.grid = 4;
  config.optimizer = Optimizer::row_adagrad;
  return config;
}

TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks) {
  Model model = make_model(kUsers, kItems, config.rank, config.biases);
  initialise(model, config.init, config.seed, -1, -1);
  return make_engine("reference", 1).engine->train(model, some_ratings(), {}, config, callbacks);
}

/// Checkpoints of every epoch, as the epochs that they are of.
TrainCallbacks noting(std::vector<int>& epochs) {
  TrainCallbacks callbacks;
  callbacks.checkpoint_due = [](int, bool) { return true; };
  callbacks.checkpoint = [&epochs](const TrainingState& state) {
    EXPECT_EQ(state.epoch, static_cast<int>(state.epochs.size()));
    epochs.push_back(state.epoch);
  };
  return callbacks;
}

TEST(TrainingStates, AreOfWholeEpochsAlone) {
  std::vector<int> epochs;
  TrainCallbacks callbacks = noting(epochs);
  int done = 0;
  callbacks.epoch = [&done](const EpochReport& report) { done = report.epoch; };
  int asked = 0;
  callbacks.stop_requested = [&] { return done == 3 && ++asked > 1; };  // first at the end of epoch 3, then in the next
  TrainConfig config = some_config();
  config.batch_size = 16;  // of which an epoch has many
  config.optimizer = Optimizer::adagrad;
  const TrainResult result = train(config, callbacks);
  EXPECT_EQ(result.reason, StopReason::interrupted);
  EXPECT_TRUE(result.partial_epoch);
  EXPECT_THAT(epochs, testing::ElementsAre(1, 2, 3));
}

TEST(TrainingStates, AreAskedForWithWordOfTheLast) {
  std::vector<std::pair<int, bool>> asked;
  TrainCallbacks callbacks;
  callbacks.checkpoint_due = [&asked](int epoch, bool last) {
    asked.emplace_back(epoch, last);
    return false;
  };
  callbacks.checkpoint = [](const TrainingState&) { FAIL() << "none was due"; };
  TrainConfig config = some_config();
  config.epochs = 2;
  train(config, callbacks);
  EXPECT_THAT(asked, testing::ElementsAre(std::pair(1, false), std::pair(2, true)));
  asked.clear();
  callbacks.stop_after_epoch = [] { return true; };
  EXPECT_EQ(train(config, callbacks).reason, StopReason::interrupted);
  EXPECT_THAT(asked, testing::ElementsAre(std::pair(1, true)));
}

TEST(TrainingStates, WithPiecesMissingOrLeftAreRefused) {
  const FreshFolder folder;
  TrainConfig config = some_config();
  config.epochs = 1;
  TrainCallbacks callbacks;
  callbacks.checkpoint_due = [](int, bool) { return true; };
  callbacks.checkpoint = [&](const TrainingState& state) { write_checkpoint(folder.file("c"), {}, state); };
  train(config, callbacks);
  config.epochs = 2;
  const CheckpointFile file(folder.file("c"));
  const auto message = [&](const auto& change) {
    TrainingState state = file.state();
    change(state);
    TrainCallbacks begun;
    begun.begin_from = &state;
    try {
      train(config, begun);
    } catch (const FailedError& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  EXPECT_EQ(message([](TrainingState&) {}), "taken");
  EXPECT_THAT(message([](TrainingState& s) { s.arrays.erase("tables.user_rows"); }),
              HasSubstr("no \"tables.user_rows\""));
  EXPECT_THAT(message([](TrainingState& s) {
                s.arrays.insert_or_assign("tables.user_rows", StateArray(HostBuffer<float>(3, 0)));
              }),
              HasSubstr("no \"tables.user_rows\""));
  EXPECT_THAT(message([](TrainingState& s) { s.numbers.erase("lr"); }), HasSubstr("no \"lr\""));
  EXPECT_THAT(message([](TrainingState& s) { s.counts["other"] = 1; }), HasSubstr("has \"other\""));
  EXPECT_THAT(message([](TrainingState& s) { s.counts["best_epoch"] = 2; }), HasSubstr("its best epoch is 2"));
  for (const Position count : {Position{-1}, Position{1} << 32}) {
    EXPECT_THAT(message([count](TrainingState& s) { s.counts["epochs_waited"] = count; }),
                HasSubstr("no \"epochs_waited\""));
  }
}

TEST(TrainingStates, OfPassesThatADecompositionDoesNotHaveAreRefused) {
  TrainConfig config;
  config.algorithm = Algorithm::svd;
  config.rank = 3;
  config.biases = false;
  config.valid_frac = 0;
  config.power_iterations = 4;
  const auto decompose = [&config](const TrainCallbacks& callbacks) {
    Model model = make_model(kUsers, kItems, config.rank, false);
    const Ratings ratings = some_ratings();
    ThreadPool pool(1);
    RatingLists lists = list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), kItems), kUsers);
    return make_engine("reference", 1).engine->train_by_row(model, std::move(lists), {}, config, callbacks);
  };
  const FreshFolder folder;
  TrainCallbacks callbacks;
  callbacks.checkpoint_due = [](int pass, bool) { return pass == 2; };
  callbacks.checkpoint = [&](const TrainingState& state) { write_checkpoint(folder.file("c"), {}, state); };
  decompose(callbacks);
  for (const int pass : {2, 4, 5, 0, -1, std::numeric_limits<int>::max()}) {
    TrainingState state = CheckpointFile(folder.file("c")).state(CheckpointFile::Steps::passes);
    EXPECT_EQ(state.epoch, 2);
    state.epoch = pass;
    TrainCallbacks begun;
    begun.begin_from = &state;
    if (pass >= 1 && pass <= config.power_iterations) {
      EXPECT_NO_THROW(decompose(begun)) << pass;
    } else {
      EXPECT_THROW(decompose(begun), FailedError) << pass;
    }
  }
}

TEST(TrainingStates, AStopAfterTheEpochIsNotAskedForInItsMiddle) {
  TrainCallbacks callbacks;
  callbacks.stop_requested = []() -> bool { throw std::logic_error("no epoch is under way"); };
  callbacks.stop_after_epoch = [] { return true; };
  EXPECT_TRUE(callbacks.stops_after_epoch());
}

TEST(TrainingIdentity, DifferencesAreNamedWithBothValues) {
  const Identity then{{"--rank", "8"}, {"--lr", "0.1"}, {"--old", "1"}};
  const Identity now{{"--rank", "9"}, {"--lr", "0.1"}, {kRatingsAsRead, "abc"}};
  EXPECT_THAT(differences(then, now), testing::ElementsAre("ratings as read and split was none, is abc",
                                                           "--old was 1, is none", "--rank was 8, is 9"));
  EXPECT_THAT(differences(now, now), testing::IsEmpty());
  Identity other = now;
  other[kRatingsAsRead] = "abd";
  EXPECT_THAT(differences(now, other), testing::ElementsAre("ratings as read and split was abc, is abd"));
  other["--lr"] = "0.2";
  other["--rank"] = "8";
  EXPECT_THAT(differences(now, other, {"--lr"}),
              testing::ElementsAre("ratings as read and split was abc, is abd", "--rank was 9, is 8"));
  other[kData] = "1";
  other[kRatingCount] = "2";
  EXPECT_THAT(differences(now, other, {"--lr"}),
              testing::ElementsAre("DATA was none, is 1", "number of ratings was none, is 2", "--rank was 9, is 8"));
  other = now;
  other["--lr"] = "0.2";
  EXPECT_THAT(differences(now, other, {"--lr"}), testing::ElementsAre("--lr was 0.1, is 0.2"));
}

}  // namespace
}  // namespace wf
