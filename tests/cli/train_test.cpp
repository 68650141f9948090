// train: what it prints, writes and refuses. Trajectories are tested elsewhere.
#include "tests/cli/small_data.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST_F(TrainedFolder, EveryGuessIsPrintedWithItsOption) {
  ASSERT_EQ(trained_.exit_code, 0) << trained_.err;
  EXPECT_EQ(trained_.out, "") << "stdout is for data";
  for (const char* tag :
       {"\ndata ", "\nsplit ", "\nengine ", "\nmodel ", "\ntrain ", "\nepoch ", "\ndone ", "\nsaved ", "\nnext "}) {
    EXPECT_THAT(trained_.err, HasSubstr(tag));
  }
  EXPECT_THAT(trained_.err, testing::StartsWith("read   ratings.csv: "));
  EXPECT_THAT(trained_.err, HasSubstr("40 users × 25 items · explicit 1–5"));
  EXPECT_THAT(trained_.err, HasSubstr("(--valid-frac, --valid, --seed)"));
  EXPECT_THAT(trained_.err, HasSubstr("biases only 1."));
  EXPECT_THAT(trained_.err, HasSubstr("warpfactor recommend ratings.safetensors --user 100"));
}

TEST_F(TrainedFolder, APipeGetsOnePlainLinePerEpoch) {
  std::size_t epochs = 0;
  for (const std::string& line : lines_of(trained_.err)) epochs += line.rfind("epoch ", 0) == 0 ? 1U : 0U;
  EXPECT_EQ(epochs, lines_of(read_text(folder_.file("ratings.metrics.jsonl"))).size());
  EXPECT_THAT(trained_.err, Not(HasSubstr("\r")));
  EXPECT_THAT(trained_.err, Not(HasSubstr("\x1b")));
}

TEST_F(TrainedFolder, MetricsHaveOneObjectPerEpoch) {
  int epoch = 0;
  for (const std::string& line : lines_of(read_text(folder_.file("ratings.metrics.jsonl")))) {
    const json metrics = json::parse(line);
    EXPECT_EQ(metrics["epoch"], ++epoch);
    for (const char* key : {"train_loss", "train_rmse", "valid_rmse", "valid_mae", "lr", "ratings_per_s", "seconds"}) {
      EXPECT_TRUE(metrics[key].is_number()) << key;
    }
    EXPECT_THAT(metrics["ts"].get<std::string>(), testing::ContainsRegex("^20..-..-..T..:..:..\\....Z$"));
  }
  EXPECT_GT(epoch, 0);
}

TEST_F(TrainedFolder, TheModelRemembersItsTraining) {
  const json info = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  EXPECT_EQ(info["n_users"], kSmallUsers);
  EXPECT_EQ(info["n_items"], kSmallItems);
  EXPECT_EQ(info["rank"], 4);
  EXPECT_EQ(info["user_ids"], "integers");
  EXPECT_EQ(info["rating_min"], 1);
  const json& metadata = info["metadata"];
  EXPECT_EQ(metadata["config"]["rank"], 4);
  EXPECT_EQ(metadata["config"]["epochs"], 40);
  EXPECT_EQ(metadata["data"], "ratings.csv");
  EXPECT_EQ(metadata["data_bytes"], std::filesystem::file_size(folder_.file("ratings.csv")));
  EXPECT_EQ(metadata["data_hash"].get<std::string>().size(), 16U);
  EXPECT_EQ(metadata["metrics"][0]["epoch"], 1);
  EXPECT_EQ(metadata["seed"], 42);
  EXPECT_TRUE(metadata.contains("baseline_bias_rmse"));
  EXPECT_TRUE(metadata.contains("program_version"));
}

