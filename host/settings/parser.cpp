#include "host/settings/parser.hpp"

#include "host/settings/words.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>

namespace wf {
namespace {

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

/// true, 1, yes, on; false, 0, no, off.
std::optional<bool> boolean_of(const std::string& word) {
  for (const char* yes : {"true", "1", "yes", "on"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

std::string quoted(const std::vector<std::string>& words) {
  return words.size() == 1 ? '"' + words.front() + '"' : "a list";
}

/// "K[,K...]": one word of several values.
bool takes_commas(const Setting& setting) {
  return setting.metavar.find("[,") != std::string::npos;
}

/// As many words as the setting takes, of flags "true" or "false".
std::vector<std::string> outer_words(const Setting& setting, const OuterValue& value) {
  const auto refuse = [&](const std::string& what, const std::string& cure) {
    throw Error(ErrorKind::usage, fmt::format("{} {}", value.key, what), cure, value.place);
  };
  if (setting.is_flag()) {
    const auto on = value.words.size() == 1 ? boolean_of(value.words.front()) : std::nullopt;
    if (!on) {
      refuse(fmt::format("is a flag, and {} is neither true nor false", quoted(value.words)), "give true or false");
    }
    const bool opposite = std::any_of(setting.off_names.begin(), setting.off_names.end(),
                                      [&](const std::string& name) { return key_of(name) == value.key; });
    return {*on != opposite ? "true" : "false"};
  }
  if (value.boolean) refuse(fmt::format("takes {}, not {}", setting.metavar, value.words.front()), "give that");
  if (takes_commas(setting)) return {join(value.words, ",")};
  if (setting.kind != SettingKind::list && value.words.size() != 1) {
    refuse(fmt::format("takes one value, not {}", value.words.size()), "give one, without brackets");
  }
  return value.words;
}

/// `word` is "true" or "false".
void type_flag(Setting& setting, const std::string& word) {
  if (setting.given() && setting.words.front() != word) {
    const std::string& on = setting.names.front();
    const std::string off = setting.off_names.empty() ? on + "=false" : setting.off_names.front();
    throw UsageError(fmt::format("{} and {} exclude each other", on, off), "give one of them");
  }
  setting.source = Source::option;
  setting.words = {word};
}

void drop_losers(std::vector<Setting>& settings, const Contradiction& contradiction) {
  const auto find = [&settings](const std::string& key) {
    return std::find_if(settings.begin(), settings.end(), [&](const Setting& one) { return one.key() == key; });
  };
  const auto winner = find(contradiction.winner);
  if (winner == settings.end() || !winner->given() || (winner->is_flag() && winner->words.front() == "false")) return;
  for (const std::string& key : contradiction.losers) {
    const auto loser = find(key);
    if (loser == settings.end() || loser->source >= winner->source) continue;
    loser->source = Source::standard;
    loser->words.clear();
    loser->place.clear();
  }
}

}  // namespace

struct Parser::State {
  std::string verb;
  std::string summary;
  std::vector<std::string> examples;
  std::vector<Setting> settings;
  std::vector<Take> takes;  ///< of each setting

  std::string help_hint() const { return fmt::format("warpfactor {} --help lists the options", verb); }
  std::vector<std::string> all_names() const;
  void declare(Setting setting, Take take);
  void attach(CLI::App& app, Setting& setting) const;
  bool take_flag(const std::string& argument);
  void check_rest(const std::vector<std::string>& rest) const;
};

std::vector<std::string> Parser::State::all_names() const {
  std::vector<std::string> all;
  for (const Setting& setting : settings) {
    if (setting.kind == SettingKind::word) continue;
    const std::vector<std::string> own = setting.all_names();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void Parser::State::declare(Setting setting, Take take) {
  if (!setting.is_flag()) read_default(setting);
  settings.push_back(std::move(setting));
  takes.push_back(std::move(take));
}

/// Lets CLI11 write the words of an option into its setting.
void Parser::State::attach(CLI::App& app, Setting& setting) const {
  const auto note = [&setting](const CLI::results_t& words) {
    setting.source = Source::option;
    setting.words = words;
    return true;
  };
  if (setting.kind == SettingKind::word) {
    app.add_option(setting.names.front(), note);
    return;
  }
  if (setting.is_flag()) {
    const auto add_switch = [&](const std::vector<std::string>& names, const char* word) {
      const auto set = [&setting, word](const CLI::results_t& /*words*/) {
        type_flag(setting, word);
        return true;
      };
      app.add_option(join(names, ","), set)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
          ->expected(0)
          ->disable_flag_override();
    };
    add_switch(setting.names, "true");
    if (!setting.off_names.empty()) add_switch(setting.off_names, "false");
    return;
  }
  const auto check = [&setting, note](const CLI::results_t& words) {
    if (setting.kind == SettingKind::value && words.size() > 1) {
      const bool aliases = setting.names.size() > 1;
      throw UsageError(fmt::format("{} is given {} times", setting.name(), words.size()),
                       aliases ? join(setting.names, ", ") + " are one option: give it once" : "give it once");
    }
    return note(words);
  };
  app.add_option(join(setting.names, ","), check)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// --quiet=false, which undoes the `quiet = true` of a file: CLI11 gives flags no value. True where it is one.
bool Parser::State::take_flag(const std::string& argument) {
  for (Setting& setting : settings) {
    if (!setting.is_flag()) continue;
    for (const char* word : {"true", "false"}) {
      if (argument != setting.name() + '=' + word) continue;
      type_flag(setting, word);
      return true;
    }
  }
  return false;
}

/// What CLI11 did not know: options that do not exist, and words too many.
void Parser::State::check_rest(const std::vector<std::string>& rest) const {
  for (const std::string& word : rest) {
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      const std::string near = nearest(name, all_names());
      throw UsageError("unknown option " + name,
                       near.empty() ? help_hint() : fmt::format("did you mean {}? {}", near, help_hint()));
    }
  }
  if (rest.empty()) return;
  std::string words;
  for (const Setting& setting : settings) {
    if (setting.kind == SettingKind::word) words += setting.metavar + ' ';
  }
  throw UsageError(fmt::format("unexpected word \"{}\"", rest.front()),
                   fmt::format("usage: warpfactor {} {}[options]; quote names with blanks", verb, words));
}

Parser::Parser(std::string verb, std::string summary, std::vector<std::string> examples)
    : state_(std::make_unique<State>()) {
  state_->verb = std::move(verb);
  state_->summary = std::move(summary);
  state_->examples = std::move(examples);
}

Parser::~Parser() = default;

void Parser::positional(const std::string& metavar, const std::string& text, std::string& into) {
  Setting setting{SettingKind::word, Group::data, {metavar}, {}, metavar, text};
  state_->declare(std::move(setting), [&into](const std::string&, const std::string& word) { into = word; });
}

void Parser::value(Group group, const std::string& names, const std::string& metavar, const std::string& text,
                   Take take) {
  state_->declare({SettingKind::value, group, split(names, ','), {}, metavar, text}, std::move(take));
}

void Parser::list(Group group, const std::string& names, const std::string& metavar, const std::string& text,
                  Take take) {
  state_->declare({SettingKind::list, group, split(names, ','), {}, metavar, text}, std::move(take));
}

void Parser::flag(Group group, const std::string& names, const std::string& text, std::function<void()> take) {
  Setting setting{SettingKind::flag, group, split(names, ','), {}, "", text};
  setting.initial = "false";
  state_->declare(std::move(setting), [take = std::move(take)](const std::string&, const std::string& word) {
    if (word == "true") take();
  });
}

void Parser::either(Group group, const std::string& on, const std::string& off, const std::string& text,
                    std::optional<bool> initial, std::function<void(bool)> take) {
  Setting setting{SettingKind::either, group, {on}, {off}, "", text};
  if (initial) {
    setting.initial = *initial ? "true" : "false";
    setting.text += fmt::format(" (default {})", *initial ? on : off);
  } else {
    read_default(setting);
  }
  state_->declare(std::move(setting),
                  [take = std::move(take)](const std::string&, const std::string& word) { take(word == "true"); });
}

void Parser::rare() {
  state_->settings.back().rare = true;
}

void Parser::typed_only() {
  state_->settings.back().typed_only = true;
}

void Parser::read(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {  // before anything can fail, so that help always helps
    if (argument == "--") break;
    if (argument == "--help-all") throw HelpRequest{help(true)};
    if (argument == "--help" || argument == "-h") throw HelpRequest{help(false)};
  }
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (Setting& setting : state_->settings) state_->attach(app, setting);
  std::vector<std::string> reversed;  // CLI11 takes them from the back
  const auto words_begin = std::find(arguments.begin(), arguments.end(), "--");
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (argument < words_begin && state_->take_flag(*argument)) continue;
    reversed.push_back(*argument);
  }
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();
    const bool flag = text.find("flag") != std::string::npos;  // --flag=value
    const std::string name = text.substr(0, text.find_first_of(": "));
    throw UsageError(flag ? "--" + name + " takes no value but true and false" : name + ": its value is missing",
                     state_->help_hint());
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), state_->help_hint());
  }
  std::vector<std::string> rest = app.remaining();
  rest.erase(std::remove(rest.begin(), rest.end(), "--"), rest.end());  // CLI11 2.1 leaves the mark there
  state_->check_rest(rest);
}

void Parser::add(const OuterValue& value) {
  for (Setting& setting : state_->settings) {
    if (!setting.has_key(value.key)) continue;
    const std::vector<std::string> words = outer_words(setting, value);
    if (setting.source == value.source) {
      throw Error(ErrorKind::usage, fmt::format("{} is given already", setting.key()),
                  fmt::format("{} are one setting: give one of them", join(setting.keys(), ", ")), value.place);
    }
    if (setting.source > value.source) return;
    setting.source = value.source;
    setting.place = value.place;
    setting.words = words;
    return;
  }
}

void Parser::finish(const std::vector<Contradiction>& contradictions, bool complete) {
  std::vector<Setting>& settings = state_->settings;
  for (const Contradiction& contradiction : contradictions) drop_losers(settings, contradiction);
  for (std::size_t n = 0; n < settings.size(); ++n) {
    const Setting& setting = settings[n];
    if (setting.kind == SettingKind::word && complete && (setting.words.empty() || setting.words.front().empty())) {
      throw UsageError(fmt::format("{} is missing", setting.metavar),
                       fmt::format("for example: {}", state_->examples.front()));
    }
    try {
      for (const std::string& word : setting.words) state_->takes[n](setting.name(), word);
    } catch (const UsageError& error) {
      if (setting.place.empty()) throw;
      throw Error(ErrorKind::usage, error.problem(), error.cure(), setting.place);
    }
  }
}

const std::vector<Setting>& Parser::settings() const {
  return state_->settings;
}

std::string Parser::help(bool all) const {
  std::string text = state_->summary + "\n\nExamples:\n";
  for (const std::string& example : state_->examples) text += "  " + example + '\n';
  text += "\nUsage: warpfactor " + state_->verb;
  std::string words;
  for (const Setting& setting : state_->settings) {
    if (setting.kind != SettingKind::word) continue;
    text += ' ' + setting.metavar;
    words += help_row(setting.metavar, setting.text);
  }
  text += " [options]\n" + words;
  bool hidden = false;
  for (const Group group : kGroups) {
    std::string body;
    for (const Setting& setting : state_->settings) {
      if (setting.group != group || setting.kind == SettingKind::word) continue;
      if (setting.rare && !all) {
        hidden = true;
        continue;
      }
      body += help_row(join(setting.all_names(), ", ") + (setting.metavar.empty() ? "" : ' ' + setting.metavar),
                       setting.text);
    }
    if (!body.empty()) text += fmt::format("\n{}:\n{}", name_of(group), body);
  }
  text += "\nOptions can also be set in a TOML file (--config) and as WARPFACTOR_LONG_NAME.\n";
  return text + (hidden ? "--help-all shows the rare options too.\n" : "");
}

Parser::Take store(std::string& into) {
  return [&into](const std::string& option, const std::string& word) {
    if (word.empty()) throw UsageError(option + ": its value is empty", "leave the option out for its default");
    into = word;
  };
}

}  // namespace wf
