// evaluate, predict, recommend, info: a model in use.
#include "tests/cli/small_data.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

double last_number(const std::string& line) {
  return std::stod(line.substr(line.rfind(',') + 1));
}

TEST_F(TrainedFolder, EvaluateAgreesWithPredict) {
  folder_.write("test.csv", "userId,movieId,rating\n100,500,4\n101,503,1\n102,501,2\n777,500,3\n");
  const ProgramResult result = run({"evaluate", "ratings.safetensors", "test.csv", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json errors = json::parse(result.out);
  const auto predictions = lines_of(run({"predict", "ratings.safetensors", "test.csv"}).out);
  ASSERT_EQ(predictions.size(), 5U);
  const std::vector<double> ratings{4, 1, 2, 3};
  double squared = 0;
  double absolute = 0;
  for (std::size_t n = 0; n < ratings.size(); ++n) {
    const double error = ratings[n] - last_number(predictions[n + 1]);
    squared += error * error;
    absolute += std::abs(error);
  }
  EXPECT_NEAR(errors["rmse"].get<double>(), std::sqrt(squared / 4), 1e-6);
  EXPECT_NEAR(errors["mae"].get<double>(), absolute / 4, 1e-6);
  EXPECT_EQ(errors["n"], 4);
  EXPECT_EQ(errors["n_unknown"], 1);
  EXPECT_TRUE(errors["rmse_known"].is_number());
}

TEST_F(TrainedFolder, EvaluatePrintsTheBaselinesBesideTheModel) {
  const ProgramResult result = run({"evaluate", "ratings.safetensors", "ratings.csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::map<std::string, double> values;
  for (const std::string& line : lines_of(result.out))
    values[line.substr(0, line.find(' '))] = std::stod(line.substr(20));
  EXPECT_EQ(values["n_unknown"], 0);
  EXPECT_LT(values["rmse"], values["baseline_bias_rmse"]) << "two planted tastes, which biases cannot express";
  EXPECT_LE(values["baseline_bias_rmse"], values["baseline_mean_rmse"]);
  EXPECT_THAT(result.err, HasSubstr("the bias baseline is fitted on ratings.csv"));
}

TEST_F(TrainedFolder, EvaluateSaysWhyThereIsNoBiasBaseline) {
  folder_.write("test.csv", "100,500,4\n");
  folder_.write("ratings.csv", small_ratings() + "1,2,3\n");
  const ProgramResult changed = run({"evaluate", "ratings.safetensors", "test.csv"});
  EXPECT_EQ(changed.exit_code, 0) << changed.err;
  EXPECT_THAT(changed.err, HasSubstr("ratings.csv\" has changed since"));
  EXPECT_THAT(changed.err, HasSubstr("--train FILE"));
  std::filesystem::remove(folder_.file("ratings.csv"));
  EXPECT_THAT(run({"evaluate", "ratings.safetensors", "test.csv"}).err,
              HasSubstr("ratings.csv\" is neither beside the model nor in this folder"));
  folder_.write("elsewhere.csv", small_ratings());
  const ProgramResult named =
      run({"evaluate", "ratings.safetensors", "test.csv", "--train", "elsewhere.csv", "--json"});
  EXPECT_TRUE(json::parse(named.out)["baseline_bias_rmse"].is_number()) << named.err;
}

TEST_F(TrainedFolder, TheTrainingFileIsFoundBesideTheModelFromAnywhere) {
  const TemporaryFolder elsewhere;
  const ProgramResult result =
      run_in(elsewhere, {"recommend", folder_.file("ratings.safetensors"), "--user", "100", "-n", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

/// A file says what is opened by no path: a model that comes from somebody else might name any.
TEST_F(TrainedFolder, TheRecordedPathIsNotFollowed) {
  for (const char* folder : {"data", "models"}) std::filesystem::create_directory(folder_.path() / folder);
  folder_.write("data/ratings.csv", small_ratings());
  ASSERT_EQ(run({"train", "data/ratings.csv", "--epochs", "2", "-o", "models/m", "--no-save-seen"}).exit_code, 0);
  std::filesystem::remove(folder_.file("ratings.csv"));
  const std::vector<std::string> recommend{"recommend", "models/m", "--user", "100", "-n", "1"};
  ProgramResult result = run(recommend);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("ratings.csv\" is neither beside the model nor in this folder"));
  EXPECT_THAT(run({"evaluate", "models/m", "data/ratings.csv"}).err, HasSubstr("neither beside the model"));
  result = run({"report", "models/m", "--train", "data/ratings.csv", "-o", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the validation part of data/ratings.csv"));
  folder_.write("models/ratings.csv", "1,2,3\n");  // another one of that name
  EXPECT_THAT(run(recommend).err, HasSubstr("has changed since"));
  folder_.write("ratings.csv", small_ratings());
  EXPECT_EQ(run(recommend).exit_code, 0);
}

TEST_F(TrainedFolder, PredictKeepsOrderAndIds) {
  folder_.write("pairs.txt", "139 524\n100 500\n139 524\n");
  const ProgramResult result = run({"predict", "ratings.safetensors", "pairs.txt"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0], "user,item,prediction");
  EXPECT_THAT(lines[1], StartsWith("139,524,"));
  EXPECT_THAT(lines[2], StartsWith("100,500,"));
  EXPECT_EQ(lines[1], lines[3]);
}

TEST_F(TrainedFolder, PredictTakesStdinAndWritesFiles) {
  const ProgramResult to_stdout = run({"predict", "ratings.safetensors", "-"}, "100,500\n");
  ASSERT_EQ(to_stdout.exit_code, 0) << to_stdout.err;
  folder_.write("out.csv", "old");
  const ProgramResult to_file = run({"predict", "ratings.safetensors", "-", "-o", "out.csv"}, "100,500\n");
  EXPECT_EQ(to_file.out, "");
  EXPECT_EQ(read_text(folder_.file("out.csv")), to_stdout.out);
  const ProgramResult as_json = run({"predict", "ratings.safetensors", "-", "--json"}, "100,500\n");
  const json line = json::parse(as_json.out);
  EXPECT_EQ(line["user"], "100");
  EXPECT_EQ(line["item"], "500");
  EXPECT_NEAR(line["prediction"].get<double>(), last_number(lines_of(to_stdout.out)[1]), 1e-6);
}

TEST_F(TrainedFolder, PredictCountsUnknownIdsAndAnswersWithWhatIsKnown) {
  const ProgramResult result = run({"predict", "ratings.safetensors", "-"}, "xyz,500\n100,nothing\nxyz,nothing\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("3 of 3 pairs"));
  const json info = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  EXPECT_NEAR(last_number(lines_of(result.out)[3]), info["global_mean"].get<double>(), 1e-5);
}

TEST_F(TrainedFolder, PredictDoesWithUnknownIdsWhatItIsTold) {
  const std::string pairs = "xyz,500\n100,500\n100,nothing\n";
  const auto predict = [&](const char* policy) {
    return run({"predict", "ratings.safetensors", "-", "--unknown", policy}, pairs);
  };
  const json info = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  const ProgramResult bias = predict("bias"), mean = predict("mean"), skip = predict("skip"), error = predict("error");
  const auto lines = lines_of(mean.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NEAR(last_number(lines[1]), info["global_mean"].get<double>(), 1e-5);
  EXPECT_NEAR(last_number(lines[3]), info["global_mean"].get<double>(), 1e-5);
  EXPECT_EQ(lines[2], lines_of(bias.out)[2]);
  EXPECT_NE(lines[1], lines_of(bias.out)[1]) << "item 500 has a bias";
  EXPECT_EQ(bias.out, run({"predict", "ratings.safetensors", "-"}, pairs).out) << "the default";
  EXPECT_THAT(mean.err, HasSubstr("2 of 3 pairs with a user (1) or an item (1)"));
  EXPECT_EQ(lines_of(skip.out), (std::vector<std::string>{lines[0], lines[2]}));
  EXPECT_THAT(skip.err, HasSubstr("left out"));
  EXPECT_EQ(error.exit_code, 3);
  EXPECT_EQ(error.out, "") << "not even a header";
  EXPECT_THAT(error.err, HasSubstr("pair 1: user \"xyz\""));
  EXPECT_EQ(predict("guess").exit_code, 2);
  EXPECT_EQ(run({"predict", "ratings.safetensors", "-", "--unknown", "error"}, "100,500\n").exit_code, 0);
}

TEST_F(TrainedFolder, AFailedOutputLeavesTheOldFileWhole) {
  folder_.write("out.csv", "old");
  EXPECT_EQ(run({"predict", "ratings.safetensors", "absent.csv", "-o", "out.csv"}).exit_code, 3);
  EXPECT_EQ(read_text(folder_.file("out.csv")), "old");
  EXPECT_EQ(run({"predict", "ratings.safetensors", "ratings.csv", "-o", "absent/out.csv"}).exit_code, 1);
  EXPECT_EQ(run({"predict", "ratings.safetensors", "ratings.csv", "-o", "/dev/full"}).exit_code, 1);
}

TEST_F(TrainedFolder, RecommendLeavesOutWhatWasSeen) {
  const ProgramResult result = run({"recommend", "ratings.safetensors", "--user", "103", "-n", "25"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  EXPECT_EQ(lines[0], "user,rank,item,score");
  std::set<std::string> expected;
  for (int i = 0; i < kSmallItems; ++i) {
    if (!is_rated(3, i)) expected.insert(std::to_string(500 + i));
  }
  std::set<std::string> found;
  double last = 1e9;
  for (std::size_t n = 1; n < lines.size(); ++n) {
    EXPECT_THAT(lines[n], StartsWith("103," + std::to_string(n) + ","));
    EXPECT_LE(last_number(lines[n]), last);
    last = last_number(lines[n]);
    const std::string rest = lines[n].substr(lines[n].find(',', 4) + 1);
    found.insert(rest.substr(0, rest.find(',')));
  }
  EXPECT_EQ(found, expected);
  EXPECT_THAT(result.err, HasSubstr("user 103 gets " + std::to_string(expected.size()) + " of 25"));
  const ProgramResult all = run({"recommend", "ratings.safetensors", "--user", "103", "--topk", "25", "--keep-seen"});
  EXPECT_EQ(lines_of(all.out).size(), 26U) << all.err;
}

TEST_F(TrainedFolder, RecommendScoresAreThePredictions) {
  const auto best = lines_of(run({"recommend", "ratings.safetensors", "--user", "104", "-n", "1"}).out);
  ASSERT_EQ(best.size(), 2U);
  const std::string item = best[1].substr(6, 3);
  const ProgramResult predicted = run({"predict", "ratings.safetensors", "-"}, "104," + item + "\n");
  EXPECT_NEAR(last_number(lines_of(predicted.out)[1]), last_number(best[1]), 1e-5);
}

TEST_F(TrainedFolder, RecommendNamesTitlesAndTakesAListOfUsers) {
  folder_.write("users.txt", "100\r\n\n101\n");
  std::string movies = "movieId,title,genres\n";
  for (int i = 0; i < kSmallItems; ++i)
    movies += std::to_string(500 + i) + ",\"Film, no. " + std::to_string(i) + "\",x\n";
  folder_.write("movies.csv", movies);
  const ProgramResult result =
      run({"recommend", "ratings.safetensors", "--users", "users.txt", "-n", "2", "--names", "movies.csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "user,rank,item,score,name");
  EXPECT_THAT(lines[1], StartsWith("100,1,"));
  EXPECT_THAT(lines[3], StartsWith("101,1,"));
  EXPECT_THAT(lines[1], testing::ContainsRegex(",\"Film, no\\. [0-9]+\"$"));
  const ProgramResult as_json =
      run({"recommend", "ratings.safetensors", "--user", "100", "-n", "1", "--names", "movies.csv", "--json"});
  EXPECT_THAT(json::parse(as_json.out)["name"].get<std::string>(), StartsWith("Film, no. "));
}

TEST_F(TrainedFolder, RecommendAsksForSeenWhereTheTrainingFileChanged) {
  ASSERT_EQ(run({"train", "ratings.csv", "--epochs", "3", "--no-save-seen", "-o", "bare.safetensors"}).exit_code, 0);
  folder_.write("ratings.csv", small_ratings() + "1,2,3\n");
  const ProgramResult result = run({"recommend", "bare.safetensors", "--user", "103"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--seen FILE"));
  EXPECT_THAT(result.err, HasSubstr("--keep-seen"));
  folder_.write("seen.csv", "103,501\n");
  const ProgramResult given =
      run({"recommend", "ratings.safetensors", "--user", "103", "-n", "25", "--seen", "seen.csv"});
  EXPECT_EQ(given.exit_code, 0) << given.err;
  EXPECT_THAT(given.out, testing::Not(HasSubstr(",501,")));
  EXPECT_EQ(lines_of(given.out).size(), 25U);
}

TEST_F(TrainedFolder, SimilarItemsAreTheNearestByCosine) {
  const ProgramResult result = run({"similar", "ratings.safetensors", "--item", "503", "-n", "25"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  EXPECT_EQ(lines[0], "item,rank,similar,score");
  EXPECT_EQ(lines.size(), 25U) << "all items but itself: " << result.err;
  double last = 1 + 1e-6;
  for (std::size_t n = 1; n < lines.size(); ++n) {
    EXPECT_THAT(lines[n], StartsWith("503," + std::to_string(n) + ","));
    EXPECT_THAT(lines[n], testing::Not(HasSubstr(",503,")));
    EXPECT_LE(last_number(lines[n]), last);
    last = last_number(lines[n]);
  }
  EXPECT_GE(last, -1 - 1e-6);
  EXPECT_THAT(result.err, HasSubstr("item 503 gets 24 of 25"));
}

TEST_F(TrainedFolder, SimilarIsTheSameBothWaysAndNamesWhatItFinds) {
  const auto score_between = [&](const std::string& of, const std::string& other, const std::string& how) {
    const ProgramResult result =
        run({"similar", "ratings.safetensors", "--user", of, "-n", "40", "--json", "--similarity", how});
    for (const std::string& line : lines_of(result.out)) {
      const json found = json::parse(line);
      EXPECT_EQ(found["user"], of);
      if (found["similar"] == other) return found["score"].get<double>();
    }
    ADD_FAILURE() << result.out << result.err;
    return 0.0;
  };
  for (const char* how : {"cosine", "dot"}) {
    EXPECT_NEAR(score_between("103", "107", how), score_between("107", "103", how), 1e-6) << how;
  }
  EXPECT_NE(score_between("103", "107", "cosine"), score_between("103", "107", "dot"));
  folder_.write("items.txt", "501\n502\n");
  folder_.write("names.csv", "movieId,title\n501,First\n502,Second\n");
  const ProgramResult named =
      run({"similar", "ratings.safetensors", "--items", "items.txt", "-n", "24", "--names", "names.csv"});
  EXPECT_THAT(named.out, HasSubstr(",Second\n"));
  EXPECT_THAT(named.err, HasSubstr("not in names.csv"));
}

TEST_F(TrainedFolder, SimilarToWhatIsNotThereEndsWithThree) {
  const ProgramResult result = run({"similar", "ratings.safetensors", "--item", "nothing"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("item \"nothing\" is not among the model's 25 items"));
}

TEST_F(TrainedFolder, AnUnknownUserEndsWithThree) {
  const ProgramResult result = run({"recommend", "ratings.safetensors", "--user", "nobody"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("user \"nobody\" is not among the model's 40 users"));
}

TEST_F(TrainedFolder, AFileThatIsNoModelEndsWithThree) {
  folder_.write("broken.safetensors", read_text(folder_.file("ratings.safetensors")).substr(0, 200));
  for (const char* model : {"absent.safetensors", "ratings.csv", "broken.safetensors", "."}) {
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"info", model},
                                               {"evaluate", model, "ratings.csv"},
                                               {"predict", model, "ratings.csv"},
                                               {"recommend", model, "--user", "1"}}) {
      const ProgramResult result = run(command);
      EXPECT_EQ(result.exit_code, 3) << command[0] << ' ' << model << ": " << result.err;
      EXPECT_THAT(result.err, HasSubstr(model));
    }
  }
}

TEST_F(TrainedFolder, InfoIsReadable) {
  const ProgramResult result = run({"info", "ratings.safetensors"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("\nusers               40 (integers as ids)\n"));
  EXPECT_THAT(result.out, HasSubstr("\nrank                4\n"));
}

TEST(StringIds, ComeOutAsTheyWentIn) {
  const TemporaryFolder folder;
  folder.write("r.csv", "\"Doe, Jane\",\"say \"\"hi\"\"\",4\n007,x y,3\n\"Doe, Jane\",x y,5\n");
  ASSERT_EQ(run_in(folder, {"train", "r.csv", "-k", "2", "--no-valid", "--epochs", "2"}).exit_code, 0);
  const auto lines = lines_of(run_in(folder, {"predict", "r.safetensors", "r.csv"}).out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[1], StartsWith("\"Doe, Jane\",\"say \"\"hi\"\"\","));
  EXPECT_THAT(lines[2], StartsWith("007,x y,"));
  const ProgramResult best = run_in(folder, {"recommend", "r.safetensors", "--user", "007"});
  EXPECT_THAT(best.out, HasSubstr("007,1,\"say \"\"hi\"\"\","));
}

/// The bytes of a .safetensors file with another value in the configuration that it records.
std::string with_config(const std::filesystem::path& path, const char* key, const json& value) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  json header = json::parse(bytes.substr(sizeof(size), size));
  json config = json::parse(header["__metadata__"]["config"].get<std::string>());
  config[key] = value;
  header["__metadata__"]["config"] = config.dump();
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t new_size = text.size();
  std::string start(sizeof(new_size), ' ');
  std::memcpy(start.data(), &new_size, sizeof(new_size));
  return start + text + bytes.substr(sizeof(size) + size);
}

TEST_F(TrainedFolder, APaddingRowOutsideTheTablesIsRefused) {
  const std::filesystem::path path = folder_.path() / "ratings.safetensors";
  const auto evaluate = [&](const char* key, const json& value) {
    folder_.write("other.safetensors", with_config(path, key, value));
    return run({"evaluate", "other.safetensors", "ratings.csv", "--at", "5", "--keep-seen", "--train", "ratings.csv"});
  };
  for (const json& row : {json(-1), json(0), json(kSmallItems - 1)}) {
    const ProgramResult result = evaluate("item_padding_idx", row);
    EXPECT_EQ(result.exit_code, 0) << row << result.err;
  }
  // of the last ones, the low 32 bits are 1 and -1
  for (const json& row : {json(kSmallItems), json(1000000000), json(-2), json(1.5), json("1"), json(4294967297),
                          json(18446744073709551615U)}) {
    const ProgramResult result = evaluate("item_padding_idx", row);
    EXPECT_EQ(result.exit_code, 3) << row;
    EXPECT_THAT(result.err, HasSubstr("its item_padding_idx is " + row.dump() + ", and no row of 25"));
  }
  EXPECT_EQ(evaluate("user_padding_idx", kSmallUsers).exit_code, 3);
  const ProgramResult nested = evaluate("user_padding_idx", json::parse("[[[[1]]]]"));
  EXPECT_THAT(nested.err, HasSubstr("its user_padding_idx is array, and no row of"));
  EXPECT_THAT(evaluate("seed", json(1.79601e24)).err, HasSubstr("seed is no whole number of its range"));
}

TEST(RowIds, BeyondTheTableAreUnknownToAModelAndNoError) {
  const TemporaryFolder folder;
  folder.write("r.csv", "0,0,3\n1,1,4\n2,0,5\n");
  ASSERT_EQ(run_in(folder, {"train", "r.csv", "--ids", "rows", "--n-users", "4", "--n-items", "2", "--no-header", "-k",
                            "2", "--no-valid", "--epochs", "2"})
                .exit_code,
            0);
  const ProgramResult result = run_in(folder, {"predict", "r.safetensors", "-"}, "3,1\n99,1\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 2 pairs"));
  EXPECT_THAT(lines_of(result.out)[2], StartsWith("99,1,"));
}

TEST_F(TrainedFolder, AModelIsNotReadFromStdin) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"info", "-"}, {"recommend", "-", "--user", "100"}, {"evaluate", "-", "ratings.csv"}}) {
    const ProgramResult result = run(words, read_text(folder_.file("ratings.safetensors")));
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_THAT(result.err, HasSubstr("stdin cannot be read here"));
    EXPECT_THAT(result.err, HasSubstr("name a file"));
  }
}

TEST(Rows, AHugeRowNumberIsAnErrorInItsPlace) {
  const TemporaryFolder folder;
  folder.write("r.csv", "0,0,3\n1,2147483000,4\n");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"train", "r.csv", "--no-valid"},
                                                {"train", "r.csv", "--algorithm", "als"},
                                                {"verify", "r.csv", "--device", "cpu"},
                                                {"train", "r.csv", "--batch-size", "8"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--ids", "rows", "-k", "4096"});
    const ProgramResult result = run_in(folder, all);
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("r.csv:2:3: item id \"2147483000\" is taken for a row number"));
    EXPECT_THAT(result.err, HasSubstr("--n-users and --n-items declare more"));
  }
}

}  // namespace
}  // namespace wf::test
