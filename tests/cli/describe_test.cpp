// describe: for people and for programs.
#include "tests/cli/small_data.hpp"

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

ProgramResult described(const std::string& text, std::vector<std::string> options = {}) {
  std::vector<std::string> words{"describe", "-"};
  words.insert(words.end(), options.begin(), options.end());
  ProgramOptions program;
  program.stdin_text = text;
  return run_program(words, program);
}

TEST(Describe, CountsWhatIsThere) {
  const ProgramResult result = described("u,i,r\na,x,5\na,y,3\nb,x,5\na,x,1\n", {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json facts = json::parse(result.out);
  EXPECT_EQ(facts["n_users"], 2);
  EXPECT_EQ(facts["n_items"], 2);
  EXPECT_EQ(facts["n_ratings"], 4);
  EXPECT_EQ(facts["n_duplicates"], 1);
  EXPECT_EQ(facts["density"], 0.75);
  EXPECT_EQ(facts["mean"], 3.5);
  EXPECT_EQ(facts["histogram"],
            json::parse(R"([{"value": 1.0, "n": 1}, {"value": 3.0, "n": 1}, {"value": 5.0, "n": 2}])"));
  EXPECT_EQ(facts["users"]["max"], 3);
  EXPECT_EQ(facts["items"]["top_10_percent"], 0.75);
  EXPECT_EQ(facts["items"]["cold_share"], 1);
}

TEST(Describe, SuggestsByRatingsARowAndByDeviation) {
  const json dense = json::parse(described(small_ratings(), {"--json"}).out);
  const json sparse = json::parse(described("1,1,5\n2,2,3\n3,3,1\n", {"--json"}).out);
  EXPECT_GT(dense["suggested_rank"], sparse["suggested_rank"]);
  EXPECT_THAT(sparse["suggested_rank_reason"], HasSubstr("0.5 ratings for each"));
  // deviation sqrt(8 / 3)
  EXPECT_NEAR(sparse["suggested_lambda"].get<double>(), 0.09 * 1.632993, 1e-6);
}

TEST(Describe, SaysThatEqualValuesAreImplicit) {
  EXPECT_EQ(json::parse(described("1,1\n2,2\n", {"--json"}).out)["suggested_lambda"], nullptr);
  EXPECT_THAT(described("1,1\n2,2\n").out, HasSubstr("train --implicit"));
}

TEST(Describe, IsATableForPeople) {
  const ProgramResult result = described("1,1,5\n1,2,4\n2,1,4\n");
  EXPECT_EQ(result.exit_code, 0);
  for (const char* line :
       {"users               2\n", "density             75 %\n", "ratings per user    1 to 2, median 1.5",
        "cold items          2 (100 %) with fewer than 5 ratings\n", "suggested rank      32 · "}) {
    EXPECT_THAT(result.out, HasSubstr(line));
  }
  EXPECT_THAT(result.out, HasSubstr("4                      2    66.7 %  " + std::string(40, '#')));
}

TEST(Describe, ReadsPageFilesToTheSameFacts) {
  const TemporaryFolder folder;
  folder.write("r.csv", small_ratings());
  ASSERT_EQ(run_in(folder, {"convert", "r.csv"}).exit_code, 0);
  EXPECT_EQ(run_in(folder, {"describe", "r.wfr", "--json"}).out, run_in(folder, {"describe", "r.csv", "--json"}).out);
}

TEST(Describe, RefusesWhatHoldsNoRatings) {
  EXPECT_EQ(described("").exit_code, 3);
  EXPECT_EQ(described("u,i,r\n").exit_code, 3);
  EXPECT_EQ(run_program({"describe"}).exit_code, 2);
}

}  // namespace
}  // namespace wf::test
