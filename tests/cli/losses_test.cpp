// --loss on the command line: LIBMF's numbers, what a loss asks of the ratings, and what is reported in place of RMSE.
#include "tests/cli/small_data.hpp"

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json config_of(const ProgramResult& result) {
  return json::parse(result.out)["config"];
}

TEST_F(TrainedFolder, LossesGoByTheNumbersOfLibmf) {
  for (const auto& [number, loss] :
       {std::pair{"0", "mse"}, std::pair{"1", "l1"}, std::pair{"2", "kl"}, std::pair{"5", "logistic"},
        std::pair{"6", "squared_hinge"}, std::pair{"7", "hinge"}}) {
    const ProgramResult result =
        run({"train", "ratings.csv", "--loss", number, "--epochs", "1", "-o", "m.safetensors", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(config_of(result)["loss"], loss);
  }
  const ProgramResult one_class = run({"train", "ratings.csv", "--loss", "12", "--epochs", "1", "--json"});
  ASSERT_EQ(one_class.exit_code, 0) << one_class.err;
  EXPECT_EQ(config_of(one_class)["algorithm"], "ials");
}

TEST_F(TrainedFolder, KlKeepsFactorsNonnegativeAndScoresAboveZero) {
  const ProgramResult result =
      run({"train", "ratings.csv", "-k", "4", "--loss", "kl", "-o", "kl.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(config_of(result)["nonnegative"], true);
  EXPECT_EQ(config_of(result)["biases"], false);
  EXPECT_LT(json::parse(result.out)["valid_rmse"], json::parse(result.out)["baseline_mean_rmse"]);
  std::string pairs;
  for (int u = 0; u < kSmallUsers; ++u) pairs += std::to_string(100 + u) + ",503\n";
  for (const std::string& line : lines_of(run({"predict", "kl.safetensors", "-", "--json"}, pairs).out)) {
    EXPECT_GE(json::parse(line)["prediction"], 0) << line;
  }
}

TEST_F(TrainedFolder, KlRefusesRatingsBelowZeroAndMiniBatches) {
  folder_.write("below.csv", "a,x,1\nb,y,-0.5\n");
  const ProgramResult below = run({"train", "below.csv", "--loss", "kl"});
  EXPECT_EQ(below.exit_code, 2);
  EXPECT_THAT(below.err, HasSubstr("these begin at -0.5"));
  const ProgramResult batches = run({"train", "ratings.csv", "--loss", "kl", "--batch-size", "8"});
  EXPECT_EQ(batches.exit_code, 2);
  EXPECT_THAT(batches.err, HasSubstr("leave out --batch-size"));
}

/// 1 for what is liked, 0 for what is not.
std::string small_labels() {
  std::string text = "user,item,rating\n";
  for (int u = 0; u < kSmallUsers; ++u) {
    for (int i = 0; i < kSmallItems; ++i) {
      if (!is_rated(u, i)) continue;
      text += std::to_string(u) + ',' + std::to_string(i) + ',' + (planted_rating(u, i) > 3 ? "1\n" : "0\n");
    }
  }
  return text;
}

class Classes : public TrainedFolder, public testing::WithParamInterface<const char*> {};

TEST_P(Classes, AreLearntAndReportedAsTheShareThatIsWrong) {
  folder_.write("labels.csv", small_labels());
  const ProgramResult result =
      run({"train", "labels.csv", "-k", "4", "--loss", GetParam(), "--valid-frac", "0.2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("% wrong at epoch"));
  EXPECT_THAT(result.err, Not(HasSubstr("RMSE")));
  EXPECT_THAT(result.err, Not(HasSubstr("biases only"))) << "an error in ratings says nothing about classes";
  const json summary = json::parse(result.out);
  EXPECT_LT(summary["valid_mae"], 0.1) << "of planted classes, half of the pairs each";
  const json evaluation = json::parse(run({"evaluate", "labels.safetensors", "labels.csv", "--json"}).out);
  EXPECT_GT(evaluation["accuracy"], 0.9);
  EXPECT_DOUBLE_EQ(evaluation["accuracy"].get<double>(), 1 - evaluation["mae"].get<double>());
  const std::string text = run({"evaluate", "labels.safetensors", "labels.csv"}).out;
  EXPECT_THAT(text, HasSubstr("accuracy"));
  EXPECT_THAT(text, Not(HasSubstr("rmse")));
}

INSTANTIATE_TEST_SUITE_P(Losses, Classes, testing::Values("logistic", "hinge", "squared_hinge"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(TrainedFolder, OneClassAloneTeachesNothing) {
  EXPECT_THAT(run({"train", "ratings.csv", "--epochs", "1", "--loss", "hinge", "-o", "m.safetensors"}).err,
              HasSubstr("every rating is above 0, one of two classes: --loss hinge learns nothing"));
}

TEST_F(TrainedFolder, L1GoesToEachSideByItself) {
  const auto l1_of = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"train", "ratings.csv", "--epochs", "1", "-o", "m.safetensors", "--json"});
    const ProgramResult result = run(options);
    const json config = config_of(result);
    return std::pair{config["l1_user"].get<double>(), config["l1_item"].get<double>()};
  };
  EXPECT_EQ(l1_of({"--l1", "0.5"}), (std::pair{0.5, 0.5}));
  EXPECT_EQ(l1_of({"--l1-item", "0.25"}), (std::pair{0.0, 0.25}));
  EXPECT_EQ(l1_of({"--l1", "0.5", "--l1-user", "0.125"}), (std::pair{0.125, 0.5}));
  EXPECT_THAT(run({"train", "ratings.csv", "--epochs", "1", "--l1-user", "0.5", "-o", "m.safetensors"}).err,
              HasSubstr("L1 0.5 (users), 0 (items)"));
  EXPECT_EQ(run({"train", "ratings.csv", "--l1-user", "0.5", "--batch-size", "8"}).exit_code, 2);
}

}  // namespace
}  // namespace wf::test
