// tune and train --folds, driven as a user would.
#include "tests/cli/small_data.hpp"

#include "host/ratings/folds.hpp"

#include <cmath>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Tune : public testing::Test {
 protected:
  Tune() { folder_.write("ratings.csv", small_ratings()); }
  ProgramResult run(const std::vector<std::string>& arguments) const { return run_in(folder_, arguments); }
  json result_of(const std::vector<std::string>& arguments) const {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }

  TemporaryFolder folder_;
};

TEST_F(Tune, WhatItSavesTrainsToTheScoreThatItFound) {
  const json found = result_of(
      {"tune", "ratings.csv", "--trials", "6", "--epochs", "18", "--valid-frac", "0.2", "--deterministic", "--json"});
  ASSERT_EQ(found.at("trials").size(), 6U);
  EXPECT_EQ(found.at("best").at("epochs"), 18);  // the best one is run in full
  EXPECT_EQ(found.at("settings"), "ratings.tuned.toml");
  const json trained =
      result_of({"train", "ratings.csv", "--config", "ratings.tuned.toml", "--valid-frac", "0.2", "--json"});
  EXPECT_NEAR(trained.at("valid_rmse").get<double>(), found.at("best").at("rmse").get<double>(), 1e-6);
  for (const auto& [key, value] : found.at("best").at("settings").items()) {
    const std::string name = key == "lambda" ? "lambda_user" : key;
    EXPECT_EQ(trained.at("config").at(name), value) << key;
  }
}

TEST_F(Tune, TheFirstTrialIsWithoutDrawnSettingsAndTheBestIsFirst) {
  const json found = result_of({"tune", "ratings.csv", "--trials", "5", "--epochs", "9", "--json"});
  double last = 0;
  bool has_first = false;
  for (const json& trial : found.at("trials")) {
    EXPECT_GE(trial.at("rmse").get<double>(), last);
    last = trial.at("rmse").get<double>();
    if (trial.at("trial") == 1) has_first = trial.at("settings").empty();
  }
  EXPECT_TRUE(has_first);
}

TEST_F(Tune, SearchesASpaceAndOnlyWhatAnAlgorithmReads) {
  folder_.write("space.toml", R"(
algorithm = ["sgd", "als"]
rank = { from = 2.0, to = 6.0, scale = "log" }
lr = { from = 0.01, to = 0.1, scale = "log" }
lambda = { from = 0, to = 1 }
)");
  const json found =
      result_of({"tune", "ratings.csv", "--space", "space.toml", "--trials", "10", "--epochs", "9", "--json"});
  int als = 0, sgd = 0;
  for (const json& trial : found.at("trials")) {
    const json& settings = trial.at("settings");
    if (settings.empty()) continue;
    const bool is_als = settings.at("algorithm") == "als";
    (is_als ? als : sgd) += 1;
    EXPECT_EQ(settings.contains("lr"), !is_als);
    EXPECT_GE(settings.at("rank"), 2);
    EXPECT_LE(settings.at("rank"), 6);
    EXPECT_NE(settings.at("lambda"), 0);  // a real number, though its ends are whole
    EXPECT_NE(settings.at("lambda"), 1);
  }
  EXPECT_GT(als, 0);
  EXPECT_GT(sgd, 0);
}

TEST_F(Tune, EndsWhereASpaceHasNothingNew) {
  folder_.write("space.toml", "rank = [2, 3]\n");
  const json found =
      result_of({"tune", "ratings.csv", "--space", "space.toml", "--trials", "50", "--epochs", "3", "--json"});
  EXPECT_EQ(found.at("trials").size(), 3U);  // the defaults, and each rank once
  EXPECT_EQ(found.at("interrupted"), false);
}

TEST_F(Tune, RanksWhereScoresPutItemsInOrder) {
  const json found = result_of({"tune", "ratings.csv", "--implicit", "--trials", "3", "--json"});
  EXPECT_EQ(found.at("metric"), "ndcg@10");
  double last = 1;
  for (const json& trial : found.at("trials")) {
    EXPECT_LE(trial.at("ndcg@10").get<double>(), last);
    last = trial.at("ndcg@10").get<double>();
  }
  EXPECT_GT(found.at("best").at("ndcg@10").get<double>(), 0);
}

TEST_F(Tune, SavesASettingByWhateverNameItWasSearched) {
  folder_.write("space.toml", "\"learning-rate\" = [0.06]\nreg = [0.04]\ndim = [3]\n");
  const json found =
      result_of({"tune", "ratings.csv", "--space", "space.toml", "--trials", "2", "--epochs", "9", "--json"});
  const json expected{{"lr", 0.06}, {"lambda", 0.04}, {"rank", 3}};
  EXPECT_EQ(found.at("trials").at(found.at("trials").at(0).at("settings").empty() ? 1 : 0).at("settings"), expected);
  if (!found.at("best").at("settings").empty()) {
    EXPECT_THAT(read_text(folder_.file("ratings.tuned.toml")), HasSubstr("lr = 0.06"));
  }
}

