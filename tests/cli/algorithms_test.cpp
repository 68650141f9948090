// train --algorithm, driven as a user would.
#include "tests/cli/small_data.hpp"

#include <cmath>

namespace wf::test {
namespace {

using testing::HasSubstr;
using testing::Not;

double number_of(const ProgramResult& result, const char* key) {
  return nlohmann::json::parse(result.out).at(key).get<double>();
}

TEST_F(TrainedFolder, AlsLearnsInAFewSweepsAndSaysWhatItMinimises) {
  const ProgramResult result =
      run({"train", "ratings.csv", "-k", "4", "--algorithm", "als", "--epochs", "8", "--valid-frac", "0.1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(number_of(result, "valid_rmse"), 0.7 * number_of(result, "baseline_bias_rmse"));
  const ProgramResult again =
      run({"train", "ratings.csv", "-k", "4", "--algo", "als", "--epochs", "2", "--valid-frac", "0.1"});
  EXPECT_THAT(again.err, HasSubstr("alternating least squares, exact · λ"));
  EXPECT_THAT(again.err, HasSubstr("at most 2 sweeps"));
}

TEST_F(TrainedFolder, AlsGivesTheSameModelForAnyThreadsAndOrderOfLines) {
  std::vector<std::string> lines = lines_of(small_ratings());
  std::string reversed = lines.front() + '\n';
  // ids keep their rows: the first user's lines stay in front, and name all items but those that nobody else names
  for (std::size_t n = lines.size() - 1; n > 0; --n) reversed += lines[n] + '\n';
  folder_.write("reversed.csv", reversed);
  const auto train = [&](const std::string& data, const std::string& threads) {
    return run({"train",     data,         "--algorithm", "als",         "-k",
                "3",         "--epochs",   "3",           "--no-valid",  "--init",
                "uniform",   "--init-low", "0.5",         "--init-high", "0.5",
                "--threads", threads,      "--json",      "-o",          "model" + threads + ".safetensors"});
  };
  const ProgramResult one = train("ratings.csv", "1"), two = train("ratings.csv", "2");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(read_text(folder_.file("model1.safetensors")).size(), read_text(folder_.file("model2.safetensors")).size());
  EXPECT_EQ(number_of(one, "train_loss"), number_of(two, "train_loss"));
  EXPECT_NEAR(number_of(one, "train_loss"), number_of(train("reversed.csv", "2"), "train_loss"), 1e-5);
}

TEST_F(TrainedFolder, ImplicitIsIalsAndRanksWhatIsRatedFirst) {
  const ProgramResult result = run({"train", "ratings.csv", "--implicit", "-k", "4", "--json", "-o", "i.safetensors"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("config").at("algorithm"), "ials");
  EXPECT_EQ(nlohmann::json::parse(result.out).at("config").at("biases"), false);
  EXPECT_TRUE(nlohmann::json::parse(result.out).at("valid_rmse").is_null());
  // user 100 likes items of even number; with its rated ones kept, those lead
  const ProgramResult top = run({"recommend", "i.safetensors", "--user", "100", "--keep-seen", "-n", "3", "--json"});
  EXPECT_EQ(top.exit_code, 0) << top.err;
}

TEST_F(TrainedFolder, SolversThatGoAllTheWayAreExact) {
  const auto loss = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"train", "ratings.csv", "--implicit", "-k",     "6",  "--epochs",
                                   "3",     "--lambda",    "0.1",        "--json", "-o", "s.safetensors"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return number_of(result, "train_loss");
  };
  const double exact = loss({});
  // three sweeps of float solutions, each with the rounding of a condition number of some hundreds
  EXPECT_NEAR(loss({"--solver", "cg", "--cg-steps", "30"}), exact, 1e-3 * exact);
  EXPECT_NEAR(loss({"--solver", "subspace", "--block", "6"}), exact, 1e-3 * exact);
  EXPECT_NEAR(loss({"--engine", "reference"}), exact, 1e-3 * exact);
  EXPECT_GT(std::abs(loss({"--solver", "cg", "--cg-steps", "1"}) - exact), 1e-3 * exact);
}

TEST_F(TrainedFolder, ConventionsBringTheirOwnDefaults) {
  const auto config = [&](const char* convention) {
    const ProgramResult result =
        run({"train", "ratings.csv", "--implicit", "--convention", convention, "--epochs", "1", "-k", "2", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out).at("config");
  };
  EXPECT_EQ(config("implicit").at("reg_scaling"), "none");
  EXPECT_EQ(config("implicit").at("lambda_user"), 0.01);
  EXPECT_EQ(config("spark").at("reg_scaling"), "count");
  EXPECT_EQ(config("spark").at("unobserved_weight"), 1);
  EXPECT_EQ(config("ials").at("reg_scaling"), "weight");
}

TEST_F(TrainedFolder, NuIsTakenWhereItCountsWithoutBeingAskedFor) {
  const auto train = [&](std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"train", "ratings.csv", "-k", "2", "--epochs", "1", "--no-valid", "--implicit", "--nu", "0.5"});
    return run(options).exit_code;
  };
  EXPECT_EQ(train({}), 0);
  EXPECT_EQ(train({"--convention", "ials"}), 0);
  EXPECT_EQ(train({"--convention", "spark"}), 2);
  EXPECT_EQ(train({"--convention", "spark", "--reg-scaling", "weight"}), 0);
  EXPECT_EQ(train({"--reg-scaling", "count"}), 2);
}

TEST_F(TrainedFolder, RowsWithoutATrainingRatingAreCounted) {
  const ProgramResult result = run({"train", "ratings.csv", "--algorithm", "als", "-k", "2", "--epochs", "2", "--ids",
                                    "rows", "--n-users", "200", "--n-items", "600", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(number_of(result, "empty_rows"), 200 - kSmallUsers + 600 - kSmallItems);
}

TEST_F(TrainedFolder, FactorsThatNothingSettlesAreNoted) {
  const ProgramResult result = run({"train", "ratings.csv", "--algorithm", "als", "-k", "64", "--epochs", "1",
                                    "--lambda", "0", "--lambda-bias", "0", "--no-valid"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("--lambda above 0 would settle them"));
  EXPECT_THAT(result.err, Not(HasSubstr("nan")));
}

TEST_F(TrainedFolder, WarmStartBeginsWhereTheOtherEnded) {
  const auto train = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"train", "ratings.csv", "--algorithm", "als", "-k", "4", "--no-valid", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return number_of(result, "train_loss");
  };
  train({"--epochs", "5", "-o", "five.safetensors"});
  const double on = train({"--epochs", "1", "--init-from", "five.safetensors", "-o", "six.safetensors"});
  EXPECT_NEAR(on, train({"--epochs", "6", "-o", "whole.safetensors"}), 1e-6);
}

}  // namespace
}  // namespace wf::test
