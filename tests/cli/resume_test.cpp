// train --checkpoint-every and --resume: a training that was stopped and goes on ends with the bits of one that was
// not. Kills and failing disks are met in tests/python/killed_training.py.
#include "host/api/checkpoint_file.hpp"
#include "tests/cli/every_algorithm.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kCheckpoint = "m.safetensors.checkpoint";

class Resume : public testing::Test {
 protected:
  Resume() { folder_.write("ratings.csv", small_ratings()); }

  ProgramResult train(const std::string& model, const Words& options) const {
    return run_in(folder_, Words{"train", "ratings.csv", "-o", model, "--quiet"} + options);
  }
  void train_well(const std::string& model, const Words& options) const {
    const ProgramResult result = train(model, options);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  std::string bytes(const std::string& name) const { return read_text(folder_.file(name)); }

  TemporaryFolder folder_;
};

class EveryAlgorithm : public Resume, public testing::WithParamInterface<AlgorithmCase> {};

TEST_P(EveryAlgorithm, StoppedAfterEachEpochEndsWithTheSameBits) {
  constexpr int kEpochs = 5;
  for (const char* engine : {"reference", "cpu"}) {
    SCOPED_TRACE(engine);
    const Words options = Words{"-k", "6", "--deterministic", "--engine", engine} + GetParam().options;
    const auto epochs = [](int count) { return Words{"--epochs", std::to_string(count)}; };
    train_well("straight.safetensors", options + epochs(kEpochs) + Words{"-j", "3"});
    std::filesystem::remove(folder_.file(kCheckpoint));
    std::filesystem::remove(folder_.file(std::string(kCheckpoint) + ".previous"));
    for (int count = 1; count <= kEpochs; ++count) {
      const Words threads{"-j", count % 2 == 0 ? "1" : "3"};  // of the last one, which the model records: 3
      train_well("m.safetensors", options + epochs(count) + threads + Words{"--resume"});
      EXPECT_EQ(CheckpointFile(folder_.file(kCheckpoint)).epoch(),
                static_cast<int>(lines_of(bytes("m.metrics.jsonl")).size()));
    }
    EXPECT_EQ(bytes("m.safetensors"), bytes("straight.safetensors"));
    EXPECT_EQ(metrics_without_times(folder_.file("m.metrics.jsonl")),
              metrics_without_times(folder_.file("straight.metrics.jsonl")));
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EveryAlgorithm, testing::ValuesIn(cases_with_epochs()), name_of_case);

TEST_F(Resume, ADecompositionGoesOnFromAnyPass) {
  for (const char* algorithm : {"svd", "pca"}) {
    for (const char* engine : {"reference", "cpu"}) {
      for (const int pass : {3, 4, 5}) {
        SCOPED_TRACE(fmt::format("{} by {} from pass {}", algorithm, engine, pass));
        const Words options{"-k",           "3", "--algorithm",        algorithm, "--engine", engine,
                            "--oversample", "0", "--power-iterations", "6"};
        const std::string previous = std::string(kCheckpoint) + ".previous";
        train_well("m.safetensors", options + Words{"--checkpoint-every", std::to_string(pass), "-j", "3"});
        const std::string straight = model_bytes_of(folder_.file("m.safetensors"));
        EXPECT_EQ(CheckpointFile(folder_.file(kCheckpoint)).epoch(), 6);
        ASSERT_EQ(CheckpointFile(folder_.file(previous)).epoch(), pass);
        std::filesystem::rename(folder_.file(previous), folder_.file(kCheckpoint));
        const ProgramResult result =
            run_in(folder_, Words{"train", "ratings.csv", "-o", "m.safetensors", "--resume", "-j", "1"} + options);
        EXPECT_THAT(result.err, HasSubstr(fmt::format("goes on behind pass {}", pass)));
        EXPECT_EQ(model_bytes_of(folder_.file("m.safetensors")), straight);
      }
    }
  }
}

TEST_F(Resume, TheGridOfOtherThreadsIsKept) {  // without --deterministic, the grid follows the threads
  run_in(folder_, {"synth", "--users", "400", "--items", "300", "--ratings", "90000", "-o", "many.txt", "--quiet"});
  const auto run = [&](const Words& options) {
    return run_in(folder_, Words{"train", "many.txt", "-k", "4", "--quiet", "--engine", "cpu"} + options);
  };
  run({"--epochs", "3", "-j", "1", "-o", "one.safetensors"});
  run({"--epochs", "3", "-j", "3", "-o", "three.safetensors"});
  ASSERT_NE(model_bytes_of(folder_.file("one.safetensors")), model_bytes_of(folder_.file("three.safetensors")))
      << "the grids are the same: this test needs more ratings";
  run({"--epochs", "1", "-j", "1", "-o", "m.safetensors", "--resume"});
  run({"--epochs", "3", "-j", "3", "-o", "m.safetensors", "--resume"});
  EXPECT_EQ(model_bytes_of(folder_.file("m.safetensors")), model_bytes_of(folder_.file("one.safetensors")));
}

TEST_F(Resume, TheLogKeepsTheLinesThatItHad) {
  train_well("m.safetensors", {"--epochs", "3", "--checkpoint-every", "1"});
  const std::string before = bytes("m.metrics.jsonl");
  train_well("m.safetensors", {"--epochs", "6", "--resume", "--json"});
  EXPECT_EQ(bytes("m.metrics.jsonl").substr(0, before.size()), before);
  const std::vector<std::string> lines = lines_of(bytes("m.metrics.jsonl"));
  ASSERT_EQ(lines.size(), 6U);
  for (std::size_t n = 0; n < lines.size(); ++n) EXPECT_EQ(json::parse(lines[n])["epoch"], n + 1);
}

TEST_F(Resume, CheckpointsComeWhenTheyAreDueAndTheLastEpochHasOne) {
  train_well("m.safetensors", {"--epochs", "8", "--checkpoint-every", "3", "--no-early-stopping"});
  EXPECT_EQ(CheckpointFile(folder_.file(kCheckpoint)).epoch(), 8);
  EXPECT_EQ(CheckpointFile(folder_.file(std::string(kCheckpoint) + ".previous")).epoch(), 6);
  train_well("t.safetensors", {"--epochs", "8", "--checkpoint-every", "1h", "--no-early-stopping"});
  EXPECT_EQ(CheckpointFile(folder_.file("t.safetensors.checkpoint")).epoch(), 8);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("t.safetensors.checkpoint.previous")));
  train_well("u.safetensors", {"--epochs", "8", "--checkpoint-every", "0.000001s", "--no-early-stopping"});
  EXPECT_EQ(CheckpointFile(folder_.file("u.safetensors.checkpoint.previous")).epoch(), 7);
  train_well("none.safetensors", {"--epochs", "2"});
  EXPECT_FALSE(std::filesystem::exists(folder_.file("none.safetensors.checkpoint"))) << "nobody asked";
}

