// split: files that train and evaluate read, cut as asked for.
#include "tests/cli/small_data.hpp"

#include <filesystem>
#include <set>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class Splits : public testing::Test {
 protected:
  ProgramResult run(const std::vector<std::string>& arguments, const std::string& stdin_text = {}) const {
    return run_in(folder_, arguments, stdin_text);
  }
  std::vector<std::string> lines(const std::string& name) const { return lines_of(read_text(folder_.file(name))); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_.file(name)); }

  TemporaryFolder folder_;
};

TEST_F(Splits, EveryRatingGoesIntoOneFileThatTrainAndEvaluateRead) {
  folder_.write("ratings.csv", small_ratings());
  const ProgramResult result =
      run({"split", "ratings.csv", "--test-frac", "0.2", "--valid-frac", "0.1", "-o", "parts", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto source = lines_of(small_ratings());
  std::multiset<std::string> all(source.begin() + 1, source.end()), found;
  for (const char* part : {"train", "valid", "test"}) {
    const auto rows = lines(std::string("parts/ratings.") + part + ".csv");
    EXPECT_EQ(rows.front(), "user,item,rating");
    found.insert(rows.begin() + 1, rows.end());
    EXPECT_EQ(json::parse(result.out)[part]["n_ratings"], rows.size() - 1);
  }
  EXPECT_EQ(found, all);
  EXPECT_EQ(lines("parts/ratings.test.csv").size() - 1, (2 * all.size() + 5) / 10);
  EXPECT_EQ(run({"train", "parts/ratings.train.csv", "--valid", "parts/ratings.valid.csv", "-k", "2", "--epochs", "2"})
                .exit_code,
            0);
  EXPECT_EQ(run({"evaluate", "ratings.train.safetensors", "parts/ratings.test.csv"}).exit_code, 0);
}

TEST_F(Splits, TheSeedDecidesAndThreadsDoNot) {
  folder_.write("ratings.csv", small_ratings());
  const auto test_of = [&](const char* seed, const char* threads, const char* method) {
    EXPECT_EQ(run({"split", "ratings.csv", "--seed", seed, "-j", threads, "--method", method}).exit_code, 0);
    return lines("ratings.test.csv");
  };
  for (const char* method : {"ratio", "user-ratio", "leave-one-out"}) {
    EXPECT_EQ(test_of("1", "1", method), test_of("1", "3", method));
    EXPECT_NE(test_of("1", "1", method), test_of("2", "1", method));
  }
}

TEST_F(Splits, CutsInTimeAndKeepsTimestampsAndIds) {
  folder_.write("r.csv",
                "userId,movieId,rating,timestamp\nann,\"a,b\",4.5,30\nann,007,3,10\nbob,007,1,20\nbob,x,2,5\n");
  ASSERT_EQ(run({"split", "r.csv", "--order", "timestamp", "--test-frac", "0.25", "--valid-frac", "0.25"}).exit_code,
            0);
  EXPECT_THAT(lines("r.train.csv"), ElementsAre("user,item,rating,timestamp", "ann,007,3,10", "bob,x,2,5"));
  EXPECT_THAT(lines("r.valid.csv"), ElementsAre("user,item,rating,timestamp", "bob,007,1,20"));
  EXPECT_THAT(lines("r.test.csv"), ElementsAre("user,item,rating,timestamp", "ann,\"a,b\",4.5,30"));
}

TEST_F(Splits, LeavesOutTheLastOfEachUserFromAPipe) {
  const ProgramResult result =
      run({"split", "-", "--method", "leave-one-out", "--order", "timestamp"}, "1::5::3::9\n1::6::4::8\n2::5::1::1\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("timestamp 4"));
  EXPECT_THAT(lines("ratings.test.csv"), ElementsAre("user,item,rating,timestamp", "1,5,3,9"));
  EXPECT_THAT(lines("ratings.train.csv"), ElementsAre("user,item,rating,timestamp", "1,6,4,8", "2,5,1,1"));
}

TEST_F(Splits, CutsAtADate) {
  folder_.write("r.csv",
                "u,i,r,date\n1,1,5,2015-02-28T23:59:59Z\n1,2,4,2015-03-01\n2,1,3,2015-01-31 23:59:59\n2,2,2,1.5e9\n");
  const ProgramResult result = run({"split", "r.csv", "--cut", "2015-03-01", "--valid-cut", "2015-02-01", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(lines("r.train.csv"), ElementsAre("user,item,rating,timestamp", "2,1,3,1422748799"));
  EXPECT_THAT(lines("r.valid.csv"), ElementsAre("user,item,rating,timestamp", "1,1,5,1425167999"));
  EXPECT_THAT(lines("r.test.csv"), ElementsAre("user,item,rating,timestamp", "1,2,4,1425168000", "2,2,2,1500000000"));
  EXPECT_EQ(json::parse(result.out)["cut"], 1'425'168'000);
  EXPECT_EQ(json::parse(result.out)["valid_cut"], 1'422'748'800);
}

TEST_F(Splits, LeavesSeveralOutOfEachUser) {
  folder_.write("r.csv", "u,i,r,ts\n1,1,5,1\n1,2,4,2\n1,3,3,3\n2,1,1,9\n2,2,2,8\n");
  ASSERT_EQ(run({"split", "r.csv", "--method", "leave-one-out", "--order", "timestamp", "--leave-out", "2"}).exit_code,
            0);
  EXPECT_THAT(lines("r.train.csv"), ElementsAre("user,item,rating,timestamp", "1,1,5,1", "2,2,2,8"));
  EXPECT_THAT(lines("r.test.csv"), ElementsAre("user,item,rating,timestamp", "1,2,4,2", "1,3,3,3", "2,1,1,9"));
}

TEST_F(Splits, WithoutRatingsWritesPairs) {
  folder_.write("p.tsv", "a\tx\nb\ty\na\ty\nb\tx\n");
  ASSERT_EQ(run({"split", "p.tsv", "--test-frac", "0.5"}).exit_code, 0);
  EXPECT_EQ(lines("p.train.csv").front(), "user,item");
  EXPECT_THAT(run({"train", "p.train.csv", "-k", "1", "--no-valid", "--epochs", "1"}).err, HasSubstr("rating none"));
}

TEST_F(Splits, TakesTheCoreFirst) {
  folder_.write("r.csv", "u,i,r\n1,1,5\n1,2,4\n2,1,3\n2,2,2\n3,1,1\n3,9,1\n");
  const ProgramResult result = run({"split", "r.csv", "--min-user", "2", "--min-item", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["n_read"], 6);
  EXPECT_EQ(report["n_ratings"], 4);
  EXPECT_EQ(report["n_users"], 2);
  EXPECT_EQ(report["n_items"], 2);
  EXPECT_EQ(report["valid"], nullptr);
  EXPECT_FALSE(exists("r.valid.csv"));
  EXPECT_THAT(result.err, HasSubstr("4 of 6 ratings, 2 users × 2 items, after 2 rounds"));
}

TEST_F(Splits, NotesAFileOfAnEarlierSplit) {
  folder_.write("r.csv", small_ratings());
  EXPECT_THAT(run({"split", "r.csv", "--valid-frac", "0.1"}).err, testing::Not(HasSubstr("another split")));
  EXPECT_THAT(run({"split", "r.csv"}).err, HasSubstr("r.valid.csv is there already, of another split"));
}

TEST_F(Splits, ReadsPageFilesWhichHaveNoTimestamps) {
  folder_.write("r.csv", "u,i,r,ts\n1,1,5,1\n1,2,4,2\n2,1,3,3\n2,2,2,4\n");
  ASSERT_EQ(run({"convert", "r.csv"}).exit_code, 0);
  EXPECT_EQ(run({"split", "r.wfr", "--test-frac", "0.5"}).exit_code, 0);
  EXPECT_EQ(lines("r.test.csv").front(), "user,item,rating");
  EXPECT_EQ(run({"split", "r.wfr", "--order", "timestamp"}).exit_code, 2);
}

struct Refusal {
  const char* name;
  std::string text;
  std::vector<std::string> options;
  int exit_code;
  const char* message;
};

class RefusedSplit : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedSplit, SaysWhyAndWritesNothing) {
  const TemporaryFolder folder;
  folder.write("r.csv", GetParam().text);
  std::vector<std::string> words{"split", "r.csv"};
  words.insert(words.end(), GetParam().options.begin(), GetParam().options.end());
  const ProgramResult result = run_in(folder, words);
  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
  EXPECT_EQ(result.out, "");
  EXPECT_FALSE(std::filesystem::exists(folder.file("r.train.csv")));
}

const char* const kFour = "1,1,5\n1,2,4\n2,1,3\n2,2,2\n";

INSTANTIATE_TEST_SUITE_P(
    Words, RefusedSplit,
    testing::Values(
        Refusal{"EmptyFile", "", {}, 3, "holds no ratings"},
        Refusal{"OneRating", "1,1,5\n", {}, 2, "takes no rating out"},
        Refusal{"OneUserOfOne", "1,1,5\n", {"--method", "leave-one-out"}, 2, "takes no rating out"},
        Refusal{"NoShare", kFour, {"--test-frac", "0"}, 2, "nothing to split off"},
        Refusal{"WholeShare", kFour, {"--test-frac", "1"}, 2, "[0, 1)"},
        Refusal{"SharesTogether", kFour, {"--test-frac", "0.5", "--valid-frac", "0.5"}, 2, "nothing to train on"},
        Refusal{"NoTimestamps", kFour, {"--order", "timestamp"}, 2, "--col-timestamp"},
        Refusal{"BadTimestamp", "u,i,r,date\n1,1,5,2001-01-32\n", {}, 3, "r.csv:2:7: timestamp"},
        Refusal{"CutWithoutTimestamps", kFour, {"--cut", "2001-01-01"}, 2, "--col-timestamp"},
        Refusal{"CutOfNoTime", kFour, {"--cut", "yesterday"}, 2, "2015-03-01"},
        Refusal{"CutAndShare", kFour, {"--cut", "1", "--test-frac", "0.5"}, 2, "--test-frac has no effect"},
        Refusal{"CutAtRandom", kFour, {"--cut", "1", "--order", "random"}, 2, "--order random has no effect"},
        Refusal{"CutOfUsers", kFour, {"--cut", "1", "--method", "user-ratio"}, 2, "--cut has no effect"},
        Refusal{"ValidCutAlone", kFour, {"--valid-cut", "1"}, 2, "it needs --cut"},
        Refusal{"CutBeforeAll", "u,i,r,ts\n1,1,5,7\n1,2,5,8\n", {"--cut", "7"}, 2, "from before the cut"},
        Refusal{"LeaveOutOfShare", kFour, {"--leave-out", "2"}, 2, "--method leave-one-out"},
        Refusal{"NoCore", kFour, {"--min-user", "3"}, 2, "leave no rating"},
        Refusal{"MinZero", kFour, {"--min-item", "0"}, 2, "--min-item"},
        Refusal{
            "ShareOfOne", kFour, {"--method", "leave-one-out", "--test-frac", "0.1"}, 2, "--test-frac has no effect"},
        Refusal{"LeaveOfShare", kFour, {"--leave-valid"}, 2, "--method leave-one-out"},
        Refusal{"UnknownMethod", kFour, {"--method", "user-ration"}, 2, "did you mean user-ratio?"},
        Refusal{"FileAsFolder", kFour, {"-o", "r.csv"}, 1, "r.csv"},
        Refusal{"NoFolderAbove", kFour, {"-o", "a/b"}, 1, "a/b"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace wf::test
