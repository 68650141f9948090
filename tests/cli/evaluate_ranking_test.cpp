// evaluate --at: ranking metrics of a model small enough to know the answer by hand.
#include "tests/cli/small_data.hpp"

#include <cmath>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// Two users with opposite tastes: 0 ranks items 3, 2, 1, 0, and 1 ranks 0, 1, 2, 3.
class ByHand : public testing::Test {
 protected:
  ByHand() {
    folder_.write("m.libmf", "f 0\nm 2\nn 4\nk 1\nb 2.5\np0 T 1\np1 T -1\nq0 T 1\nq1 T 2\nq2 T 3\nq3 T 4\n");
    folder_.write("train.csv", "user,item,rating\n0,3,5\n1,3,1\n");
    folder_.write("test.csv", "user,item,rating\n0,2,5\n0,0,2\n1,1,4\n");
  }
  json evaluate(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"evaluate", "m.libmf", "test.csv", "--train", "train.csv", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run_in(folder_, words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }

  TemporaryFolder folder_;
};

TEST_F(ByHand, EveryMeasureIsTheMeanOfBothUsers) {
  const json of = evaluate({"--at", "2,1"});
  // user 0 without item 3: 2 (relevant), 1, 0 (relevant); user 1: 0, 1 (relevant), 2
  EXPECT_DOUBLE_EQ(of["precision@1"], 0.5);
  EXPECT_DOUBLE_EQ(of["recall@1"], 0.25);
  EXPECT_DOUBLE_EQ(of["hit_rate@1"], 0.5);
  EXPECT_DOUBLE_EQ(of["precision@2"], 0.5);
  EXPECT_DOUBLE_EQ(of["recall@2"], 0.75);
  EXPECT_DOUBLE_EQ(of["hit_rate@2"], 1);
  EXPECT_DOUBLE_EQ(of["ndcg@2"], (1 / (1 + 1 / std::log2(3.0)) + 1 / std::log2(3.0)) / 2);
  EXPECT_DOUBLE_EQ(of["map@2"], 0.5) << "1 of 2 places, and a precision of 1/2";
  EXPECT_DOUBLE_EQ(of["mrr@2"], 0.75);
  EXPECT_DOUBLE_EQ(of["auc"], 0.5) << "user 0: item 1 is below 2 and above 0; user 1: item 1 is below 0 and above 2";
  EXPECT_DOUBLE_EQ(of["coverage@1"], 0.5);
  EXPECT_DOUBLE_EQ(of["popularity@1"], 0);
  EXPECT_EQ(of["n_ranked_users"], 2);
  EXPECT_EQ(of["n"], 3) << "the errors are measured as ever";
}

TEST_F(ByHand, SeenItemsAreRankedWhereAskedFor) {
  const json of = evaluate({"--at", "1", "--keep-seen"});
  EXPECT_DOUBLE_EQ(of["precision@1"], 0) << "item 3 is user 0's first";
  EXPECT_DOUBLE_EQ(of["popularity@1"], 1) << "item 3 has two ratings, item 0 none";
}

TEST_F(ByHand, WhatIsRelevantCanBeSaid) {
  const json of = evaluate({"--at", "1", "--relevant-from", "4"});
  EXPECT_DOUBLE_EQ(of["recall@1"], 0.5);
  EXPECT_EQ(of["n_relevant"], 2);
  const json none = evaluate({"--at", "1", "--relevant-from", "6"});
  EXPECT_EQ(none["n_ranked_users"], 0);
  EXPECT_EQ(none["n_left_out_users"], 2);
  for (const char* name : {"precision@1", "recall@1", "ndcg@1", "mrr@1", "coverage@1", "gini@1", "popularity@1"}) {
    EXPECT_TRUE(none[name].is_null()) << name;
  }
  EXPECT_TRUE(none["auc"].is_null());
}

TEST_F(ByHand, WithoutAUserThereAreNoMeansAndANoteSaysWhy) {
  const ProgramResult result =
      run_in(folder_, {"evaluate", "m.libmf", "test.csv", "--train", "train.csv", "--at", "1", "--relevant-from", "6"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr("@1")));
  EXPECT_THAT(result.out, HasSubstr("n_ranked_users      0\n"));
  EXPECT_THAT(result.err, HasSubstr("no ranking metrics: no user is known and has something relevant"));
  EXPECT_THAT(result.err, HasSubstr("relevant: ratings from 6"));
  EXPECT_THAT(result.err, HasSubstr("2 users left out"));
}

TEST_F(ByHand, UsersWithoutAnythingRelevantAreCounted) {
  const json of = evaluate({"--at", "1", "--relevant-from", "5"});
  EXPECT_EQ(of["n_ranked_users"], 1);
  EXPECT_EQ(of["n_left_out_users"], 1) << "user 1 has a 4";
}

TEST_F(ByHand, WhatCannotBeFoundIsCounted) {
  folder_.write("test.csv", "user,item,rating\n0,2,5\n0,77,5\n0,3,5\n9,1,1\n1,3,1\n");
  const json of = evaluate({"--at", "1"});
  EXPECT_DOUBLE_EQ(of["recall@1"], 0.5) << "77 counts and is not found, 3 does not count";
  EXPECT_EQ(of["n_ranked_users"], 1);
  EXPECT_EQ(of["n_left_out_users"], 2) << "9 is unknown, 1 has seen 3";
  EXPECT_EQ(of["n_relevant_unknown"], 1);
  EXPECT_EQ(of["n_relevant_seen"], 2);
}

TEST_F(ByHand, TextHasTheSameNumbersAndANoteSaysWhatTheyAre) {
  const ProgramResult result =
      run_in(folder_, {"evaluate", "m.libmf", "test.csv", "--train", "train.csv", "--topk", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("rmse "));
  EXPECT_THAT(result.out, HasSubstr("\nrecall@2            0.750000\n"));
  EXPECT_THAT(result.out, HasSubstr("\nauc                 0.500000\n"));
  EXPECT_THAT(result.err, HasSubstr("means over 2 users, each counting as one; relevant: every rating"));
  EXPECT_THAT(result.err, Not(HasSubstr("sampled")));
}

TEST_F(ByHand, SampledRankingsWarn) {
  const ProgramResult result =
      run_in(folder_, {"evaluate", "m.libmf", "test.csv", "--train", "train.csv", "--at", "1", "--sampled", "50"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("recall@1            0.250000")) << "there are no 50 others: all are ranked";
  EXPECT_THAT(result.err, HasSubstr("50 sampled items: no estimate"));
}

TEST_F(ByHand, NeedsToKnowWhatWasSeen) {
  const ProgramResult result = run_in(folder_, {"evaluate", "m.libmf", "test.csv", "--at", "1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--train FILE"));
  const ProgramResult kept = run_in(folder_, {"evaluate", "m.libmf", "test.csv", "--at", "1", "--keep-seen", "--json"});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_TRUE(json::parse(kept.out)["popularity@1"].is_null());
}

TEST_F(ByHand, RefusesWhatMakesNoSense) {
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"evaluate", "m.libmf", "test.csv"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run_in(folder_, words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"--at", "0"}), HasSubstr("it takes 1 to"));
  EXPECT_THAT(error({"--at", "5,"}), HasSubstr("--at"));
  EXPECT_THAT(error({"--at", "5", "--topk", "6"}), HasSubstr("--at"));
  EXPECT_THAT(error({"--relevant-from", "4"}), HasSubstr("add --at K"));
  EXPECT_THAT(error({"--sampled", "10"}), HasSubstr("add --at K"));
  EXPECT_THAT(error({"--at", "5", "--seed", "1"}), HasSubstr("--sampled"));
}

TEST_F(TrainedFolder, TheValidationPartWasNotTrainedOn) {
  const auto evaluate = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"evaluate", "ratings.safetensors", "ratings.csv", "--at", "25", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  };
  const json info = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  const json of = evaluate({});
  const int trained_on = info["metadata"]["n_ratings"].get<int>(), all = of["n"].get<int>();
  ASSERT_LT(trained_on, all);
  EXPECT_EQ(of["n_relevant_seen"], trained_on);
  EXPECT_EQ(of["n_relevant"], all - trained_on);
  EXPECT_DOUBLE_EQ(evaluate({"--keep-seen"})["popularity@25"].get<double>(), trained_on / 25.0) << "of all items";
}

