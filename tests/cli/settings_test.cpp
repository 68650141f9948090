// Where settings come from, which source wins, what a wrong one is told, and that what is printed can be read again.
#include "tests/cli/small_data.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace wf::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The line of --print-config about a key, without the blanks that align it; empty: there is none.
std::string line_about(const std::string& printed, const std::string& key) {
  for (const std::string& line : lines_of(printed)) {
    const std::string bare = line.rfind("# ", 0) == 0 ? line.substr(2) : line;
    if (bare.rfind(key + " =", 0) != 0) continue;
    std::string result;
    for (const char c : line) {
      if (c != ' ' || result.empty() || result.back() != ' ') result += c;
    }
    return result;
  }
  return "";
}

/// The lines that count: what is no comment, without sources.
std::vector<std::string> demands(const std::string& toml) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(toml)) {
    if (!line.empty() && line[0] != '#') lines.push_back(line.substr(0, line.find("  ")));
  }
  return lines;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Settings : public testing::Test {
 protected:
  ProgramResult run(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& variables = {},
                    const std::string& config = {}) const {
    ProgramOptions options;
    options.folder = folder_.path();
    options.environment = variables;
    std::vector<std::string> words = arguments;
    if (!config.empty()) {
      folder_.write("run.toml", config);
      words.insert(words.end(), {"--config", "run.toml"});
    }
    return run_program(words, options);
  }
  /// The line about `key` that train --print-config prints.
  std::string printed(const std::string& key, std::vector<std::string> options,
                      const std::map<std::string, std::string>& variables = {}, const std::string& config = {}) const {
    options.insert(options.begin(), {"train", "ratings.csv", "--print-config"});
    const ProgramResult result = run(options, variables, config);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return line_about(result.out, key);
  }

  TemporaryFolder folder_;
};

TEST_F(Settings, TheNearerSourceWins) {
  const std::map<std::string, std::string> variables{{"WARPFACTOR_RANK", "4"}};
  EXPECT_EQ(printed("rank", {}), "# rank = 128 # default");
  EXPECT_EQ(printed("rank", {}, {}, "rank = 3\n"), "rank = 3 # file: run.toml:1");
  EXPECT_EQ(printed("rank", {}, {}, "rank = 3\n\n[train]\nrank = 2\n"), "rank = 2 # file: run.toml:4");
  EXPECT_EQ(printed("rank", {}, variables, "rank = 3\n[train]\nrank = 2\n"), "rank = 4 # environment: WARPFACTOR_RANK");
  EXPECT_EQ(printed("rank", {"-k", "5"}, variables, "rank = 3\n"), "rank = 5 # option");
}

TEST_F(Settings, TheFileIsNamedByAnOptionOrAVariable) {
  folder_.write("a.toml", "rank = 3\n");
  EXPECT_EQ(printed("rank", {}, {{"WARPFACTOR_CONFIG", "a.toml"}}), "rank = 3 # file: a.toml:1");
  EXPECT_EQ(printed("rank", {}, {{"WARPFACTOR_CONFIG", "a.toml"}}, "rank = 6\n"), "rank = 6 # file: run.toml:1");
}

TEST_F(Settings, EveryTypeOfTomlIsAWord) {
  const std::string config =
      "rank = 0x10\nlambda = 5e-2\nbiases = false\nloss = \"huber\"\nseed = \"18446744073709551615\"\nout = \"1\"\n";
  EXPECT_EQ(printed("rank", {}, {}, config), "rank = 16 # file: run.toml:1");
  EXPECT_EQ(printed("lambda", {}, {}, config), "lambda = 0.05 # file: run.toml:2");
  EXPECT_EQ(printed("biases", {}, {}, config), "biases = false # file: run.toml:3");
  EXPECT_EQ(printed("loss", {}, {}, config), "loss = \"huber\" # file: run.toml:4");
  EXPECT_EQ(printed("out", {}, {}, config), "out = \"1\" # file: run.toml:6");
  EXPECT_EQ(printed("seed", {}, {}, config), "seed = \"18446744073709551615\" # file: run.toml:5");
}

