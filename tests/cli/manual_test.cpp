// The pages that the table of settings makes: docs/parameters.md as committed, the man page, completions run by their
// shells.
#include "tests/cli/small_data.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace wf::test {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

struct ShellResult {
  int status = -1;
  std::string out;
};

ShellResult shell(const std::string& command) {
  ShellResult result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");  // NOLINT(cert-env33-c): the shells are what is tested
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) result.out.append(buffer.data(), n);
  result.status = pclose(pipe);
  return result;
}

bool is_installed(const std::string& program) {
  return shell("command -v " + program).status == 0;
}

std::string page(const std::string& word) {
  const ProgramResult result = run_program({"help", word});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

/// As the program's help lists them.
std::vector<std::string> verbs() {
  const std::string help = run_program({"--help"}).out;
  const std::string head = "\nVerbs:\n";
  const std::size_t begin = help.find(head) + head.size();
  std::vector<std::string> found;
  for (const std::string& line : lines_of(help.substr(begin, help.find("\n\n", begin) - begin))) {
    found.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  EXPECT_GE(found.size(), 13U) << help;
  return found;
}

TEST(Manual, ParametersAsCommittedAreThoseOfTheProgram) {
  std::ifstream file(WF_FIXTURES "/../../docs/parameters.md", std::ios::binary);
  const std::string committed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(committed == page("parameters")) << "write it again: warpfactor help parameters > docs/parameters.md";
}

TEST(Manual, ParametersNameEveryOptionOfEveryHelpPage) {
  const std::string text = page("parameters");
  for (const std::string& verb : verbs()) {
    EXPECT_THAT(text, HasSubstr("\n## " + verb + '\n'));
    for (const std::string& line : lines_of(run_program({verb, "--help-all"}).out)) {
      if (line.rfind("  -", 0) != 0) continue;
      const std::string name = line.substr(2, line.find_first_of(" ,", 2) - 2);
      EXPECT_THAT(text, HasSubstr('`' + name + '`')) << verb;
    }
  }
}

TEST(Manual, EveryVerbBeginsWithThreeExamples) {
  for (const std::string& verb : verbs()) {
    const std::string help = run_program({verb, "--help"}).out;
    const std::vector<std::string> lines = lines_of(help.substr(0, help.find("\nUsage:")));
    ASSERT_EQ(lines.size(), 6U) << verb;
    for (std::size_t n = 3; n < 6; ++n) EXPECT_THAT(lines[n], HasSubstr("warpfactor ")) << verb;
  }
}

TEST(Manual, ManPageHasNoErrorOfRoff) {
  const std::string text = page("man");
  for (const std::string& verb : verbs()) EXPECT_THAT(text, HasSubstr("\n.B " + verb + '\n'));
  TemporaryFolder folder;
  const std::string file = folder.write("warpfactor.1", text);
  bool read = false;
  if (is_installed("mandoc")) {
    const ShellResult result = shell("mandoc -Tlint -W error " + file);
    EXPECT_EQ(result.status, 0) << result.out;
    read = true;
  }
  if (is_installed("man")) {
    const ShellResult result = shell("LC_ALL=C.UTF-8 MANROFFOPT=-ww man --warnings -l " + file + " > /dev/null");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.out, "");
    read = true;
  }
  if (!read) GTEST_SKIP() << "neither mandoc nor man is installed";
}

/// What bash offers for the last of `words`.
std::vector<std::string> bash_offers(const TemporaryFolder& folder, const std::vector<std::string>& words) {
  std::string script = "source ./completion\ncomplete -p warpfactor >/dev/null || exit 9\nCOMP_WORDS=(";
  for (const std::string& word : words) script += " '" + word + '\'';
  script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
            "\n_warpfactor\nfor word in \"${COMPREPLY[@]}\"; do printf '%s\\n' \"$word\"; done\n";
  folder.write("ask", script);
  const ShellResult result = shell("cd " + folder.path().string() + " && bash --norc ./ask");
  EXPECT_EQ(result.status, 0) << result.out;
  std::vector<std::string> offers = lines_of(result.out);
  while (!offers.empty() && offers.back().empty()) offers.pop_back();
  return offers;
}

TEST(Manual, BashCompletes) {
  if (!is_installed("bash")) GTEST_SKIP() << "bash is not installed";
  TemporaryFolder folder;
  folder.write("completion", page("completion-bash"));
  folder.write("my ratings.csv", "");
  using testing::Contains;
  using testing::ElementsAre;
  using testing::IsEmpty;
  using testing::Not;
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "s"}), UnorderedElementsAre("split", "similar", "synth"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "--lambda"}),
              UnorderedElementsAre("--lambda", "--lambda-user", "--lambda-item", "--lambda-bias"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "info", "-"}), Not(Contains("--lambda")));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "a.csv", "--reduction", ""}), ElementsAre("mean", "sum"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "a.csv", "--reduction", "=", "s"}), ElementsAre("sum"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "a.csv", "--reduction", "="}), ElementsAre("mean", "sum"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "-k", ""}), IsEmpty());
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "my"}), ElementsAre("my ratings.csv"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "train", "a.csv", "--valid", "my"}), ElementsAre("my ratings.csv"));
  EXPECT_THAT(bash_offers(folder, {"warpfactor", "help", "completion-z"}), ElementsAre("completion-zsh"));
}

TEST(Manual, ZshReadsItsCompletion) {
  TemporaryFolder folder;
  const std::string file = folder.write("_warpfactor", page("completion-zsh"));
  if (!is_installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  const ShellResult result = shell("zsh -f -n " + file);
  EXPECT_EQ(result.status, 0) << result.out;
}

TEST(Manual, FishCompletes) {
  TemporaryFolder folder;
  const std::string file = folder.write("warpfactor.fish", page("completion-fish"));
  if (!is_installed("fish")) GTEST_SKIP() << "fish is not installed";
  const auto offers = [&](const std::string& line) {
    const ShellResult result = shell("HOME=" + folder.path().string() + " fish --no-config -c 'source " + file +
                                     "; complete -C \"" + line + "\"'");
    EXPECT_EQ(result.status, 0) << result.out;
    return result.out;
  };
  EXPECT_THAT(offers("warpfactor sp"), HasSubstr("split\tratings -> train and test"));
  EXPECT_THAT(offers("warpfactor train --red"), HasSubstr("--reduction"));
  EXPECT_EQ(offers("warpfactor train a.csv --reduction s").substr(0, 3), "sum");
}

TEST(Manual, HelpOnAnUnknownWordNamesTheNearest) {
  const ProgramResult result = run_program({"help", "trian"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean train?"));
}

}  // namespace
}  // namespace wf::test
