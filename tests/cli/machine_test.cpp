// synth and doctor.
#include "tests/cli/small_data.hpp"

#include <sstream>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Synth, WritesRowNumbersAndRatingsWithinTheShape) {
  const ProgramResult result =
      run_program({"synth", "--users", "30", "--items", "20", "--ratings", "200", "--seed", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(result.out);
  EXPECT_EQ(lines.size(), 200U);
  for (const std::string& line : lines) {
    std::istringstream fields(line);
    int user = -1;
    int item = -1;
    double rating = -1;
    fields >> user >> item >> rating;
    ASSERT_TRUE(fields && fields.eof()) << line;
    EXPECT_TRUE(user >= 0 && user < 30 && item >= 0 && item < 20) << line;
    EXPECT_TRUE(rating >= 0.5 && rating <= 5) << line;
  }
}

TEST(Synth, IsAFunctionOfTheSeed) {
  const auto synth = [](const char* seed) {
    return run_program({"synth", "--users", "30", "--items", "20", "--ratings", "200", "--seed", seed}).out;
  };
  EXPECT_EQ(synth("3"), synth("3"));
  EXPECT_NE(synth("3"), synth("4"));
}

TEST(Synth, FilesCanBeTrainedOn) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_in(folder, {"synth", "--users", "30", "--items", "20", "--ratings", "300", "-o", "s.txt"}).exit_code,
            0);
  const ProgramResult result = run_in(folder, {"train", "s.txt", "--epochs", "2", "-k", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(Synth, AShapeCanBeAltered) {
  const ProgramResult result = run_program({"synth", "--shape", "ml-100k", "--ratings", "1000"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 1000U);
  EXPECT_THAT(result.err, HasSubstr("ml-100k"));
}

TEST(Doctor, ListsEveryEngineWithItsReason) {
  const ProgramResult result = run_program({"doctor", "--json"});
  ASSERT_EQ(result.exit_code, 0);
  const json report = json::parse(result.out);
  std::vector<std::string> names;
  for (const json& engine : report["engines"]) {
    names.push_back(engine["name"]);
    EXPECT_NE(engine["detail"], "");
  }
  EXPECT_THAT(names, testing::ElementsAre("reference", "cpu", "cuda"));
  const ProgramResult text = run_program({"doctor"});
  for (const char* word :
       {"version", "compiler", "cpus", "simd", "memory", "engine      reference", "not compiled in"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
}

}  // namespace
}  // namespace wf::test