TEST_F(TrainedFolder, PairsThatAreAllUnknownHaveNoLoss) {
  ASSERT_EQ(
      run({"train", "ratings.csv", "-k", "2", "--loss", "warp", "--epochs", "2", "-o", "w.safetensors"}).exit_code, 0);
  folder_.write("unknown.csv", "userId,movieId,rating\n7,8,5\n9,8,4\n");
  const ProgramResult text = run({"evaluate", "w.safetensors", "unknown.csv", "--at", "10"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, Not(HasSubstr("nan")));
  EXPECT_THAT(text.out, HasSubstr("n                   0\nn_left_out          2\n"));
  EXPECT_THAT(text.err, HasSubstr("no loss and no accuracy"));
  const json of = json::parse(run({"evaluate", "w.safetensors", "unknown.csv", "--at", "10", "--json"}).out);
  EXPECT_TRUE(of["loss"].is_null());
  EXPECT_TRUE(of["accuracy"].is_null());
  EXPECT_TRUE(of["precision@10"].is_null());
  EXPECT_EQ(of["n_left_out_users"], 2);
}

TEST_F(TrainedFolder, ScoresThatAreNoRatingsAreSaidToBeNone) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> ways{
      {{"--implicit"}, "its scores put items in order, and are no ratings"},
      {{"--algorithm", "svd"}, "svd counts cells without a rating as 0"},
      {{"--algorithm", "pca"}, "pca counts cells without a rating as 0"},
      {{"--algorithm", "nmf", "--missing", "zero"}, "nmf counts cells without a rating as 0"}};
  for (const auto& [way, note] : ways) {
    std::vector<std::string> words{"train", "ratings.csv", "-k", "2", "-o", "m.safetensors"};
    words.insert(words.end(), way.begin(), way.end());
    ASSERT_EQ(run(words).exit_code, 0) << way.back();
    EXPECT_THAT(run({"evaluate", "m.safetensors", "ratings.csv"}).err, HasSubstr(note));
  }
  EXPECT_THAT(run({"evaluate", "ratings.safetensors", "ratings.csv"}).err,
              testing::AllOf(Not(HasSubstr("no ratings")), Not(HasSubstr("as 0"))));
}

TEST_F(TrainedFolder, ALossOfPairsIsRankedByWhatItLearnt) {
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "4", "--loss", "bpr", "--positive-from", "4", "--epochs", "30", "-o",
                 "r.safetensors"})
                .exit_code,
            0);
  std::string unseen = "user,item,rating\n";  // of the user's own parity: liked
  for (int u = 0; u < kSmallUsers; ++u) {
    for (int i = 0; i < kSmallItems; ++i) {
      if (!is_rated(u, i)) {
        unseen += std::to_string(100 + u) + ',' + std::to_string(500 + i) + ',' + (u % 2 == i % 2 ? "5" : "1") + '\n';
      }
    }
  }
  folder_.write("unseen.csv", unseen);
  for (const char* threads : {"1", "3"}) {
    const ProgramResult result =
        run({"evaluate", "r.safetensors", "unseen.csv", "--at", "3", "--json", "--threads", threads});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json of = json::parse(result.out);
    EXPECT_GT(of["auc"], 0.9) << "0.5 is chance";
    EXPECT_GT(of["accuracy"], 0.8);
    EXPECT_THAT(result.err, HasSubstr("relevant: ratings from 4"));
  }
}

}  // namespace
}  // namespace wf::test
