// What holds for every verb that warpfactor --help lists: --json, --quiet, --verbose and NO_COLOR.
#include "tests/cli/small_data.hpp"

#include <map>

namespace wf::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Example {
  std::vector<std::string> words;  ///< behind the verb, in a TrainedFolder
  bool streams = false;            ///< with --json, an object for each result
};

const std::map<std::string, Example>& examples() {
  static const std::map<std::string, Example> kExamples{
      {"train", {{"ratings.csv", "-k", "2", "--epochs", "1", "-o", "again.safetensors"}}},
      {"tune", {{"ratings.csv", "--trials", "2", "--epochs", "2"}}},
      {"convert", {{"ratings.csv"}}},
      {"split", {{"ratings.csv"}}},
      {"describe", {{"ratings.csv"}}},
      {"verify", {{"ratings.csv", "-k", "2", "--steps", "2", "--device", "cpu"}}},
      {"evaluate", {{"ratings.safetensors", "ratings.csv", "--at", "5"}}},
      {"predict", {{"ratings.safetensors", "ratings.csv"}, true}},
      {"recommend", {{"ratings.safetensors", "--user", "100"}, true}},
      {"similar", {{"ratings.safetensors", "--item", "500"}, true}},
      {"report", {{"ratings.safetensors"}}},
      {"info", {{"ratings.safetensors"}}},
      {"export", {{"ratings.safetensors", "--format", "npz"}}},
      {"synth", {{"--users", "9", "--items", "8", "--ratings", "20"}, true}},
      {"doctor", {{}}}};
  return kExamples;
}

/// The verbs of the table, as the program lists them.
std::vector<std::string> listed_verbs() {
  std::vector<std::string> verbs;
  bool within = false;
  for (const std::string& line : lines_of(run_program({"--help"}).out)) {
    if (within && line.empty()) break;
    if (within) verbs.push_back(line.substr(2, line.find(' ', 2) - 2));
    within = within || line == "Verbs:";
  }
  return verbs;
}

class EveryVerb : public TrainedFolder {
 protected:
  /// Runs the example of each verb with `words` more; a verb of the table without an example is a failure.
  template <class Check>
  void for_each(const std::vector<std::string>& words, ProgramOptions options, const Check& check) const {
    options.folder = folder_.path();
    const std::vector<std::string> verbs = listed_verbs();
    EXPECT_EQ(verbs.size(), examples().size());
    for (const std::string& verb : verbs) {
      SCOPED_TRACE(verb);
      const auto example = examples().find(verb);
      ASSERT_NE(example, examples().end()) << "a verb that no test here runs";
      std::vector<std::string> all{verb};
      all.insert(all.end(), example->second.words.begin(), example->second.words.end());
      all.insert(all.end(), words.begin(), words.end());
      const ProgramResult result = run_program(all, options);
      EXPECT_EQ(result.exit_code, 0) << result.err;
      check(result, example->second);
    }
  }
};

TEST_F(EveryVerb, JsonIsOneObjectOrOneALine) {
  for_each({"--json"}, {}, [](const ProgramResult& result, const Example& example) {
    const auto lines = lines_of(result.out);
    for (const std::string& line : lines) EXPECT_TRUE(json::parse(line, nullptr, false).is_object()) << line;
    if (example.streams) {
      EXPECT_GT(lines.size(), 1U);
    } else {
      EXPECT_EQ(lines.size(), 1U);
    }
  });
}

TEST_F(EveryVerb, QuietLeavesOnlyErrors) {
  for_each({"--quiet"}, {}, [](const ProgramResult& result, const Example&) { EXPECT_THAT(result.err, IsEmpty()); });
}

TEST_F(EveryVerb, VerbosePutsTimeAndMemoryBeforeEachLine) {
  for_each({"--verbose"}, {}, [](const ProgramResult& result, const Example&) {
    for (const std::string& line : lines_of(result.err)) {
      EXPECT_THAT(line, testing::ContainsRegex("^ +[0-9]+\\.[0-9][0-9] s +[0-9.]+ [kMG]?B  [a-z ]"));
    }
  });
  EXPECT_THAT(run({"train", "ratings.csv", "--epochs", "1", "--verbose"}).err, HasSubstr("B  epoch  1/1"));
  EXPECT_EQ(run({"describe", "ratings.csv", "--verbose", "--quiet"}).exit_code, 2);
}

TEST_F(EveryVerb, NoColorMeansNoColourAtATerminal) {
  ProgramOptions options;
  options.terminal = true;
  options.environment["TERM"] = "xterm-256color";
  options.environment["NO_COLOR"] = "1";
  for_each({}, options, [](const ProgramResult& result, const Example&) {
    EXPECT_THAT(result.out, Not(testing::ContainsRegex("\x1b\\[[0-9;]*m")));
  });
}

TEST_F(EveryVerb, ErrorsFollowColorToo) {
  ProgramOptions options;
  options.folder = folder_.path();
  options.terminal = true;
  options.environment["TERM"] = "xterm-256color";
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"describe", "missing.csv"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words, options).out;
  };
  EXPECT_THAT(error({}), HasSubstr("\x1b[31m"));
  EXPECT_THAT(error({"--color", "never"}), Not(testing::ContainsRegex("\x1b\\[[0-9;]*m")));
  EXPECT_THAT(error({"--quiet"}), HasSubstr("missing.csv")) << "errors are never quiet";
  options.environment["NO_COLOR"] = "1";
  EXPECT_THAT(error({}), Not(HasSubstr("\x1b[31m")));
  EXPECT_THAT(error({"--color", "always"}), HasSubstr("\x1b[31m"));
}

TEST_F(EveryVerb, JsonOfSynthIntoAFileDescribesTheFile) {
  const ProgramResult result =
      run({"synth", "--users", "9", "--items", "8", "--ratings", "20", "-o", "s.txt", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json about = json::parse(result.out);
  EXPECT_EQ(about["file"], "s.txt");
  EXPECT_EQ(about["n_ratings"], 20);
  EXPECT_EQ(lines_of(read_text(folder_.file("s.txt"))).size(), 20U) << "the file is text that train reads";
  const auto lines = lines_of(run({"synth", "--users", "9", "--items", "8", "--ratings", "20", "--json"}).out);
  const auto texts = lines_of(read_text(folder_.file("s.txt")));
  ASSERT_EQ(lines.size(), texts.size());
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const json rating = json::parse(lines[n]);
    EXPECT_EQ(rating["user"].dump() + ' ' + rating["item"].dump(), texts[n].substr(0, texts[n].rfind(' ')));
    EXPECT_EQ(rating["rating"].get<float>(), std::stof(texts[n].substr(texts[n].rfind(' '))));
  }
}

TEST_F(EveryVerb, JsonOfInfoHasNumbersAsNumbers) {
  const json info = json::parse(run({"info", "ratings.safetensors", "--json"}).out);
  for (const char* key : {"seed", "data_bytes", "n_ratings", "best_epoch", "baseline_bias_rmse"}) {
    EXPECT_TRUE(info["metadata"][key].is_number()) << key;
  }
  EXPECT_EQ(info["metadata"]["data"], "ratings.csv");
  const json settings = json::parse(run({"info", "ratings.safetensors", "--settings", "--json"}).out);
  EXPECT_EQ(settings["settings"], run({"info", "ratings.safetensors", "--settings"}).out);
}

}  // namespace
}  // namespace wf::test
