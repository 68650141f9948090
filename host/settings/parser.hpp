// One verb's settings: declared as rows of a table, read from a command, a file and the environment, explained on the
// help page. The only user of CLI11 is parser.cpp.
#pragma once
#include "host/settings/setting.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// Text that the user asked for instead of work: for stdout, exit code 0.
struct HelpRequest {
  std::string text;
};

/// A value from a file or from the environment.
struct OuterValue {
  std::string key;                 ///< "rank"
  std::vector<std::string> words;  ///< several only of a list
  Source source = Source::file;
  std::string place;     ///< "run.toml:3", "WARPFACTOR_RANK"
  bool boolean = false;  ///< true or false without quotes
};

/// Where `winner` is given, `losers` of a source that comes before do not count: the command says --valid-frac, and the
/// file's `valid` is as if it were not there.
struct Contradiction {
  std::string winner;
  std::vector<std::string> losers;
};

class Parser {
 public:
  using Take = std::function<void(const std::string& option, const std::string& text)>;

  Parser(std::string verb, std::string summary, std::vector<std::string> examples);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// A word without dashes. Every positional is required.
  void positional(const std::string& metavar, const std::string& text, std::string& into);
  /// `names` is "-k,--rank,--factors": all of them are one option; messages and help show the first long name first.
  /// Given twice, under whatever names, it is a usage error. `text` ends with the default and the range, if any:
  /// "(default 128; 1 to 1024)", or "(default: detected)" where it is no value.
  void value(Group group, const std::string& names, const std::string& metavar, const std::string& text, Take take);
  void list(Group group, const std::string& names, const std::string& metavar, const std::string& text, Take take);
  void flag(Group group, const std::string& names, const std::string& text, std::function<void()> take);
  /// A flag and its opposite, which exclude each other. `initial`: the default; nullopt: `text` says how it is found.
  void either(Group group, const std::string& on, const std::string& off, const std::string& text,
              std::optional<bool> initial, std::function<void(bool)> take);
  /// Moves the option declared last to --help-all.
  void rare();
  /// Keeps the option declared last out of files.
  void typed_only();

  /// Reads the words of a command. Throws UsageError, or HelpRequest for --help and --help-all.
  void read(const std::vector<std::string>& arguments);
  /// Takes note of a value, unless a later source has given one. What the verb does not have is left alone.
  void add(const OuterValue& value);
  /// Calls the `take` of everything given. Errors name the place that a value is from. `complete`: every positional
  /// must be there.
  void finish(const std::vector<Contradiction>& contradictions, bool complete);

  const std::vector<Setting>& settings() const;
  std::string help(bool all) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// For options that only store their text, which must not be empty.
Parser::Take store(std::string& into);

}  // namespace wf
