// Losses of pairs on the command line: what they learn, what they say, and what they refuse.
#include "tests/cli/small_data.hpp"

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Ranking : public TrainedFolder, public testing::WithParamInterface<const char*> {};

/// small_ratings has two tastes: what a user rates 4 and more is of the user's own parity.
TEST_P(Ranking, LearnsWhichItemsAUserPrefers) {
  const ProgramResult result = run({"train", "ratings.csv", "-k", "4", "--loss", GetParam(), "--positive-from", "4",
                                    "--valid-frac", "0.2", "-o", "r.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json summary = json::parse(result.out);
  EXPECT_LT(summary["valid_mae"], 0.15) << "of the pairs are in the wrong order; half would be by chance";
  EXPECT_EQ(summary["best_epoch"], summary["epochs"]) << "the last epoch is the model";
  EXPECT_EQ(summary["config"]["positive_from"], 4);
  EXPECT_THAT(result.err, HasSubstr("4 and above count"));
  EXPECT_THAT(result.err, HasSubstr("% of pairs in the wrong order at epoch"));
  EXPECT_THAT(result.err, HasSubstr("the last one is the model"));
  EXPECT_THAT(result.err, Not(HasSubstr("RMSE")));

  const json evaluation = json::parse(run({"evaluate", "r.safetensors", "ratings.csv", "--json"}).out);
  EXPECT_GT(evaluation["accuracy"], 0.85);
  EXPECT_EQ(evaluation["n"].get<int>() + evaluation["n_left_out"].get<int>(),
            static_cast<int>(lines_of(small_ratings()).size()) - 1);
}

TEST_P(Ranking, GivesTheSameModelOnAnyNumberOfThreads) {
  const auto predictions = [&](const std::string& threads) {
    const ProgramResult trained = run({"train", "ratings.csv", "-k", "9", "--loss", GetParam(), "--epochs", "3",
                                       "--grid", "4", "--threads", threads, "-o", "t" + threads + ".safetensors"});
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
    return run({"predict", "t" + threads + ".safetensors", "ratings.csv"}).out;
  };
  const std::string alone = predictions("1");
  EXPECT_EQ(predictions("2"), alone);
  EXPECT_EQ(predictions("3"), alone);
}

INSTANTIATE_TEST_SUITE_P(Losses, Ranking, testing::Values("bpr", "bpr_item", "warp"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(TrainedFolder, LossesOfPairsTrainOnEverythingUnlessToldOtherwise) {
  const ProgramResult result =
      run({"train", "ratings.csv", "-k", "4", "--loss", "10", "-o", "r.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["config"]["loss"], "bpr");
  EXPECT_EQ(summary["epochs"], 100);
  EXPECT_TRUE(summary["valid_loss"].is_null());
  EXPECT_THAT(result.err, HasSubstr("everything trains"));
  const json warp =
      json::parse(run({"train", "ratings.csv", "-k", "4", "--loss", "warp", "-o", "w.safetensors", "--json"}).out);
  EXPECT_EQ(warp["epochs"], 30);
  const json by_item = json::parse(
      run({"train", "ratings.csv", "-k", "4", "--loss", "11", "--epochs", "2", "-o", "i.safetensors", "--json"}).out);
  EXPECT_EQ(by_item["config"]["loss"], "bpr_item");
}

TEST_F(TrainedFolder, PairsNeedOneRatingThatCounts) {
  const ProgramResult none = run({"train", "ratings.csv", "--loss", "bpr", "--positive-from", "6"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("no rating is 6 and above"));
  folder_.write("pairs.csv", "a,x\nb,y\na,y\nc,x\n");
  const ProgramResult implicit = run({"train", "pairs.csv", "-k", "2", "--loss", "bpr", "--epochs", "2"});
  EXPECT_EQ(implicit.exit_code, 0) << implicit.err;
  EXPECT_THAT(implicit.err, Not(HasSubstr("learns nothing")));
  EXPECT_THAT(implicit.err, HasSubstr("2 ratings in an epoch had nothing unrated")) << "user a has both items";
}

TEST_F(TrainedFolder, PairsRefuseWhatIsNotForThem) {
  const auto error = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"train", "ratings.csv"});
    const ProgramResult result = run(options);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"--loss", "bpr", "--batch-size", "8"}), HasSubstr("leave out --batch-size"));
  EXPECT_THAT(error({"--loss", "warp", "--memory", "1G"}), HasSubstr("needs all ratings in memory"));
  EXPECT_THAT(error({"--loss", "bpr", "--storage", "fp16"}), HasSubstr("leave out --storage"));
  EXPECT_THAT(error({"--loss", "bpr", "--device-plan", "tiles"}), HasSubstr("a plan of its own"));
  EXPECT_THAT(error({"--loss", "bpr", "--negatives", "5"}), HasSubstr("it needs --loss warp"));
  EXPECT_THAT(error({"--loss", "bpr", "--global-mean", "1"}), HasSubstr("a loss of single ratings"));
  EXPECT_THAT(error({"--loss", "bpr", "--bias-init", "fitted"}), HasSubstr("which --loss bpr is not"));
  EXPECT_THAT(error({"--positive-from", "4"}), HasSubstr("it needs --loss bpr"));
}

}  // namespace
}  // namespace wf::test