TEST_F(Tune, GoesOnWhereATrialCannotBeTrained) {
  // adam needs mini-batches, and a learning rate of 1e6 diverges: trials that failed, of which the table tells
  folder_.write("space.toml", "optimizer = [\"adam\", \"sgd\"]\nlr = [0.01, 1e6]\n");
  const json found = result_of(
      {"tune", "ratings.csv", "--space", "space.toml", "--trials", "12", "--epochs", "9", "--seed", "3", "--json"});
  int refused = 0, diverged = 0;
  for (const json& trial : found.at("trials")) {
    if (!trial.contains("failure")) continue;
    EXPECT_TRUE(trial.at("rmse").is_null());
    refused += trial.at("settings").at("optimizer") == "adam" ? 1 : 0;
    diverged += trial.at("settings").at("optimizer") == "sgd" ? 1 : 0;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(diverged, 0);
  EXPECT_FALSE(found.at("best").contains("failure"));
  // what was given for all is refused at once
  EXPECT_EQ(run({"tune", "ratings.csv", "--trials", "3", "--optimizer", "adam"}).exit_code, 2);
}

TEST_F(Tune, DropsWhatADrawnAlgorithmDoesNotRead) {
  folder_.write("space.toml", "algorithm = [\"sgd\", \"als\", \"svd\"]\n");
  const json found = result_of({"tune", "ratings.csv", "--space", "space.toml", "--trials", "9", "--epochs", "9", "-k",
                                "3", "--lr", "0.05", "--metric", "ndcg", "--json"});
  for (const json& trial : found.at("trials")) EXPECT_FALSE(trial.contains("failure")) << trial;
  EXPECT_THAT(run({"tune", "ratings.csv", "--space", "space.toml", "--metric", "rmse"}).err,
              HasSubstr("take --metric ndcg"));
}

TEST_F(Tune, WhatItSavesIsTakenByTrain) {
  folder_.write("valid.csv", small_ratings().substr(0, small_ratings().find('\n', 600) + 1));
  for (const std::vector<std::string>& part :
       {std::vector<std::string>{"--valid-frac", "0.2"}, std::vector<std::string>{"--valid", "valid.csv"}}) {
    std::vector<std::string> words{"tune", "ratings.csv", "--implicit", "--trials", "2", "--epochs", "3"};
    words.insert(words.end(), part.begin(), part.end());
    result_of([&] {
      words.emplace_back("--json");
      return words;
    }());
    const ProgramResult trained = run({"train", "ratings.csv", "--config", "ratings.tuned.toml"});
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
  }
}

TEST_F(Tune, PrintsATableForPeople) {
  const ProgramResult result = run({"tune", "ratings.csv", "--trials", "3", "--epochs", "9", "-o", "best.toml"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, testing::StartsWith("trial  rmse      epochs  settings\n"));
  EXPECT_EQ(lines_of(result.out).size(), 4U);
  EXPECT_THAT(result.err, HasSubstr("next   warpfactor train ratings.csv --config best.toml"));
  EXPECT_THAT(read_text(folder_.file("best.toml")), HasSubstr("[train]\n"));
}

TEST_F(Tune, RefusesASpaceThatCannotBeSearched) {
  const auto error_of = [&](const std::string& space, const std::vector<std::string>& more = {}) {
    folder_.write("space.toml", space);
    std::vector<std::string> words{"tune", "ratings.csv", "--space", "space.toml"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_NE(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(error_of("lamda = [0.1]"), HasSubstr("space.toml:1: a training has no setting \"lamda\""));
  EXPECT_THAT(error_of("lamda = [0.1]"), HasSubstr("did you mean lambda?"));
  EXPECT_THAT(error_of("rank = { from = 0, to = 8 }"), HasSubstr("space.toml:1: --rank"));
  EXPECT_THAT(error_of("lr = { from = 0, to = 1, scale = \"log\" }"), HasSubstr("begins above 0"));
  EXPECT_THAT(error_of("rank = { from = 9, to = 8 }"), HasSubstr("from 9 to 8"));
  EXPECT_THAT(error_of("rank = { from = 2, upto = 8 }"), HasSubstr("no \"upto\""));
  EXPECT_THAT(error_of("rank = 8"), HasSubstr("a value that is not searched"));
  EXPECT_THAT(error_of("rank = []"), HasSubstr("an empty list"));
  EXPECT_THAT(error_of("rank = [4, 8]", {"-k", "6"}), HasSubstr("rank is searched, and given as well"));
  EXPECT_THAT(error_of("loss = [\"mse\", \"no\"]"), HasSubstr("space.toml:1: --loss"));
  EXPECT_THAT(error_of("no-biases = [true, false]"), HasSubstr("search biases"));
  EXPECT_THAT(error_of("rank = [4, 8]\ndim = [3]"), HasSubstr("rank is searched twice"));
  EXPECT_THAT(error_of("seed = [1, 2]"), HasSubstr("does not change how good a model is"));
  EXPECT_THAT(error_of("valid-frac = [0.1, 0.2]"), HasSubstr("does not change how good a model is"));
  EXPECT_THAT(error_of("rank = [4]", {"-o", "-"}), HasSubstr("stdout has the table"));
}

TEST_F(Tune, SaysWhenTheBudgetIsTooShort) {
  const ProgramResult result = run({"tune", "ratings.csv", "--budget", "0.000001s"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no trial was finished (give a longer --budget)"));
  EXPECT_THAT(run({"tune", "ratings.csv", "--budget", "soon"}).err, HasSubstr("it takes a time as 90s, 5m or 1h30m"));
  EXPECT_THAT(run({"tune", "ratings.csv", "--implicit", "--metric", "rmse"}).err, HasSubstr("take --metric ndcg"));
}

TEST_F(Tune, FoldsAreTrainingsWithoutThePartThatTests) {
  // the same by hand: rows are the ids here, so that a model of a part has the rows of the whole
  Ratings ratings;
  for (int u = 0; u < kSmallUsers; ++u) {
    for (int i = 0; i < kSmallItems; ++i) {
      if (is_rated(u, i)) ratings.push_back(u, i, static_cast<float>(planted_rating(u, i)));
    }
  }
  const auto text_of = [](const Ratings& part) {
    std::string text;
    for (Position n = 0; n < part.size(); ++n) {
      text += std::to_string(part.user[n]) + ' ' + std::to_string(part.item[n]) + ' ' +
              std::to_string(static_cast<int>(part.value[n])) + '\n';
    }
    return text;
  };
  folder_.write("all.txt", text_of(ratings));
  const std::vector<std::string> settings{"--ids",    "rows", "--n-users", "40", "--n-items",       "25",    "-k", "3",
                                          "--epochs", "12",   "--seed",    "5",  "--deterministic", "--json"};
  const auto with = [&settings](std::vector<std::string> words) {
    words.insert(words.end(), settings.begin(), settings.end());
    return words;
  };
  const json folds = result_of(with({"train", "all.txt", "--folds", "3"}));
  const json orders = result_of(with({"train", "all.txt", "--folds", "3", "--implicit"}));
  ThreadPool pool(1);
  const HostBuffer<std::uint8_t> drawn = draw_folds(ratings.view(), 3, 5, pool);
  double sum = 0, squares = 0;
  for (int fold = 0; fold < 3; ++fold) {
    const FoldParts parts = parts_of_fold(ratings.view(), drawn, fold);
    folder_.write("train.txt", text_of(parts.train));
    folder_.write("test.txt", text_of(parts.test));
    const json trained = result_of(with({"train", "train.txt", "-o", "fold.safetensors"}));
    const json tested = result_of({"evaluate", "fold.safetensors", "test.txt", "--json"});
    const json& of_fold = folds.at("folds").at(static_cast<std::size_t>(fold));
    EXPECT_NEAR(of_fold.at("rmse").get<double>(), tested.at("rmse").get<double>(), 1e-6);
    EXPECT_NEAR(of_fold.at("mae").get<double>(), tested.at("mae").get<double>(), 1e-6);
    EXPECT_EQ(of_fold.at("best_epoch"), trained.at("best_epoch"));
    result_of(with({"train", "train.txt", "--implicit", "-o", "order.safetensors"}));
    const json ranked =
        result_of({"evaluate", "order.safetensors", "test.txt", "--at", "10", "--train", "train.txt", "--json"});
    EXPECT_NEAR(orders.at("folds").at(static_cast<std::size_t>(fold)).at("ndcg@10").get<double>(),
                ranked.at("ndcg@10").get<double>(), 1e-9);
    sum += of_fold.at("rmse").get<double>();
    squares += std::pow(of_fold.at("rmse").get<double>(), 2);
  }
  EXPECT_NEAR(folds.at("rmse").at("mean").get<double>(), sum / 3, 1e-9);
  EXPECT_NEAR(folds.at("rmse").at("sd").get<double>(), std::sqrt((squares - sum * sum / 3) / 2), 1e-6);
}

TEST_F(Tune, FoldsPrintATableAndKeepNoModel) {
  const ProgramResult result = run({"train", "ratings.csv", "--folds", "4", "--epochs", "5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines.front(), "fold  rmse        mae         epoch");
  EXPECT_THAT(lines[5], testing::StartsWith("mean  "));
  EXPECT_THAT(lines[6], testing::StartsWith("sd    "));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("ratings.safetensors")));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("ratings.metrics.jsonl")));
  EXPECT_THAT(run({"train", "ratings.csv", "--folds", "4", "-o", "m.safetensors"}).err, HasSubstr("no model is kept"));
  EXPECT_THAT(run({"train", "ratings.csv", "--folds", "4", "--tensorboard", "t"}).err, HasSubstr("no model is kept"));
  EXPECT_EQ(run({"train", "ratings.csv", "--folds", "1"}).exit_code, 2);
}

TEST_F(Tune, FoldsOfImplicitRatingsMeasureTheOrder) {
  const json folds =
      result_of({"train", "ratings.csv", "--implicit", "--folds", "2", "--epochs", "3", "-k", "4", "--json"});
  EXPECT_EQ(folds.at("folds").size(), 2U);
  EXPECT_GT(folds.at("ndcg@10").at("mean").get<double>(), 0);
}

}  // namespace
}  // namespace wf::test