TEST_F(Settings, FlagsAreTrueOrFalseByBothNames) {
  EXPECT_EQ(printed("biases", {}, {{"WARPFACTOR_NO_BIASES", "yes"}}),
            "biases = false # environment: WARPFACTOR_NO_BIASES");
  EXPECT_EQ(printed("biases", {}, {}, "no-biases = false\n"), "biases = true # file: run.toml:1");
  EXPECT_EQ(printed("quiet", {}, {{"WARPFACTOR_QUIET", "0"}}, "quiet = true\n"),
            "quiet = false # environment: WARPFACTOR_QUIET");
  EXPECT_EQ(printed("biases", {"--biases"}, {}, "no-biases = true\n"), "biases = true # option");
  EXPECT_EQ(printed("quiet", {"--quiet=false"}, {{"WARPFACTOR_QUIET", "1"}}), "quiet = false # option");
  EXPECT_EQ(printed("biases", {"--biases=false"}), "biases = false # option");
}

TEST_F(Settings, AFlagThatIsUndoneByTheSameCommandIsAnError) {
  EXPECT_THAT(run({"train", "r.csv", "--quiet", "--quiet=false"}).err, HasSubstr("--quiet and --quiet=false exclude"));
  EXPECT_THAT(run({"train", "r.csv", "--no-biases", "--biases=true"}).err, HasSubstr("--no-biases exclude each other"));
  EXPECT_EQ(run({"train", "--", "--quiet=false"}).exit_code, 3) << "behind -- it is a file, which is missing";
}

TEST_F(Settings, AnEmptyVariableIsNotSet) {
  EXPECT_EQ(printed("rank", {}, {{"WARPFACTOR_RANK", ""}}), "# rank = 128 # default");
}

TEST_F(Settings, WhatContradictsANearerSourceDoesNotCount) {
  const std::vector<std::string> options{"--valid-frac", "0.2", "--algorithm", "als", "--lambda", "0.5"};
  const std::string config = "valid = \"v.csv\"\nimplicit = true\nlambda-user = 0.1\nlambda-item = 0.2\n";
  for (const char* key : {"valid", "implicit", "lambda-user", "lambda-item"}) {
    EXPECT_THAT(printed(key, options, {}, config), StartsWith("# ")) << key;
  }
  EXPECT_EQ(printed("valid-frac", {"--no-valid"}, {}, "valid-frac = 0.5\n").substr(0, 16), "# valid-frac = 0");
  // the other way round each says something of its own
  EXPECT_EQ(printed("lambda", {"--lambda-user", "0.1"}, {}, "lambda = 0.5\n"), "lambda = 0.5 # file: run.toml:1");
}

TEST_F(Settings, KeysOfOtherVerbsAreLeftAlone) {
  const std::string config = "top = 3\nnoise = 0.5\n[synth]\nshape = \"ml-1m\"\n[recommend]\nuser = [\"1\"]\n";
  EXPECT_EQ(run({"train", "ratings.csv", "--print-config"}, {{"WARPFACTOR_TOP", "3"}}, config).exit_code, 0);
}

struct WrongSetting {
  const char* name;
  const char* config;    ///< empty: none
  const char* variable;  ///< NAME=VALUE; empty: none
  const char* message;   ///< how the message begins
  const char* cure;
  int exit_code = 2;
};

class WrongSettings : public Settings, public testing::WithParamInterface<WrongSetting> {};

