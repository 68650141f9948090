#include "host/cli/parser.hpp"

#include "host/cli/words.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <array>

namespace wf::cli {
namespace {

constexpr std::array<const char*, 6> kGroupNames{"Data", "Model", "Training", "Evaluation", "Engine", "Output"};

struct Row {
  Group group;
  std::vector<std::string> names;
  std::string metavar;
  std::string text;
  bool rare = false;
};

struct Positional {
  std::string metavar;
  std::string text;
  std::string* into;
};

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> result;
  std::size_t begin = 0;
  while (begin <= names.size()) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    result.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

std::string display_name(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.size() > 1 && name[1] == '-') return name;
  }
  return names.front();
}

/// "text" broken into lines of at most `width` bytes, all but the first indented.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column > 0 && column + 1 + length > width) {
      result += '\n' + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) {
      result += ' ';
      ++column;
    }
    result += text.substr(begin, length);
    column += length;
    begin = end + 1;
  }
  return result;
}

std::string help_row(const std::string& left, const std::string& text) {
  constexpr std::size_t kIndent = 34;
  constexpr std::size_t kWidth = 66;
  std::string line = "  " + left;
  line += line.size() + 2 > kIndent ? '\n' + std::string(kIndent, ' ') : std::string(kIndent - line.size(), ' ');
  return line + wrapped(text, kIndent, kWidth) + '\n';
}

}  // namespace

struct Parser::State {
  CLI::App app;
  std::string verb;
  std::string summary;
  std::vector<std::string> examples;
  std::vector<Row> rows;
  std::vector<Positional> positionals;
  bool help = false;
  bool help_all = false;

  std::vector<std::string> all_names() const {
    std::vector<std::string> names;
    for (const Row& row : rows) names.insert(names.end(), row.names.begin(), row.names.end());
    return names;
  }
  std::string help_hint() const { return fmt::format("warpfactor {} --help lists the options", verb); }
};

Parser::Parser(std::string verb, std::string summary, std::vector<std::string> examples)
    : state_(std::make_unique<State>()) {
  state_->verb = std::move(verb);
  state_->summary = std::move(summary);
  state_->examples = std::move(examples);
  state_->app.set_help_flag();
  state_->app.allow_extras();
}

Parser::~Parser() = default;

void Parser::positional(const std::string& metavar, const std::string& text, std::string& into) {
  state_->positionals.push_back({metavar, text, &into});
  state_->app.add_option(
      metavar,
      [&into](const CLI::results_t& words) {
        into = words.front();
        return true;
      },
      text);
}

void Parser::value(Group group, const std::string& names, const std::string& metavar, const std::string& text,
                   Take take) {
  state_->rows.push_back({group, split_names(names), metavar, text});
  const std::vector<std::string> spellings = state_->rows.back().names;
  const auto callback = [spellings, take = std::move(take)](const CLI::results_t& words) {
    if (words.size() > 1) {
      throw UsageError(fmt::format("{} is given {} times", display_name(spellings), words.size()),
                       spellings.size() > 1 ? join(spellings, ", ") + " are one option: give it once" : "give it once");
    }
    take(display_name(spellings), words.front());
    return true;
  };
  state_->app.add_option(names, callback, text)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Parser::list(Group group, const std::string& names, const std::string& metavar, const std::string& text,
                  Take take) {
  state_->rows.push_back({group, split_names(names), metavar, text});
  const std::string name = display_name(state_->rows.back().names);
  const auto callback = [name, take = std::move(take)](const CLI::results_t& words) {
    for (const std::string& word : words) take(name, word);
    return true;
  };
  state_->app.add_option(names, callback, text)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Parser::flag(Group group, const std::string& names, const std::string& text, std::function<void()> take) {
  state_->rows.push_back({group, split_names(names), "", text});
  const auto callback = [take = std::move(take)](const CLI::results_t& /*words*/) {
    take();
    return true;
  };
  state_->app.add_option(names, callback, text)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->expected(0)
      ->disable_flag_override();
}

void Parser::rare() {
  state_->rows.back().rare = true;
}

void Parser::parse(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {  // before anything can fail, so that help always helps
    if (argument == "--") break;
    if (argument == "--help-all") throw HelpRequest{help(true)};
    if (argument == "--help" || argument == "-h") throw HelpRequest{help(false)};
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 takes them from the back
  try {
    state_->app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();
    const bool flag = text.find("flag") != std::string::npos;  // --flag=value
    const std::string name = text.substr(0, text.find_first_of(": "));
    throw UsageError(flag ? "--" + name + " takes no value" : name + ": its value is missing", state_->help_hint());
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), state_->help_hint());
  }
  for (const std::string& word : state_->app.remaining()) {
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      const std::string near = nearest(name, state_->all_names());
      throw UsageError("unknown option " + name, near.empty()
                                                     ? state_->help_hint()
                                                     : fmt::format("did you mean {}? {}", near, state_->help_hint()));
    }
  }
  if (!state_->app.remaining().empty()) {
    std::string words;
    for (const Positional& positional : state_->positionals) words += positional.metavar + ' ';
    throw UsageError(fmt::format("unexpected word \"{}\"", state_->app.remaining().front()),
                     fmt::format("usage: warpfactor {} {}[options]; quote names with blanks", state_->verb, words));
  }
  for (const Positional& positional : state_->positionals) {
    if (positional.into->empty()) {
      throw UsageError(fmt::format("{} is missing", positional.metavar),
                       fmt::format("for example: {}", state_->examples.front()));
    }
  }
}

std::string Parser::help(bool all) const {
  std::string text = state_->summary + "\n\nExamples:\n";
  for (const std::string& example : state_->examples) text += "  " + example + '\n';
  text += "\nUsage: warpfactor " + state_->verb;
  for (const Positional& positional : state_->positionals) text += ' ' + positional.metavar;
  text += " [options]\n";
  for (const Positional& positional : state_->positionals) text += help_row(positional.metavar, positional.text);
  bool hidden = false;
  for (std::size_t group = 0; group < kGroupNames.size(); ++group) {
    std::string body;
    for (const Row& row : state_->rows) {
      if (row.group != static_cast<Group>(group)) continue;
      if (row.rare && !all) {
        hidden = true;
        continue;
      }
      body += help_row(join(row.names, ", ") + (row.metavar.empty() ? "" : ' ' + row.metavar), row.text);
    }
    if (!body.empty()) text += fmt::format("\n{}:\n{}", kGroupNames[group], body);
  }
  return text + (hidden ? "\n--help-all shows the rare options too.\n" : "");
}

}  // namespace wf::cli