TEST_F(Resume, WithoutACheckpointItBeginsAfresh) {
  train_well("straight.safetensors", {"--epochs", "4"});
  const ProgramResult result =
      run_in(folder_, {"train", "ratings.csv", "-o", "m.safetensors", "--epochs", "4", "--resume", "--json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("there is no m.safetensors.checkpoint yet: the training begins"));
  EXPECT_EQ(json::parse(result.out)["resumed_from"], 0);
  EXPECT_EQ(bytes("m.safetensors"), bytes("straight.safetensors"));
}

TEST_F(Resume, ADamagedCheckpointGivesWayToTheOneBefore) {
  train_well("straight.safetensors", {"--epochs", "6", "--no-early-stopping"});
  train_well("m.safetensors", {"--epochs", "3", "--checkpoint-every", "1", "--no-early-stopping"});
  std::string damaged = bytes(kCheckpoint);
  damaged.resize(damaged.size() / 2);
  folder_.write(kCheckpoint, damaged);
  const Words again{"train", "ratings.csv", "-o", "m.safetensors", "--epochs", "6", "--no-early-stopping", "--resume"};
  const ProgramResult result = run_in(folder_, again + Words{"--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the one before is taken, m.safetensors.checkpoint.previous"));
  EXPECT_EQ(json::parse(result.out)["resumed_from"], 2);
  EXPECT_EQ(bytes("m.safetensors"), bytes("straight.safetensors"));
  EXPECT_THAT(result.err, HasSubstr("m.safetensors.checkpoint: goes on behind epoch 2"));
  EXPECT_THAT(result.err, HasSubstr("the damaged one is now m.safetensors.checkpoint.damaged"));
  EXPECT_EQ(bytes(std::string(kCheckpoint) + ".damaged"), damaged);
  EXPECT_EQ(CheckpointFile(folder_.file(std::string(kCheckpoint) + ".previous")).epoch(), 2) << "not the damaged one";

  folder_.write(kCheckpoint, damaged);
  folder_.write(std::string(kCheckpoint) + ".previous", damaged);
  const ProgramResult refused = run_in(folder_, again);
  EXPECT_EQ(refused.exit_code, 3) << refused.err;
  EXPECT_THAT(refused.err,
              HasSubstr("m.safetensors.checkpoint.previous: is not the whole checkpoint that was written"));
}

TEST_F(Resume, TheCheckpointOfAnotherTrainingIsNotTheOneBefore) {
  const std::string previous = folder_.file(std::string(kCheckpoint) + ".previous");
  train_well("m.safetensors", {"--epochs", "2", "--checkpoint-every", "1"});
  ASSERT_TRUE(std::filesystem::exists(previous));
  train_well("m.safetensors", {"--epochs", "1", "--checkpoint-every", "1", "-k", "4"});
  EXPECT_FALSE(std::filesystem::exists(previous)) << "it is of the training before";
  train_well("m.safetensors", {"--epochs", "2", "--resume", "-k", "4"});
  EXPECT_EQ(CheckpointFile(previous).epoch(), 1);
}

TEST_F(Resume, ALinkLeadsToWhereCheckpointsAre) {
  const auto link = folder_.file(kCheckpoint);
  std::filesystem::create_directory(folder_.file("disk"));
  std::filesystem::create_symlink("disk/c", link);
  for (const char* epochs : {"1", "2", "3"}) train_well("m.safetensors", {"--epochs", epochs, "--resume"});
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(CheckpointFile(folder_.file("disk/c")).epoch(), 3);
  EXPECT_EQ(CheckpointFile(folder_.file("disk/c.previous")).epoch(), 2);
}

TEST_F(Resume, ACheckpointThatFailsIsSaidThoughQuiet) {
  std::filesystem::create_directories(folder_.file(std::string(kCheckpoint) + ".previous/taken"));
  const ProgramResult result = train("m.safetensors", {"--epochs", "3", "--checkpoint-every", "1", "--json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(json::parse(result.out)["checkpoint_epoch"], 1);
  EXPECT_THAT(result.err, HasSubstr("m.safetensors.checkpoint: cannot keep the old state of the file"));
  EXPECT_THAT(result.err, HasSubstr("the training goes on, that of epoch 1 stays"));
}

TEST_F(Resume, PatienceOnlySaysHowLong) {
  const Words options{"-k", "6", "--deterministic", "--epochs", "40", "--valid-frac", "0.2", "--min-delta", "0.05",
                      "-j", "2"};
  const auto epochs = [this] { return lines_of(bytes("m.metrics.jsonl")).size(); };
  train_well("m.safetensors", options + Words{"--patience", "2", "--resume"});
  const std::size_t of_two = epochs();
  ASSERT_LT(of_two, 40U) << "it was to stop early";
  const std::vector<Words> longer{{"--patience", "4"}, {"--no-early-stopping"}};
  std::size_t before = of_two;
  for (const Words& patience : longer) {
    train_well("straight.safetensors", options + patience);
    train_well("m.safetensors", options + patience + Words{"--resume"});
    EXPECT_GT(epochs(), before);
    before = epochs();
    EXPECT_EQ(bytes("m.safetensors"), bytes("straight.safetensors"));
    EXPECT_EQ(metrics_without_times(folder_.file("m.metrics.jsonl")),
              metrics_without_times(folder_.file("straight.metrics.jsonl")));
  }
  const ProgramResult shorter = train("m.safetensors", options + Words{"--patience", "2", "--resume"});
  EXPECT_EQ(shorter.exit_code, 2);
  EXPECT_THAT(shorter.err,
              HasSubstr(fmt::format("is of epoch 40, and with --patience 2 the training ends after epoch {}", of_two)));
}

TEST_F(Resume, AnInitialModelMayBeSpelledOtherwise) {
  train_well("first.safetensors", {"-k", "4", "--epochs", "1"});
  const Words options{"-k", "4", "--epochs", "2"};
  train_well("m.safetensors", options + Words{"--init-from", "first.safetensors", "--resume"});
  train_well("m.safetensors", options + Words{"--init-from", folder_.file("first.safetensors"), "--resume"});
}

TEST_F(Resume, OtherSettingsAreRefusedByTheirNames) {
  const Words options{"-k", "4", "--epochs", "3", "--lr", "0.05", "--min-delta", "0"};
  train_well("m.safetensors", options + Words{"--checkpoint-every", "1"});
  struct Other {
    Words words;
    const char* message;
  };
  const std::vector<Other> others{
      {{"-k", "5", "--epochs", "3", "--lr", "0.05", "--min-delta", "0"}, "--rank was 4, is 5 ("},
      {{"-k", "4", "--epochs", "3", "--lr", "0.06", "--min-delta", "0.5"},
       "--lr was 0.05, is 0.06; --min-delta was 0, is 0.5 ("},
      {options + Words{"--seed", "7"}, "--seed was 42, is 7"},
      {options + Words{"--engine", "reference"}, "--engine was cpu, is reference"},
      {options + Words{"--optimizer", "sgd"}, R"(--optimizer was "row_adagrad", is "sgd")"},
      {options + Words{"--valid-frac", "0.2"}, "--valid-frac was 0.05, is 0.2"},
      {options + Words{"--init-from", "m.safetensors"}, "--init-from was none, is given"},
      {options + Words{"--valid", "ratings.csv"}, "--valid was none, is "},
      {{"-k", "4", "--epochs", "2", "--lr", "0.05", "--min-delta", "0"}, "is of epoch 3, and --epochs is 2"},
  };
  for (const Other& other : others) {
    const ProgramResult result = train("m.safetensors", other.words + Words{"--resume"});
    EXPECT_EQ(result.exit_code, 2) << other.message;
    EXPECT_THAT(result.err, HasSubstr(other.message));
  }
  const ProgramResult same = train("m.safetensors", options + Words{"--resume", "-j", "1", "--metrics", "none"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
}

TEST_F(Resume, OtherRatingsAreRefused) {
  const Words options{"-k", "4", "--epochs", "3", "--lr", "0.05"};
  train_well("m.safetensors", options + Words{"--checkpoint-every", "1"});
  const ProgramResult as_text = train("m.safetensors", options + Words{"--resume", "--ids", "strings"});
  EXPECT_EQ(as_text.exit_code, 0) << "the same ratings: " << as_text.err;
  const ProgramResult turned =
      train("m.safetensors", options + Words{"--resume", "--col-user", "movieId", "--col-item", "userId"});
  EXPECT_EQ(turned.exit_code, 2);
  EXPECT_THAT(turned.err, HasSubstr("ratings as read and split was "));
  EXPECT_THAT(turned.err, Not(HasSubstr("DATA was ")));
  const Words defaults{"-k", "4", "--epochs", "3"};
  train_well("d.safetensors", defaults + Words{"--checkpoint-every", "1"});
  folder_.write("ratings.csv", small_ratings() + "100,500,1\n");
  const ProgramResult other = train("m.safetensors", options + Words{"--resume"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("is of another training: DATA was "));
  const ProgramResult scaled = train("d.safetensors", defaults + Words{"--resume"});
  EXPECT_EQ(scaled.exit_code, 2);
  EXPECT_THAT(scaled.err, HasSubstr("; number of ratings was "));
  EXPECT_THAT(scaled.err, Not(HasSubstr("--lr was ")));
}

TEST_F(Resume, ACheckpointOverwritesNoRatings) {
  std::filesystem::rename(folder_.file("ratings.csv"), folder_.file(kCheckpoint));
  const ProgramResult result =
      run_in(folder_, {"train", kCheckpoint, "-o", "m.safetensors", "--checkpoint-every", "1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("the output would overwrite m.safetensors.checkpoint"));
}

TEST_F(Resume, WhatCannotBeContinuedIsRefusedBeforehand) {
  for (const Words& words : {Words{"--resume", "--batch-size", "50", "--batch-losses", "b.csv"},
                             Words{"--checkpoint-every", "2", "--batch-size", "50", "--batch-losses", "b.csv"}}) {
    const ProgramResult result = train("m.safetensors", words);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("exclude each other"));
  }
  for (const Words& words : {Words{"--resume"}, Words{"--checkpoint-every", "2"}, Words{"--checkpoint-every", "2s"}}) {
    const ProgramResult result = run_in(folder_, Words{"train", "ratings.csv", "--folds", "3"} + words);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(words.front() + " has no effect with --folds"));
  }
  for (const char* often : {"0", "-1", "soon", "1x", "0s", "1d"}) {
    const ProgramResult result = train("m.safetensors", {"--checkpoint-every", often});
    EXPECT_EQ(result.exit_code, 2) << often;
    EXPECT_THAT(result.err, HasSubstr("it takes N, from 1 to 1000000, or a time as 30s, 5m or 1h")) << often;
  }
}

/// A pipe that nobody reads is full after some hundred epochs' lines: a signal always meets this run.
Words interrupted_run(const char* model = "m.safetensors") {
  return {"train", "ratings.csv", "-o", model, "-k", "8", "--epochs", "4000", "--no-early-stopping"};
}

class StopSignals : public Resume, public testing::WithParamInterface<int> {};

TEST_P(StopSignals, LeaveACheckpointOfAWholeEpoch) {
  run_in(folder_, interrupted_run("straight.safetensors") + Words{"--quiet"});
  ProgramOptions options;
  options.folder = folder_.path();
  RunningProgram program(interrupted_run() + Words{"--checkpoint-every", "1000000"}, options);
  ASSERT_TRUE(program.wait_for("\nepoch ")) << program.finish().err;
  program.send(GetParam());
  const ProgramResult stopped = program.finish();
  ASSERT_EQ(stopped.exit_code, 128 + GetParam()) << stopped.err;
  const CheckpointFile checkpoint(folder_.file(kCheckpoint));
  const auto epochs = lines_of(bytes("m.metrics.jsonl")).size();
  EXPECT_EQ(static_cast<std::size_t>(checkpoint.epoch()), epochs) << "nothing was lost";
  EXPECT_LT(epochs, 4000U);
  EXPECT_THAT(stopped.err, HasSubstr(fmt::format("(checkpoint, epoch {})", epochs)));
  const ProgramResult resumed = run_in(folder_, interrupted_run() + Words{"--resume", "--quiet"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(model_bytes_of(folder_.file("m.safetensors")), model_bytes_of(folder_.file("straight.safetensors")));
  EXPECT_EQ(metrics_without_times(folder_.file("m.metrics.jsonl")),
            metrics_without_times(folder_.file("straight.metrics.jsonl")));
}

INSTANTIATE_TEST_SUITE_P(Both, StopSignals, testing::Values(SIGINT, SIGTERM),
                         [](const auto& test) { return test.param == SIGINT ? "Interrupt" : "Terminate"; });

TEST_F(Resume, Usr1LeavesACheckpointAndGoesOn) {
  ProgramOptions options;
  options.folder = folder_.path();
  RunningProgram program(interrupted_run(), options);
  ASSERT_TRUE(program.wait_for("\nepoch ")) << program.finish().err;
  program.send(SIGUSR1);
  const ProgramResult result = program.finish();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string straight = bytes("m.safetensors");
  const int epoch = CheckpointFile(folder_.file(kCheckpoint)).epoch();
  EXPECT_GE(epoch, 1);
  EXPECT_LT(epoch, 4000) << "it was asked for once";
  const ProgramResult resumed = run_in(folder_, interrupted_run() + Words{"--resume", "--json", "--quiet"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(json::parse(resumed.out)["resumed_from"], epoch);
  EXPECT_EQ(bytes("m.safetensors"), straight);
}

TEST_F(Resume, Usr1BeforeTrainingIsRemembered) {
  ASSERT_EQ(::mkfifo(folder_.file("pipe").c_str(), 0600), 0);
  ProgramOptions options;
  options.folder = folder_.path();
  RunningProgram program({"train", "pipe", "-o", "m.safetensors", "--epochs", "3", "--no-early-stopping", "--resume"},
                         options);
  ASSERT_TRUE(program.wait_for("there is no m.safetensors.checkpoint yet")) << program.finish().err;
  program.send(SIGUSR1);
  int pipe = -1;
  for (int tries = 0; tries < 6000 && pipe < 0; ++tries) {  // there is no writer where no reader waits
    pipe = ::open(folder_.file("pipe").c_str(), O_WRONLY | O_NONBLOCK);
    if (pipe < 0) ::usleep(10000);
  }
  ASSERT_GE(pipe, 0) << program.finish().err;
  const std::string ratings = small_ratings();
  EXPECT_EQ(::write(pipe, ratings.data(), ratings.size()), static_cast<::ssize_t>(ratings.size()));
  ::close(pipe);
  const ProgramResult result = program.finish();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(CheckpointFile(folder_.file(std::string(kCheckpoint) + ".previous")).epoch(), 1);
}

TEST_F(Resume, OtherRatingsAreRefusedAfterUsr1AsWell) {  // of a run that nobody asked for checkpoints before
  ProgramOptions options;
  options.folder = folder_.path();
  RunningProgram program(interrupted_run(), options);
  ASSERT_TRUE(program.wait_for("\nepoch ")) << program.finish().err;
  program.send(SIGUSR1);
  ASSERT_EQ(program.finish().exit_code, 0);
  ASSERT_TRUE(std::filesystem::exists(folder_.file(kCheckpoint)));
  const ProgramResult turned =
      run_in(folder_, interrupted_run() + Words{"--resume", "--col-user", "movieId", "--col-item", "userId"});
  EXPECT_EQ(turned.exit_code, 2);
  EXPECT_THAT(turned.err, HasSubstr("ratings as read and split was "));
  const ProgramResult split = run_in(folder_, interrupted_run() + Words{"--resume", "--valid-frac", "0.3"});
  EXPECT_EQ(split.exit_code, 2);
  EXPECT_THAT(split.err, HasSubstr("--valid-frac was 0.05, is 0.3"));
}

}  // namespace
}  // namespace wf::test