TEST_P(WrongSettings, AreErrorsWithTheirPlaceAndACure) {
  const WrongSetting& wrong = GetParam();
  const std::string variable = wrong.variable;
  std::map<std::string, std::string> variables;
  if (!variable.empty()) variables[variable.substr(0, variable.find('='))] = variable.substr(variable.find('=') + 1);
  const ProgramResult result = run({"train", "ratings.csv"}, variables, wrong.config);
  EXPECT_EQ(result.exit_code, wrong.exit_code);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith(wrong.message));
  EXPECT_THAT(result.err, HasSubstr(wrong.cure));
  EXPECT_EQ(lines_of(result.err).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Files, WrongSettings,
    testing::Values(
        WrongSetting{"Key", "\nranc = 3\n", "", "run.toml:2: unknown setting \"ranc\"", "did you mean rank?"},
        WrongSetting{"Underscore", "batch_size = 3\n", "", "run.toml:1: unknown setting", "did you mean batch-size?"},
        WrongSetting{"KeyOfOtherVerb", "[train]\ntop = 3\n", "", "run.toml:2: train has no setting \"top\"", "("},
        WrongSetting{"KeyInOtherTable", "[recommend]\ntopp = 3\n", "", "run.toml:2: recommend has no",
                     "did you mean top?"},
        WrongSetting{"Table", "[trian]\nrank = 3\n", "", "run.toml:2: table \"trian\" is of no verb",
                     "did you mean train?"},
        WrongSetting{"EmptyTable", "[trian]\n", "", "run.toml:1: table \"trian\"", "did you mean train?"},
        WrongSetting{"TableInTable", "[train.rank]\na = 3\n", "", "run.toml:1: \"rank\": no setting takes",
                     "give a number"},
        WrongSetting{"Date", "rank = 1979-05-27\n", "", "run.toml:1: \"rank\": no setting takes such a value",
                     "give a number"},
        WrongSetting{"Infinite", "lambda = inf\n", "", "run.toml:1: \"lambda\": no setting takes", "give a number"},
        WrongSetting{"Range", "epochs = -1\n", "", "run.toml:1: --epochs", "0 to 1000000"},
        WrongSetting{"Fraction", "rank = 1.5\n", "", "run.toml:1: --rank", "whole number"},
        WrongSetting{"Boolean", "out = true\n", "", "run.toml:1: out takes FILE, not true", "give that"},
        WrongSetting{"NoFlag", "biases = \"perhaps\"\n", "", "run.toml:1: biases is a flag", "give true or false"},
        WrongSetting{"List", "rank = [1, 2]\n", "", "run.toml:1: rank takes one value, not 2", "without brackets"},
        WrongSetting{"NoValue", "rank = []\n", "", "run.toml:1: rank takes one value, not 0", "give one"},
        WrongSetting{"Twice", "rank = 3\nfactors = 4\n", "", "run.toml:", "rank, factors, dim are one setting"},
        WrongSetting{"BothOfAFlag", "biases = true\nno-biases = true\n", "", "run.toml:", "are one setting"},
        WrongSetting{"Exclusive", "valid = \"v.csv\"\nvalid-frac = 0.1\n", "",
                     "warpfactor train: --valid and --valid-frac",
                     "--valid is from run.toml:1; --valid-frac is from run.toml:2"},
        WrongSetting{"NoEffect", "[train]\nmomentum = 0.5\n", "", "warpfactor train: --momentum needs mini-batches",
                     "--momentum is from run.toml:2"},
        WrongSetting{"Nested", "config = \"other.toml\"\n", "", "run.toml:1: a configuration file names no other", "("},
        WrongSetting{"PrintConfig", "print-config = true\n", "", "run.toml:1: unknown setting", "("},
        WrongSetting{"NoToml", "rank = 3\nepochs 3\n", "", "run.toml:2:", "no TOML", 3},
        WrongSetting{"KeyTwice", "rank = 3\nrank = 4\n", "", "run.toml:2:", "no TOML", 3},
        WrongSetting{"LineInMessage", "biases = fa\nrank = 3\n", "", "run.toml:1:", "no TOML", 3},
        WrongSetting{"TableWithoutAName", "rank = 3\n[=\n", "", "run.toml:2:", "a table without a name", 3},
        WrongSetting{"LetterBehindALongText", "rank = 3\nlr = \"\"\"a#'\" 1\n\"\"\"\"\xce\xae", "",
                     "run.toml:3:", "outside of a text", 3},
        WrongSetting{"ListThatEndsAsATable", "rank = 3\nlr = 1\nepochs = {a = [8,}\n", "",
                     "run.toml:3:", "does not end", 3},
        WrongSetting{"ListThatEndsAsATableAtTheEnd", "seed = {a = [8,}", "", "run.toml:1:", "does not end", 3},
        WrongSetting{"TableThatEndsWithItsLine", "[[\nrank = 3\n", "", "run.toml:1:", "a table without a name", 3},
        WrongSetting{"LetterBeyondAscii", "# \xCB\xA0\nr\xCB\xA0 = 3\n", "", "run.toml:2:", "outside of a text", 3},
        WrongSetting{"Binary", "\xff\xfe\x01", "", "run.toml:1:", "no TOML", 3}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Variables, WrongSettings,
    testing::Values(
        WrongSetting{"Name", "", "WARPFACTOR_RANC=3", "WARPFACTOR_RANC: no setting", "did you mean WARPFACTOR_RANK?"},
        WrongSetting{"Case", "", "WARPFACTOR_Rank=3", "WARPFACTOR_Rank: no setting", "WARPFACTOR_RANK"},
        WrongSetting{"Value", "", "WARPFACTOR_RANK=abc", "WARPFACTOR_RANK: --rank: \"abc\"", "1 to"},
        WrongSetting{"Flag", "", "WARPFACTOR_QUIET=maybe", "WARPFACTOR_QUIET: quiet is a flag", "true or false"},
        WrongSetting{"NoFile", "", "WARPFACTOR_CONFIG=nowhere.toml", "nowhere.toml: the file cannot", "--config", 3}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(Settings, TwoVariablesOfOneSettingAreAnError) {
  const ProgramResult result = run({"train", "ratings.csv"}, {{"WARPFACTOR_RANK", "3"}, {"WARPFACTOR_FACTORS", "4"}});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("rank is given already"));
}

TEST_F(Settings, AFolderOrAnEndlessFileIsNoConfiguration) {
  for (const char* path : {".", "/dev/zero"}) {
    const ProgramResult result = run({"train", "ratings.csv", "--config", path});
    EXPECT_EQ(result.exit_code, 3) << path;
    EXPECT_THAT(result.err, StartsWith(std::string(path) + ": "));
  }
}

TEST_F(Settings, VerifyHasDefaultsOfItsOwn) {
  const ProgramResult result = run({"verify", "ratings.csv", "--print-config"});
  EXPECT_EQ(line_about(result.out, "batch-size"), "# batch-size = 1024 # default");
  EXPECT_THAT(result.out, Not(HasSubstr("from the data")));
}

TEST_F(Settings, PrintConfigDoesNothingElse) {
  folder_.write("ratings.csv", small_ratings());
  EXPECT_EQ(run({"train", "ratings.csv", "--print-config", "-o", "m.safetensors"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("m.safetensors")));
  EXPECT_EQ(run({"train", "--print-config"}).exit_code, 0) << "a word may be missing";
}

TEST_F(Settings, WhatTheRatingsDecideIsSaidToBeFromTheData) {
  for (const char* key : {"lr", "lambda-user", "lambda-item", "bias-rate", "accumulator", "init-scale"}) {
    EXPECT_THAT(printed(key, {}), HasSubstr("= # default, from the data")) << key;
  }
  EXPECT_EQ(printed("beta1", {}), "# beta1 = 0.9 # default");
  EXPECT_THAT(printed("lambda-user", {"--lambda", "0.1"}), StartsWith("# lambda-user = 0.1 #"));
  EXPECT_THAT(printed("optimizer", {}), StartsWith("# optimizer = \"row_adagrad\" #"));
  EXPECT_THAT(printed("epochs", {"--algorithm", "als"}), StartsWith("# epochs = 20 #"));
}

TEST_F(Settings, WhatIsPrintedIsReadAgain) {
  const std::vector<std::vector<std::string>> commands{
      {"train", "a \"b\"\t.csv", "-k", "7", "--no-biases", "--lr", "1e-3", "--seed", "18446744073709551615"},
      {"train", "r.csv", "--batch-size", "64", "--optimizer", "adam", "--gradients", "dense", "--col-user", "3"},
      {"train", "r.csv", "--implicit", "--alpha", "2.50", "--global-mean", "auto", "--memory", "4G"},
      {"train", "ratings\x7f.csv", "--sep", "\t", "--header", "--no-early-stopping", "-o", "m.safetensors", "--quiet"},
      {"recommend", "m.safetensors", "--user", "1", "--user", "b,c", "-n", "3", "--keep-seen"},
      {"synth", "--users", "10", "--items", "007", "--ratings", "20", "--noise", "0.25"},
      {"verify", "r.csv", "--steps", "3", "--tolerance", "0"},
      {"doctor", "--json"}};
  for (std::vector<std::string> command : commands) {
    SCOPED_TRACE(testing::PrintToString(command));
    command.emplace_back("--print-config");
    const ProgramResult first = run(command);
    ASSERT_EQ(first.exit_code, 0) << first.err;
    EXPECT_GE(demands(first.out).size(), (command.size() - 2) / 2);
    const ProgramResult again = run({command[0], "--print-config"}, {}, first.out);
    EXPECT_EQ(demands(again.out), demands(first.out)) << again.err;
    EXPECT_EQ(lines_of(again.out).size(), lines_of(first.out).size());
  }
}

TEST_F(Settings, TheFileOfTheDocumentationIsRead) {
  const std::string text = bytes_of(WF_FIXTURES "/../../docs/cli.md");
  const std::size_t begin = text.find("```toml\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string toml = text.substr(begin + 8, text.find("```", begin + 8) - begin - 8);
  const ProgramResult result = run({"train", "--print-config"}, {}, toml);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(demands(result.out),
              testing::UnorderedElementsAre("data = \"ratings.csv\"", "rank = 32", "biases = false", "lambda = 0.05"));
  EXPECT_THAT(demands(run({"recommend", "--print-config"}, {}, toml).out),
              testing::ElementsAre("user = [\"42\", \"43\"]"));
}

TEST_F(TrainedFolder, SeveralValuesBetweenCommasMayBeAList) {
  const auto at = [&](const std::string& config) {
    folder_.write("run.toml", config);
    const ProgramResult result =
        run({"evaluate", "ratings.safetensors", "ratings.csv", "--config", "run.toml", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const std::string listed = at("[evaluate]\nat = [2, 3]\n");
  EXPECT_THAT(listed, HasSubstr("ndcg@3"));
  EXPECT_EQ(listed, at("[evaluate]\nat = \"2,3\"\n"));
  EXPECT_THAT(at("[evaluate]\nat = 2\n"), HasSubstr("ndcg@2"));
}

TEST_F(Settings, ListsAreReplacedNotJoined) {
  folder_.write("ratings.csv", small_ratings());
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "2", "--epochs", "1", "--quiet"}).exit_code, 0);
  const auto users = [](const ProgramResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<std::string> found;
    for (const std::string& line : lines_of(result.out)) {
      const std::string user = line.substr(0, line.find(','));
      if (user != "user" && (found.empty() || found.back() != user)) found.push_back(user);
    }
    return found;
  };
  using Users = std::vector<std::string>;
  const std::string config = "[recommend]\nuser = [101, \"102\"]\n";
  const std::vector<std::string> verb{"recommend", "ratings.safetensors", "-n", "1"};
  EXPECT_EQ(users(run(verb, {}, config)), (Users{"101", "102"}));
  EXPECT_EQ(users(run(verb, {{"WARPFACTOR_USER", "103,104"}}, config)), (Users{"103", "104"}));
  EXPECT_EQ(users(run({"recommend", "ratings.safetensors", "-n", "1", "--user", "105"},
                      {{"WARPFACTOR_USER", "103,104"}}, config)),
            (Users{"105"}));
  folder_.write("users.txt", "106\n");
  EXPECT_EQ(users(run({"recommend", "ratings.safetensors", "-n", "1", "--users", "users.txt"}, {}, config)),
            (Users{"106"}));
}

TEST_F(Settings, AModelHoldsWhatRepeatsItsTraining) {
  folder_.write("ratings.csv", small_ratings());
  const std::map<std::string, std::string> variables{{"WARPFACTOR_EPOCHS", "3"}};
  ASSERT_EQ(run({"train", "ratings.csv", "--deterministic", "--lr", "0.030", "-o", "a.safetensors"}, variables,
                "rank = 3\nbiases = false\n")
                .exit_code,
            0);
  const ProgramResult settings = run({"info", "a.safetensors", "--settings"});
  ASSERT_EQ(settings.exit_code, 0) << settings.err;
  EXPECT_THAT(demands(settings.out),
              testing::UnorderedElementsAre("data = \"ratings.csv\"", "rank = 3", "biases = false", "epochs = 3",
                                            "lr = 0.03", "deterministic = true"));
  EXPECT_THAT(settings.out, Not(HasSubstr("from the data"))) << "all of it is known by then";
  const ProgramResult again = run({"train", "-o", "b.safetensors"}, {}, settings.out);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(bytes_of(folder_.file("a.safetensors")), bytes_of(folder_.file("b.safetensors")));
}

TEST_F(Settings, WhatTheAlgorithmDoesNotReadHasNoValue) {
  folder_.write("ratings.csv", small_ratings());
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "2", "--epochs", "1", "--implicit"}).exit_code, 0);
  const std::string settings = run({"info", "ratings.safetensors", "--settings"}).out;
  for (const char* key : {"optimizer", "lr", "batch-size", "loss"}) {
    const std::string without = "# " + std::string(key) + " = # not read by this --algorithm";
    EXPECT_EQ(line_about(settings, key), without);
    EXPECT_EQ(printed(key, {"--implicit"}), without);
  }
  EXPECT_EQ(line_about(settings, "alpha"), printed("alpha", {"--implicit"}));
  EXPECT_THAT(printed("lr", {}), HasSubstr("from the data"));
  EXPECT_EQ(printed("alpha", {}), "# alpha = # not read by this --algorithm");
  ASSERT_EQ(run({"report", "ratings.safetensors"}).exit_code, 0);
  const std::string page = bytes_of(folder_.file("ratings.html"));
  EXPECT_THAT(page, HasSubstr("lambda_user"));
  for (const char* word : {"row_adagrad", "<th>lr", "<td>lr"}) EXPECT_THAT(page, Not(HasSubstr(word)));
}

TEST_F(Settings, AModelOfAnotherProgramHoldsNone) {
  folder_.write("ratings.csv", small_ratings());
  ASSERT_EQ(run({"train", "ratings.csv", "-k", "2", "--epochs", "1", "--quiet"}).exit_code, 0);
  ASSERT_EQ(run({"export", "ratings.safetensors", "--format", "libmf"}).exit_code, 0);
  const ProgramResult result = run({"info", "ratings.libmf", "--settings"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("records no settings"));
}

TEST_F(Settings, JsonFromTheEnvironmentHoldsForErrorsToo) {
  const ProgramResult result = run({"train", "missing.csv"}, {{"WARPFACTOR_JSON", "1"}});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(nlohmann::json::parse(result.err)["exit_code"], 3);
}

TEST_F(TrainedFolder, WhatAFileSaysForAllVerbsNeedNotMatterToEach) {
  const auto evaluated = [&](const std::string& text, std::vector<std::string> options = {}) {
    folder_.write("run.toml", text);
    options.insert(options.begin(), {"evaluate", "ratings.safetensors", "ratings.csv", "--config", "run.toml"});
    return run(options).exit_code;
  };
  EXPECT_EQ(evaluated("seed = 7\nkeep-seen = true\n"), 0);  // train's and recommend's
  EXPECT_EQ(evaluated("[evaluate]\nseed = 7\n"), 2);
  EXPECT_EQ(evaluated("[evaluate]\nkeep-seen = true\n"), 2);
  EXPECT_EQ(evaluated("", {"--seed", "7"}), 2);
  EXPECT_EQ(evaluated("", {"--keep-seen"}), 2);
}

}  // namespace
}  // namespace wf::test
