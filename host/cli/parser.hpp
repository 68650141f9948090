// One verb's options: parses a command and writes its help out of the same table. The only user of CLI11 is parser.cpp.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace wf::cli {

/// The groups of the help page, in its order.
enum class Group { data, model, training, evaluation, engine, output };

/// Help that the user asked for instead of work: text for stdout, exit code 0.
struct HelpRequest {
  std::string text;
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
  /// Given twice, under whatever names, it is a usage error.
  void value(Group group, const std::string& names, const std::string& metavar, const std::string& text, Take take);
  void list(Group group, const std::string& names, const std::string& metavar, const std::string& text, Take take);
  void flag(Group group, const std::string& names, const std::string& text, std::function<void()> take);
  /// Moves the option declared last to --help-all.
  void rare();

  /// Calls the `take` of every option given. Throws UsageError, or HelpRequest for --help and --help-all.
  void parse(const std::vector<std::string>& arguments);
  std::string help(bool all) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wf::cli
