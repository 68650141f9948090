// A checkpoint comes back as it was written, or is known to be damaged; and what a training asks of its state.
#include "host/api/checkpoint_file.hpp"
#include "host/api/engines.hpp"
#include "host/api/training_identity.hpp"
#include "host/base/philox.hpp"
#include "tests/host/model_support.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <limits>

namespace wf {
namespace {

using testing::HasSubstr;
using testing_support::bytes_of;
using testing_support::FreshFolder;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

CheckpointFacts some_facts() {
  return {{{"--rank", "8"}, {"DATA", "0123456789abcdef"}, {"odd \"name\"\n", "\x01"}},
          7,
          "{\"epoch\": 1}\n{\"epoch\": 2}\n"};
}

TrainingState some_state() {
  TrainingState state;
  state.epoch = 2;
  EpochReport first, second;
  first.epoch = 1;
  first.train_loss = 0.1;
  first.train_rmse = std::sqrt(0.1);
  first.lr = 1e-300;
  first.seconds = 0.25;
  first.ratings = (Position{1} << 52) + 1;
  second.epoch = 2;
  second.train_loss = 1.0 / 3;
  second.train_rmse = std::numeric_limits<double>::quiet_NaN();
  second.valid_loss = 0;
  second.valid_mae = 5e-324;
  second.skipped = 3;
  second.best = true;
  state.epochs = {first, second};
  HostBuffer<float> floats;
  for (const float value : {1.5F, -0.0F, kNan, 1e-45F, std::bit_cast<float>(0x7f800001U)}) floats.push_back(value);
  state.arrays.insert_or_assign("tables.user_factors", StateArray(std::move(floats)));
  HostBuffer<Position> wholes;
  for (const Position value : {Position{0}, std::numeric_limits<Position>::max(), Position{-1}})
    wholes.push_back(value);
  state.arrays.insert_or_assign("last_step", StateArray(std::move(wholes)));
  state.numbers = {{"lr", 0.1}, {"previous_loss", kInfinity}, {"tiny", 5e-324}, {"minus", -0.0}};
  state.counts = {{"step", (Position{1} << 62) + 1}, {"best_epoch", 2}};
  return state;
}

std::string bytes_of(const StateArray& array) {
  return {static_cast<const char*>(array.data()), static_cast<std::size_t>(array.bytes())};
}

std::string refusal(const std::string& path) {
  try {
    const CheckpointFile file(path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "taken";
}

TEST(Checkpoint, ComesBackToTheBit) {
  const FreshFolder folder;
  const std::string path = folder.file("c");
  const TrainingState written = some_state();
  write_checkpoint(path, some_facts(), written);
  const CheckpointFile file(path);
  EXPECT_EQ(file.epoch(), 2);
  EXPECT_EQ(file.facts().identity, some_facts().identity);
  EXPECT_EQ(file.facts().grid, 7);
  EXPECT_EQ(file.facts().metrics, some_facts().metrics);
  const TrainingState read = file.state();
  EXPECT_EQ(read.epoch, 2);
  EXPECT_EQ(read.numbers, written.numbers);
  EXPECT_TRUE(std::signbit(read.numbers.at("minus")));
  EXPECT_EQ(read.counts, written.counts);
  ASSERT_EQ(read.arrays.size(), written.arrays.size());
  for (const auto& [name, array] : written.arrays) {
    EXPECT_EQ(read.arrays.at(name).type(), array.type()) << name;
    EXPECT_EQ(bytes_of(read.arrays.at(name)), bytes_of(array)) << name;
  }
  ASSERT_EQ(read.epochs.size(), 2U);
  const EpochReport &first = read.epochs[0], &second = read.epochs[1];
  EXPECT_EQ(first.epoch, 1);
  EXPECT_EQ(first.train_loss, 0.1);
  EXPECT_EQ(first.train_rmse, std::sqrt(0.1));
  EXPECT_EQ(first.lr, 1e-300);
  EXPECT_EQ(first.seconds, 0.25);
  EXPECT_EQ(first.ratings, (Position{1} << 52) + 1);
  EXPECT_FALSE(first.valid_loss || first.valid_rmse || first.valid_mae || first.best);
  EXPECT_TRUE(std::isnan(second.train_rmse));
  EXPECT_EQ(second.valid_loss, 0);
  EXPECT_FALSE(second.valid_rmse);
  EXPECT_EQ(second.valid_mae, 5e-324);
  EXPECT_EQ(second.skipped, 3);
  EXPECT_TRUE(second.best);
}

TEST(Checkpoint, AnyByteThatChangesIsFound) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), some_state());
  const std::string whole = bytes_of(folder.file("c"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    EXPECT_THAT(refusal(folder.write("d", damaged)), HasSubstr("not the whole checkpoint")) << "byte " << at;
  }
}

TEST(Checkpoint, AnyPartOfItIsRefused) {
  const FreshFolder folder;
  write_checkpoint(folder.file("c"), some_facts(), some_state());
  const std::string whole = bytes_of(folder.file("c"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(refusal(folder.write("d", whole.substr(0, size))), HasSubstr("not the whole checkpoint")) << size;
  }
  EXPECT_THAT(refusal(folder.write("d", whole + '\0')), HasSubstr("not the whole checkpoint"));
  EXPECT_THAT(refusal(folder.write("d", whole + whole)), HasSubstr("not the whole checkpoint"));
}

TEST(Checkpoint, TheOneBeforeIsKeptAndTakenWhereTheLastIsNotWhole) {
  const FreshFolder folder;
  const std::string path = folder.file("c");
  EXPECT_FALSE(find_checkpoint(path).file);
  TrainingState state = some_state();
  for (state.epoch = 1; state.epoch <= 3; ++state.epoch) write_checkpoint(path, some_facts(), state);
  EXPECT_EQ(folder.count(), 2);
  FoundCheckpoint found = find_checkpoint(path);
  ASSERT_TRUE(found.file);
  EXPECT_EQ(found.file->epoch(), 3);
  EXPECT_EQ(found.why_previous, "");

  const std::string last = bytes_of(path);
  folder.write("c", last.substr(1));
  found = find_checkpoint(path);
  EXPECT_EQ(found.file->epoch(), 2);
  EXPECT_THAT(found.why_previous, HasSubstr("not the whole checkpoint"));
  std::filesystem::remove(path);  // as a kill between the two renames leaves it
  found = find_checkpoint(path);
  EXPECT_EQ(found.file->epoch(), 2);
  EXPECT_THAT(found.why_previous, HasSubstr("is not there"));

  folder.write("c", "text");
  std::filesystem::remove(previous_checkpoint(path));
  EXPECT_THROW(find_checkpoint(path), InputError);
}

TEST(Checkpoint, OtherFilesWithAChecksumAreRefused) {
  const FreshFolder folder;
  CheckpointFacts facts = some_facts();
  write_checkpoint(folder.file("c"), facts, some_state());
  EXPECT_EQ(refusal(folder.file("c")), "taken");
  EXPECT_THAT(refusal(folder.file("absent")), HasSubstr("cannot be opened"));
  EXPECT_THAT(refusal(folder.write("model", testing_support::safetensors("{}"))),
              HasSubstr("not the whole checkpoint"));
}

TEST(Checkpoint, WhatKilledWritersLeftIsRemoved) {
  const FreshFolder folder;
  const pid_t ended = fork();
  if (ended == 0) _exit(0);
  waitpid(ended, nullptr, 0);
  folder.write("c.part-" + std::to_string(ended) + "-0", "half");
  const std::string ours = folder.write("c.part-" + std::to_string(::getpid()) + "-0", "half");
  const std::string other = folder.write("other.part-" + std::to_string(ended) + "-0", "half");
  const std::string named = folder.write("c.part-of-mine", "text");
  remove_unfinished(folder.file("c"));
  EXPECT_EQ(folder.count(), 3);
  for (const std::string& path : {ours, other, named}) EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

// ------------------------------------------------------------------------------------------ trainings and their state

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
}

TEST(TrainingIdentity, DifferencesAreNamedWithBothValues) {
  const Identity then{{"--rank", "8"}, {"--lr", "0.1"}, {"--old", "1"}};
  const Identity now{{"--rank", "9"}, {"--lr", "0.1"}, {kRatingsAsRead, "abc"}};
  EXPECT_THAT(differences(then, now), testing::ElementsAre("--old was 1, is none", "--rank was 8, is 9"));
  EXPECT_THAT(differences(now, now), testing::IsEmpty());
  Identity other = now;
  other[kRatingsAsRead] = "abd";
  EXPECT_THAT(differences(now, other), testing::ElementsAre("ratings as read and split was abc, is abd"));
}

}  // namespace
}  // namespace wf
