// recommend for all users, and among some items only.
#include "tests/cli/small_data.hpp"

#include <set>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST_F(TrainedFolder, AllUsersGetWhatEachGetsAlone) {
  const ProgramResult all = run({"recommend", "ratings.safetensors", "--all-users", "-n", "3"});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const auto lines = lines_of(all.out);
  ASSERT_EQ(lines.size(), 1U + 3 * kSmallUsers);
  std::set<std::string> users;
  for (std::size_t n = 1; n < lines.size(); ++n) users.insert(lines[n].substr(0, 3));
  EXPECT_EQ(users.size(), std::size_t{kSmallUsers});
  const auto alone = lines_of(run({"recommend", "ratings.safetensors", "--user", "117", "-n", "3"}).out);
  for (std::size_t n = 1; n < alone.size(); ++n) EXPECT_THAT(lines, testing::Contains(alone[n]));
  EXPECT_EQ(run({"recommend", "ratings.safetensors", "--all-users", "-n", "3", "--threads", "3"}).out, all.out);
  EXPECT_EQ(run({"recommend", "ratings.safetensors", "--all-users", "-n", "3", "--engine", "reference"}).exit_code, 0);
}

TEST_F(TrainedFolder, AModelThatKeepsWhatIsSeenNeedsNoTrainingFile) {
  const ProgramResult trained = run({"train", "ratings.csv", "--epochs", "3", "-o", "own.safetensors"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::vector<std::string> one = {"recommend", "own.safetensors", "--user", "103", "-n", "4"};
  const std::vector<std::string> all = {"recommend", "own.safetensors", "--all-users", "-n", "4"};
  std::vector<std::string> by_file = all;
  by_file.insert(by_file.end(), {"--seen", "ratings.csv"});
  const ProgramResult expected = run(by_file);
  ASSERT_EQ(expected.exit_code, 0) << expected.err;
  folder_.write("ratings.csv", "gone\n");
  const ProgramResult alone = run(one), together = run(all);
  EXPECT_EQ(together.out, expected.out) << together.err;
  EXPECT_EQ(alone.exit_code, 0) << alone.err;
  for (const std::string& line : lines_of(alone.out)) EXPECT_THAT(lines_of(expected.out), testing::Contains(line));
  EXPECT_NE(run({"recommend", "own.safetensors", "--all-users", "-n", "4", "--keep-seen"}).out, expected.out);
}

/// As before models kept anything: from the file, while it is the one of the training.
TEST_F(TrainedFolder, AModelThatKeepsNothingReadsItsTrainingFile) {
  ASSERT_EQ(run({"train", "ratings.csv", "--epochs", "3", "--no-save-seen", "-o", "bare.safetensors"}).exit_code, 0);
  ASSERT_EQ(run({"train", "ratings.csv", "--epochs", "3", "-o", "own.safetensors"}).exit_code, 0);
  EXPECT_LT(read_text(folder_.file("bare.safetensors")).size(), read_text(folder_.file("own.safetensors")).size());
  EXPECT_THAT(run({"info", "bare.safetensors"}).out, HasSubstr("seen                not kept"));
  EXPECT_THAT(run({"info", "own.safetensors"}).out, HasSubstr("pairs of user and item kept"));
  const ProgramResult bare = run({"recommend", "bare.safetensors", "--all-users", "-n", "4"});
  EXPECT_EQ(bare.out, run({"recommend", "own.safetensors", "--all-users", "-n", "4"}).out) << bare.err;
}

/// What does not count for a loss of pairs has been seen all the same.
TEST_F(TrainedFolder, WhatIsSeenIsAllOfTheDataWithALossOfPairsToo) {
  const std::vector<std::string> train = {"train", "ratings.csv", "--loss", "bpr", "--positive-from",
                                          "4",     "--epochs",    "2",      "-o",  "pairs.safetensors"};
  ASSERT_EQ(run(train).exit_code, 0);
  const std::vector<std::string> all = {"recommend", "pairs.safetensors", "--all-users", "-n", "25"};
  std::vector<std::string> by_file = all;
  by_file.insert(by_file.end(), {"--seen", "ratings.csv"});
  EXPECT_EQ(run(all).out, run(by_file).out);
}

TEST_F(TrainedFolder, AModelThatKeepsWhatIsSeenIsEvaluatedWithoutItsTrainingFile) {
  ASSERT_EQ(run({"train", "ratings.csv", "--epochs", "2", "--no-valid", "-o", "own.safetensors"}).exit_code, 0);
  folder_.write("new.csv", "user,item,rating\n103,500,5\n117,503,4\n");
  const ProgramResult by_file = run({"evaluate", "own.safetensors", "new.csv", "--at", "3", "--json"});
  ASSERT_EQ(by_file.exit_code, 0) << by_file.err;
  folder_.write("ratings.csv", "gone\n");
  const ProgramResult alone = run({"evaluate", "own.safetensors", "new.csv", "--at", "3", "--json"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  for (const char* key : {"ndcg@3", "recall@3", "popularity@3", "n_relevant_seen"}) {
    EXPECT_EQ(json::parse(alone.out)[key], json::parse(by_file.out)[key]) << key;
  }
}

/// Pages are gone through where they lie; stdin is no file to read again.
TEST_F(TrainedFolder, WhatIsSeenIsKeptOfPagesAndOfStdinToo) {
  ASSERT_EQ(run({"convert", "ratings.csv", "-o", "ratings.wfr"}).exit_code, 0);
  ASSERT_EQ(run({"train", "ratings.wfr", "--epochs", "2", "-o", "pages.safetensors"}).exit_code, 0);
  const ProgramResult by_file =
      run({"recommend", "pages.safetensors", "--all-users", "-n", "4", "--seen", "ratings.csv"});
  EXPECT_EQ(run({"recommend", "pages.safetensors", "--all-users", "-n", "4", "--seen", "ratings.wfr"}).out,
            by_file.out);
  EXPECT_EQ(run({"recommend", "pages.safetensors", "--all-users", "-n", "4"}).out, by_file.out);
  const ProgramResult folds = run({"train", "ratings.csv", "--folds", "2", "--no-save-seen"});
  EXPECT_EQ(folds.exit_code, 2);
  EXPECT_THAT(folds.err, HasSubstr("--no-save-seen has no effect with --folds"));
}

TEST_F(TrainedFolder, OnlyAllowedItemsThatAreNotDenied) {
  folder_.write("allow.txt", "500\n501\n502\n503\nnothing\n501\n");
  folder_.write("deny.txt", "502\n");
  const ProgramResult result = run({"recommend", "ratings.safetensors", "--user", "103", "--keep-seen", "--candidates",
                                    "allow.txt", "--deny", "deny.txt", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::set<std::string> items;
  for (const std::string& line : lines_of(result.out)) items.insert(json::parse(line)["item"].get<std::string>());
  EXPECT_EQ(items, (std::set<std::string>{"500", "501", "503"}));
  EXPECT_THAT(result.err, HasSubstr("1 item of allow.txt not among the model's"));
  EXPECT_THAT(result.err, HasSubstr("user 103 gets 3 of 10: of 25 items 3 may be recommended, of which 0 are seen"));
}

/// Of item 0, 9e76 and -9e76 add up: infinities in fp32.
TEST_F(TrainedFolder, ItemsWhoseScoreIsNoNumberAreInNoListAndANoteSaysSo) {
  folder_.write("huge.libmf", "f 0\nm 1\nn 3\nk 2\nb 0\np0 T 3e38 3e38\nq0 T 3e38 -3e38\nq1 T 1 0\nq2 T 0 0.5\n");
  const ProgramResult result =
      run({"recommend", "huge.libmf", "--user", "0", "--keep-seen", "-n", "3", "--engine", "cpu"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(lines_of(result.out), testing::ElementsAre("user,rank,item,score", testing::StartsWith("0,1,1,3"),
                                                         testing::StartsWith("0,2,2,1.5")));
  EXPECT_THAT(result.err, HasSubstr("gets 2 of 3: of 3 items 0 are seen already, and the scores of 1 are no numbers"));
}

TEST_F(TrainedFolder, ManyShortListsAreCounted) {
  const ProgramResult result = run({"recommend", "ratings.safetensors", "--all-users", "-n", "25"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("user 100 gets "));
  EXPECT_THAT(result.err, HasSubstr("30 users more get fewer than 25"));
}

TEST_F(TrainedFolder, ListsOfItemsAreChecked) {
  folder_.write("none.txt", "x\ny\n");
  folder_.write("empty.txt", "\n");
  const auto error = [&](const std::vector<std::string>& more, int exit_code) {
    std::vector<std::string> words{"recommend", "ratings.safetensors", "--keep-seen"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"--user", "100", "--allow", "none.txt"}, 3), HasSubstr("none of its 2 items is among"));
  EXPECT_THAT(error({"--user", "100", "--deny", "empty.txt"}, 3), HasSubstr("it holds no item"));
  EXPECT_THAT(error({"--user", "100", "--deny", "absent.txt"}, 3), HasSubstr("--deny takes a file"));
  EXPECT_THAT(error({"--user", "100", "--all-users"}, 2), HasSubstr("leave out --user"));
  EXPECT_THAT(error({}, 2), HasSubstr("for which user?"));
}

/// What a user of the model has rated, as the history of somebody new.
std::string history_of(int u) {
  std::string text = "userId,movieId,rating\n";
  for (int i = 0; i < kSmallItems; ++i) {
    if (is_rated(u, i))
      text += "stranger," + std::to_string(500 + i) + ',' + std::to_string(planted_rating(u, i)) + '\n';
  }
  return text + "stranger,999,5\nnobody,998,1\n";
}

/// Items of small_ratings are liked by users of their parity, which these have learnt.
TEST_F(TrainedFolder, AStrangerWithAHistoryGetsWhatTheyLike) {
  const std::vector<std::vector<std::string>> ways{{"--algorithm", "als"},
                                                   {"--algorithm", "ccd"},
                                                   {"--loss", "mse"},
                                                   {"--loss", "huber", "--lr", "0.05", "--lambda", "0.01"},
                                                   {"--loss", "bpr", "--positive-from", "4"},
                                                   {"--loss", "warp", "--positive-from", "4"}};
  folder_.write("history.csv", history_of(5));
  for (const auto& way : ways) {
    std::vector<std::string> words{"train",      "ratings.csv", "-k",           "4", "--epochs", "60",
                                   "--no-valid", "-o",          "m.safetensors"};
    words.insert(words.end(), way.begin(), way.end());
    ASSERT_EQ(run(words).exit_code, 0) << way[1];
    const ProgramResult result = run({"recommend", "m.safetensors", "--history", "history.csv", "-n", "2"});
    ASSERT_EQ(result.exit_code, 0) << way[1] << result.err;
    const auto lines = lines_of(result.out);
    ASSERT_EQ(lines.size(), 3U) << way[1] << result.out;
    for (std::size_t n = 1; n < lines.size(); ++n) {
      EXPECT_THAT(lines[n], testing::StartsWith("stranger," + std::to_string(n) + ",5")) << way[1];
      const int item = std::stoi(lines[n].substr(11, 3)) - 500;
      EXPECT_FALSE(is_rated(5, item)) << way[1] << ": " << lines[n];
      EXPECT_EQ(item % 2, 1) << way[1] << ": " << lines[n];
    }
    EXPECT_THAT(result.err, HasSubstr("2 ratings of history.csv of items that the model does not know"));
    EXPECT_THAT(result.err, HasSubstr("1 user of history.csv without a rating of a known item"));
  }
}

/// After many sweeps, a user's factors no longer change: those of a stranger with the same ratings are the same.
TEST_F(TrainedFolder, AHistoryThatTheModelWasTrainedOnGetsTheSameList) {
  const std::vector<std::vector<std::string>> ways{
      {"--algorithm", "als"}, {"--implicit", "--alpha", "5"}, {"--algorithm", "nmf", "--solver", "hals"}};
  folder_.write("history.csv", history_of(4));
  for (const auto& way : ways) {
    std::vector<std::string> words{"train",      "ratings.csv", "-k",           "3", "--epochs", "300",
                                   "--no-valid", "-o",          "m.safetensors"};
    words.insert(words.end(), way.begin(), way.end());
    ASSERT_EQ(run(words).exit_code, 0) << way[1];
    const auto scores = [&](std::vector<std::string> who) {
      who.insert(who.begin(), {"recommend", "m.safetensors"});
      who.insert(who.end(), {"-n", "5", "--json"});
      std::vector<double> found;
      for (const std::string& line : lines_of(run(who).out)) found.push_back(json::parse(line)["score"].get<double>());
      return found;
    };
    const auto stranger = scores({"--history", "history.csv"}), known = scores({"--user", "104"});
    ASSERT_EQ(stranger.size(), 5U);
    ASSERT_EQ(known.size(), 5U);
    for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(stranger[n], known[n], 0.01) << way[1] << ", place " << n;
  }
}

TEST_F(TrainedFolder, EveryLossFoldsInToTheSameBitsOnAnyThreads) {
  const std::vector<std::vector<std::string>> ways{
      {"--loss", "l1"},
      {"--loss", "kl", "--nonnegative"},
      {"--loss", "logistic"},
      {"--loss", "hinge"},
      {"--loss", "squared_hinge"},
      {"--loss", "bpr_item"},
      {"--algorithm", "nmf", "--nmf-loss", "kl"},
      {"--batch-size", "32", "--optimizer", "adam", "--gradients", "dense"}};
  folder_.write("ratings.csv", small_ratings());
  for (const auto& way : ways) {
    std::vector<std::string> words{"train",      "ratings.csv", "-k",           "4", "--epochs", "3",
                                   "--no-valid", "-o",          "m.safetensors"};
    words.insert(words.end(), way.begin(), way.end());
    ASSERT_EQ(run(words).exit_code, 0) << way[1];
    const auto fold = [&](const char* threads) {
      return run(
          {"recommend", "m.safetensors", "--history", "ratings.csv", "--keep-seen", "-n", "25", "--threads", threads});
    };
    const ProgramResult result = fold("1");
    EXPECT_EQ(result.exit_code, 0) << way[1] << result.err;
    EXPECT_EQ(lines_of(result.out).size(), 1U + kSmallUsers * kSmallItems) << way[1];
    EXPECT_EQ(fold("3").out, result.out) << way[1];
  }
}

/// A row number says nothing of how many users there are.
TEST_F(TrainedFolder, UsersOfAHistoryMayHaveAnyRowNumber) {
  folder_.write("rows.csv", "0,0,5\n0,1,1\n1,1,4\n1,2,2\n2,0,3\n2,2,1\n");
  ASSERT_EQ(run({"train", "rows.csv", "--ids", "rows", "-k", "2", "--algorithm", "als", "--no-valid", "-o",
                 "rows.safetensors"})
                .exit_code,
            0);
  folder_.write("history.csv", "2000000000,1,5\n7,0,4\n7,1,4\n9,2147483000,1\n");
  const ProgramResult result = run({"recommend", "rows.safetensors", "--history", "history.csv", "-n", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 2U) << result.out;
  EXPECT_EQ(json::parse(lines[0])["user"], "7");
  EXPECT_EQ(json::parse(lines[0])["item"], "2") << "the one item that is not in the history";
  EXPECT_EQ(json::parse(lines[1])["user"], "2000000000");
  EXPECT_THAT(result.err, HasSubstr("1 user of history.csv without a rating of a known item"));
}

TEST_F(TrainedFolder, AHistoryWithoutRatingsIsNoted) {
  folder_.write("history.csv", "userId,movieId\nstranger,500\nstranger,502\n");
  const ProgramResult result = run({"recommend", "ratings.safetensors", "--history", "history.csv"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the file has no ratings: every one counts as 1"));
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "3", "--implicit", "-o", "i.safetensors"}).exit_code, 0);
  EXPECT_THAT(run({"recommend", "i.safetensors", "--history", "history.csv"}).err, Not(HasSubstr("counts as 1")));
}

TEST_F(TrainedFolder, WhoCannotBeServedLearnsHowToBe) {
  const ProgramResult unknown = run({"recommend", "ratings.safetensors", "--user", "stranger"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("--history FILE"));
  const ProgramResult nobody = run({"recommend", "ratings.safetensors"});
  EXPECT_EQ(nobody.exit_code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("--all-users"));
  EXPECT_THAT(nobody.err, HasSubstr("--history FILE"));
  EXPECT_THAT(run({"similar", "ratings.safetensors", "--item", "999"}).err, Not(HasSubstr("--history")));
}

TEST_F(TrainedFolder, AHistoryIsRefusedWhereItCannotBeFitted) {
  folder_.write("history.csv", history_of(5));
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"recommend"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--history", "history.csv"});
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"ratings.safetensors", "--user", "100"}), HasSubstr("--history says who"));
  EXPECT_THAT(error({"ratings.safetensors", "--all-users"}), HasSubstr("--history says who"));
  EXPECT_THAT(error({"ratings.safetensors", "--seen", "ratings.csv"}), HasSubstr("--history says who"));
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "3", "--algorithm", "svd", "-o", "s.safetensors"}).exit_code, 0);
  EXPECT_THAT(error({"s.safetensors"}), HasSubstr("model of svd"));
  folder_.write("m.libmf", "f 0\nm 1\nn 1\nk 1\nb 0\np0 T 1\nq0 T 1\n");
  EXPECT_THAT(error({"m.libmf"}), HasSubstr("does not say what it was trained to minimise"));
}

}  // namespace
}  // namespace wf::test
