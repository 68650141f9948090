// A person at a terminal: the moving line, colours, and Ctrl-C.
#include "tests/cli/small_data.hpp"

#include <csignal>
#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

ProgramOptions at_terminal(const TemporaryFolder& folder) {
  ProgramOptions options;
  options.folder = folder.path();
  options.terminal = true;
  options.environment["TERM"] = "xterm-256color";
  return options;
}

/// Enough work for a signal to meet it: more epochs than would be done within the suite's time limit.
std::vector<std::string> long_run() {
  return {"train", "ratings.csv", "-k", "8", "--epochs", "1000000", "--valid-frac", "0.1", "--no-early-stopping"};
}

TEST_F(TrainedFolder, ATerminalGetsOneMovingLineAndColours) {
  const ProgramResult result =
      run_program({"train", "ratings.csv", "--epochs", "3", "-k", "2", "--no-early-stopping"}, at_terminal(folder_));
  ASSERT_EQ(result.exit_code, 0) << result.out;
  EXPECT_THAT(result.out, HasSubstr("\rread   ratings.csv")) << "something at once";
  EXPECT_THAT(result.out, HasSubstr("\repoch  3/3"));
  EXPECT_THAT(result.out, HasSubstr("\x1b[K"));
  EXPECT_THAT(result.out, HasSubstr("ratings/s"));
  EXPECT_THAT(result.out, HasSubstr("left"));
  EXPECT_THAT(result.out, HasSubstr("\x1b[1mdone"));
  EXPECT_THAT(result.out, Not(HasSubstr("\nepoch "))) << "epochs draw over each other";
}

TEST_F(TrainedFolder, NoColorAndColorNeverMeanPlainText) {
  ProgramOptions options = at_terminal(folder_);
  EXPECT_THAT(run_program({"train", "ratings.csv", "--epochs", "1", "--color", "never"}, options).out,
              Not(HasSubstr("\x1b[1m")));
  options.environment["NO_COLOR"] = "1";
  EXPECT_THAT(run_program({"train", "ratings.csv", "--epochs", "1"}, options).out, Not(HasSubstr("\x1b[1m")));
  EXPECT_THAT(run_program({"train", "ratings.csv", "--epochs", "1", "--color", "always"}, options).out,
              HasSubstr("\x1b[1m"));
}

TEST_F(TrainedFolder, ADumbTerminalGetsPlainLines) {
  ProgramOptions options = at_terminal(folder_);
  options.environment["TERM"] = "dumb";
  const ProgramResult result = run_program({"train", "ratings.csv", "--epochs", "2"}, options);
  EXPECT_THAT(result.out, HasSubstr("\nepoch  1/2"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

TEST_F(TrainedFolder, RecommendationsForPeopleAreATable) {
  const ProgramResult result =
      run_program({"recommend", "ratings.safetensors", "--user", "100", "-n", "3"}, at_terminal(folder_));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("user 100\r\n   1  5"));
  EXPECT_THAT(result.out, Not(HasSubstr("user,rank")));
}

class Signals : public TrainedFolder, public testing::WithParamInterface<int> {};

TEST_P(Signals, SaveTheModelAndTellWhichSignal) {
  ProgramOptions options;
  options.folder = folder_.path();
  std::filesystem::remove(folder_.file("ratings.safetensors"));
  RunningProgram program(long_run(), options);
  ASSERT_TRUE(program.wait_for("\nepoch ")) << program.finish().err;
  program.send(GetParam());
  const ProgramResult result = program.finish();
  EXPECT_EQ(result.exit_code, 128 + GetParam());
  EXPECT_THAT(result.err, HasSubstr("interrupted by "));
  EXPECT_THAT(result.err, HasSubstr("saved  ratings.safetensors"));
  const ProgramResult info = run({"info", "ratings.safetensors", "--json"});
  ASSERT_EQ(info.exit_code, 0) << info.err;
  const json metadata = json::parse(info.out)["metadata"];
  EXPECT_GE(metadata["best_epoch"].get<int>(), 1);
  EXPECT_EQ(run({"predict", "ratings.safetensors", "ratings.csv"}).exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(StopSignals, Signals, testing::Values(SIGINT, SIGTERM),
                         [](const auto& test) { return test.param == SIGINT ? "Interrupt" : "Terminate"; });

TEST_F(TrainedFolder, CtrlCAtATerminalSaves) {
  RunningProgram program(long_run(), at_terminal(folder_));
  ASSERT_TRUE(program.wait_for("\repoch "));
  program.send(SIGINT);
  const ProgramResult result = program.finish();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.out, HasSubstr("interrupted by Ctrl-C"));
}

TEST_F(TrainedFolder, CtrlCWhileWaitingForInputEndsAtOnce) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer holds a signal back that comes just before a read, until the read is over";
#endif
  RunningProgram program({"train", "-", "-o", "m.safetensors"}, at_terminal(folder_));
  ASSERT_TRUE(program.wait_for("read "));
  program.send(SIGINT);
  const ProgramResult result = program.finish();
  EXPECT_EQ(result.exit_code, 130) << result.out;
  EXPECT_THAT(result.out, HasSubstr("nothing was saved"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("m.safetensors")));
}

}  // namespace
}  // namespace wf::test