TEST_F(TrainedFolder, JsonIsOneObjectThatAgreesWithTheMetrics) {
  const ProgramResult result = run(
      {"train", "ratings.csv", "-k", "4", "--epochs", "9", "--lr", "0.2", "--valid-frac", "0.1", "--json", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["model"], "ratings.safetensors");
  EXPECT_EQ(summary["epochs"], 9);
  const auto epochs = lines_of(read_text(folder_.file("ratings.metrics.jsonl")));
  ASSERT_EQ(epochs.size(), 9U);
  const json best = json::parse(epochs.at(summary["best_epoch"].get<std::size_t>() - 1));
  EXPECT_EQ(summary["valid_rmse"], best["valid_rmse"]);
  EXPECT_EQ(summary["config"]["rank"], 4);
  EXPECT_GT(summary["baseline_mean_rmse"], summary["valid_rmse"]);
}

TEST_F(TrainedFolder, TheSameSeedGivesTheSameModelForAnyThreads) {
  const auto train = [this](const char* out, const char* threads, const char* seed) {
    EXPECT_EQ(run({"train", "ratings.csv", "-k", "4", "--epochs", "3", "-o", out, "-j", threads, "--seed", seed,
                   "--device", "cpu"})
                  .exit_code,
              0);
    return run({"predict", out, "ratings.csv"}).out;
  };
  const std::string first = train("a.safetensors", "1", "7");
  EXPECT_EQ(first, train("b.safetensors", "3", "7"));
  EXPECT_NE(first, train("c.safetensors", "1", "8"));
}

TEST_F(TrainedFolder, AliasesReachTheSameOption) {
  const ProgramResult result =
      run({"train", "ratings.csv", "--factors", "3", "--iterations=2", "--learning-rate", "0.02", "--reg", "0.1",
           "--device", "reference", "--stopping-step", "2", "--out", "alias.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json config = json::parse(result.out)["config"];
  EXPECT_EQ(config["rank"], 3);
  EXPECT_EQ(config["epochs"], 2);
  EXPECT_EQ(config["lr"], 0.02);
  EXPECT_EQ(config["lambda_user"], 0.1);
  EXPECT_EQ(config["lambda_item"], 0.1);
  EXPECT_EQ(config["engine"], "reference");
  EXPECT_EQ(config["patience"], 2);
}

TEST_F(TrainedFolder, MiniBatchesHaveTheirOwnDefaultsAndLosses) {
  const ProgramResult result = run({"train", "ratings.csv", "--batch-size", "64", "--epochs", "2", "--no-valid", "-k",
                                    "3", "--optimizer", "adagrad", "--batch-losses", "losses.csv", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["config"]["lambda_user"], 0);
  EXPECT_EQ(summary["config"]["eps"], 1e-10);
  EXPECT_EQ(summary["config"]["bias_init"], "zero");
  EXPECT_TRUE(summary["valid_rmse"].is_null());
  const auto lines = lines_of(read_text(folder_.file("losses.csv")));
  const auto batches = (summary["n_ratings"].get<std::size_t>() + 63) / 64;
  ASSERT_EQ(lines.size(), 1 + 2 * batches);
  EXPECT_EQ(lines[0], "epoch,batch,loss");
  EXPECT_THAT(lines[1], testing::MatchesRegex("1,[01],[0-9.e+-]+"));
  EXPECT_THAT(lines.back(), testing::StartsWith("2,"));
}

/// One item in half of the ratings: 0.005 a rating of the batch would be 1.28, and diverge there.
TEST_F(TrainedFolder, TheDefaultRateOfLongBatchesSuitsThePopularRow) {
  std::string text;
  for (int u = 0; u < 400; ++u) text += fmt::format("{0} 1 {1}\n{0} {2} {3}\n", u, 1 + u % 5, 2 + u % 50, 1 + u % 3);
  folder_.write("popular.txt", text);
  const auto lr_of = [&](const char* size) {
    const ProgramResult result =
        run({"train", "popular.txt", "--batch-size", size, "--no-valid", "--epochs", "30", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out)["config"]["lr"].get<double>();
  };
  EXPECT_EQ(lr_of("256"), 1.0);
  EXPECT_EQ(lr_of("10"), 0.05);
}

TEST_F(TrainedFolder, QuietLeavesOnlyErrors) {
  EXPECT_EQ(run({"train", "ratings.csv", "--quiet", "--epochs", "1"}).err, "");
  EXPECT_THAT(run({"train", "absent.csv", "--quiet"}).err, HasSubstr("absent.csv"));
}

TEST_F(TrainedFolder, StdinIsAFileLikeAnyOther) {
  const ProgramResult result = run({"train", "-", "-k", "2", "--epochs", "2"}, small_ratings());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(folder_.file("model.safetensors")));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("model.metrics.jsonl")));
}

TEST_F(TrainedFolder, MetricsCanBeSwitchedOff) {
  EXPECT_EQ(run({"train", "ratings.csv", "--epochs", "1", "-o", "m.safetensors", "--metrics", "none"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("m.metrics.jsonl")));
}

TEST_F(TrainedFolder, AValidationFileMayHoldUnknownIds) {
  folder_.write("valid.csv", "userId,movieId,rating\n100,500,4\n999,500,2\n100,xyz,3\n");
  const ProgramResult result = run({"train", "ratings.csv", "--valid", "valid.csv", "--epochs", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["n_users"], kSmallUsers);
  EXPECT_TRUE(summary["valid_rmse"].is_number());
}

TEST_F(TrainedFolder, InitFromStartsWithThoseTables) {
  ASSERT_EQ(run({"train", "ratings.csv", "--init-from", "ratings.safetensors", "-k", "4", "--lr", "0", "--epochs", "1",
                 "--no-valid", "--global-mean", "0", "-o", "copy.safetensors"})
                .exit_code,
            0);
  const json original = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  const auto predictions = [this](const char* model) { return lines_of(run({"predict", model, "ratings.csv"}).out); };
  const auto before = predictions("ratings.safetensors");
  const auto after = predictions("copy.safetensors");
  ASSERT_EQ(before.size(), after.size());
  const auto value = [](const std::string& line) { return std::stod(line.substr(line.rfind(',') + 1)); };
  for (std::size_t n = 1; n < before.size(); ++n) {
    ASSERT_NEAR(value(before[n]) - original["global_mean"].get<double>(), value(after[n]), 1e-5);
  }
}

TEST_F(TrainedFolder, NonnegativeFactorsDoNotBeginBelowZeroEither) {
  EXPECT_EQ(run({"train", "ratings.csv", "-k", "4", "--nonnegative", "--epochs", "0", "-o", "n.safetensors"}).exit_code,
            0);
  EXPECT_EQ(run({"train", "ratings.csv", "-k", "4", "--nonnegative", "--init-from", "n.safetensors", "--epochs", "1",
                 "-o", "o.safetensors"})
                .exit_code,
            0);
  const ProgramResult result = run({"train", "ratings.csv", "-k", "4", "--nonnegative", "--init-from",
                                    "ratings.safetensors", "-o", "m.safetensors"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("factors below 0 in ratings.safetensors"));
}

TEST_F(TrainedFolder, TheOutputIsCheckedBeforeTheWork) {
  const ProgramResult result = run({"train", "ratings.csv", "-o", "absent/m.safetensors"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write absent/m.safetensors: No such file or directory"));
  EXPECT_THAT(result.err, Not(HasSubstr("epoch")));
  EXPECT_EQ(run({"train", "ratings.csv", "-o", "."}).exit_code, 1);
  EXPECT_EQ(run({"train", "ratings.csv", "-o", "/dev/null"}).exit_code, 1);
  EXPECT_EQ(run({"train", "ratings.csv", "-o", "ratings.csv"}).exit_code, 2);
  EXPECT_EQ(read_text(folder_.file("ratings.csv")), small_ratings());
}

TEST_F(TrainedFolder, NotesSayWhatALossCannotLearn) {
  folder_.write("pairs.csv", "a,x\nb,y\na,y\nc,x\n");
  EXPECT_THAT(run({"train", "pairs.csv", "--epochs", "1"}).err, HasSubstr("every rating is 1"));
  EXPECT_THAT(run({"train", "ratings.csv", "--epochs", "1", "--loss", "bce_with_logits"}).err,
              HasSubstr("expects ratings from 0 to 1"));
}

TEST_F(TrainedFolder, DivergenceEndsWithOneAndTheCure) {
  const ProgramResult result =
      run({"train", "ratings.csv", "--lr", "50", "-o", "bad.safetensors", "--no-early-stopping"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("diverged in epoch"));
  EXPECT_THAT(result.err, HasSubstr("--lr"));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("bad.safetensors")));
}

TEST(Train, BadInputEndsWithThreeAndItsPlace) {
  const TemporaryFolder folder;
  folder.write("bad.csv", "user,item,rating\n1,2,3\n1,3,abc\n");
  const ProgramResult result = run_in(folder, {"train", "bad.csv"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("bad.csv:3:5: "));
  EXPECT_THAT(result.err, HasSubstr("--skip-bad"));
  const ProgramResult as_json = run_in(folder, {"train", "bad.csv", "--json"});
  const json error = json::parse(as_json.err);
  EXPECT_EQ(error["file"], "bad.csv");
  EXPECT_EQ(error["line"], 3);
  EXPECT_EQ(error["column"], 5);
  EXPECT_EQ(error["kind"], "input");
  const ProgramResult skipped = run_in(folder, {"train", "bad.csv", "--skip-bad", "--no-valid", "--epochs", "1"});
  EXPECT_EQ(skipped.exit_code, 0) << skipped.err;
  EXPECT_THAT(skipped.err, HasSubstr("1 bad line skipped, the first: "));
}

TEST(Train, MissingAndEmptyFilesEndWithThree) {
  const TemporaryFolder folder;
  folder.write("empty.csv", "");
  for (const char* name : {"absent.csv", "empty.csv", "."}) {
    const ProgramResult result = run_in(folder, {"train", name, "-o", "m.safetensors"});
    EXPECT_EQ(result.exit_code, 3) << name << ": " << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder.file("m.safetensors"))) << name;
  }
}

TEST(Train, ANamedEngineThatIsAbsentEndsWithFour) {
  const TemporaryFolder folder;
  folder.write("a.csv", "1,1,3\n2,2,4\n");
  const ProgramResult result = run_in(folder, {"train", "a.csv", "--engine", "cuda", "-o", "m.safetensors"});
  if (result.exit_code == 0) GTEST_SKIP() << "this machine has the cuda engine";
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("cuda"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("m.safetensors")));
}

TEST(Train, RowNumbersHaveDeclaredSizes) {
  const TemporaryFolder folder;
  folder.write("rows.csv", "0,0,3\n5,2,4\n");
  const std::vector<std::string> command{"train",     "rows.csv",   "--ids",     "rows", "--no-header",
                                         "--n-users", "8",          "--n-items", "4",    "-k",
                                         "2",         "--no-valid", "--epochs",  "1",    "--json"};
  const ProgramResult result = run_in(folder, command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)["n_users"], 8);
  EXPECT_EQ(json::parse(result.out)["n_items"], 4);
  folder.write("rows.csv", "0,0,3\n8,2,4\n");
  const ProgramResult beyond = run_in(folder, command);
  EXPECT_EQ(beyond.exit_code, 3);
  EXPECT_EQ(json::parse(beyond.err)["where"], "rows.csv:2:1");
  EXPECT_EQ(json::parse(beyond.err)["error"], "user id \"8\" is no row number: with --ids rows they are 0 to 7");
}

TEST(Train, PaddingRowsMustExist) {
  const TemporaryFolder folder;
  folder.write("a.csv", "1,1,3\n2,2,4\n");
  const ProgramResult result = run_in(folder, {"train", "a.csv", "--batch-size", "2", "--item-padding-idx", "2"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--item-padding-idx 2 lies outside the table of 2 rows"));
}

}  // namespace
}  // namespace wf::test
