// Completions of bash, zsh and fish, out of the table of settings.
#include "host/cli/manual.hpp"
#include "host/cli/options.hpp"

#include <fmt/format.h>

namespace wf::cli {
namespace {

/// "ratings -> model": for a shell's single quotes.
std::string in_quotes(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return '\'' + result + '\'';
}

bool takes_file(const Setting& setting) {
  if (setting.kind == SettingKind::word) return true;
  return setting.metavar.rfind("FILE", 0) == 0 || setting.metavar.rfind("FOLDER", 0) == 0;
}

/// The first clause of what a setting means.
std::string short_text(const Setting& setting) {
  const std::string text = setting.meaning();
  return text.substr(0, text.find(';'));
}

std::string verb_names() {
  std::string names = "help";
  for (const Verb& verb : verb_table()) names += std::string(" ") + verb.name;
  return names;
}

std::string help_words() {
  std::string words = join(manual_words(), " ");
  for (const Verb& verb : verb_table()) words += std::string(" ") + verb.name;
  return words;
}

/// The words of an option, by the option before the cursor.
std::string bash_values(const VerbSettings& verb) {
  std::string text;
  for (const Setting& setting : verb.settings) {
    if (setting.kind == SettingKind::word || setting.is_flag()) continue;
    std::string pattern;
    for (const std::string& name : setting.names) pattern += (pattern.empty() ? "" : "|") + verb.verb + ':' + name;
    const std::vector<std::string> choices = setting.choices();
    const std::string reply = takes_file(setting) ? "_warpfactor_files"
                              : choices.empty()   ? "COMPREPLY=()"
                                                  : "_warpfactor_words " + in_quotes(join(choices, " "));
    text += fmt::format("    {}) {}; return ;;\n", pattern, reply);
  }
  return text;
}

std::string bash_options(const VerbSettings& verb) {
  std::vector<std::string> names{"--help", "--help-all"};
  for (const Setting& setting : verb.settings) {
    if (setting.kind == SettingKind::word) continue;
    const std::vector<std::string> own = setting.all_names();
    names.insert(names.end(), own.begin(), own.end());
  }
  return fmt::format("    {}:-*) _warpfactor_words {} ;;\n", verb.verb, in_quotes(join(names, " ")));
}

/// What _arguments takes for a specification's text: brackets and colons end it.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_value(const Setting& setting) {
  if (setting.is_flag()) return "";
  const std::vector<std::string> choices = setting.choices();
  const std::string action = takes_file(setting) ? "_files"
                             : choices.empty()   ? " "
                                                 : '(' + zsh_text(join(choices, " ")) + ')';
  return ':' + zsh_text(setting.metavar) + ':' + action;
}

std::string zsh_arguments(const VerbSettings& verb) {
  std::string text = fmt::format("    {})\n      _arguments -S", verb.verb);
  const auto add = [&text](const std::string& specification) { text += " \\\n        " + in_quotes(specification); };
  for (const Setting& setting : verb.settings) {
    if (setting.kind == SettingKind::word) {
      add(':' + setting.metavar + ":_files");
      continue;
    }
    const std::vector<std::string> names = setting.all_names();
    const std::string before = setting.kind == SettingKind::list ? "*" : '(' + join(names, " ") + ')';
    for (const std::string& name : names)
      add(before + name + '[' + zsh_text(short_text(setting)) + ']' + zsh_value(setting));
  }
  add("(- *)--help[the options]");
  add("(- *)--help-all[the rare ones, too]");
  return text + " ;;\n";
}

/// Fish's single quotes: backslashes and quotes are escaped.
std::string fish_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return '\'' + result + '\'';
}

std::string fish_line(const VerbSettings& verb, const Setting& setting) {
  std::string line = fmt::format("complete -c warpfactor -n '__fish_seen_subcommand_from {}'", verb.verb);
  for (const std::string& name : setting.all_names()) {
    line += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!setting.is_flag()) {
    const std::vector<std::string> choices = setting.choices();
    line += takes_file(setting) ? " -r -F" : choices.empty() ? " -x" : " -x -a " + fish_text(join(choices, " "));
  }
  return line + " -d " + fish_text(short_text(setting)) + '\n';
}

}  // namespace

std::string bash_completion() {
  std::string values;
  std::string options;
  for (const VerbSettings& verb : all_settings()) {
    values += bash_values(verb);
    options += bash_options(verb);
  }
  std::string text = R"(# bash completion of warpfactor
_warpfactor_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_warpfactor_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_warpfactor() {
  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$cur" = = ]; then  # --option=: the shell takes = for a word
    cur=
  elif [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
)";
  text += "    _warpfactor_words " + in_quotes(verb_names() + " --help --version") + "\n    return\n  fi\n";
  text +=
      "  case $verb:$before in\n    help:*) _warpfactor_words " + in_quotes(help_words()) + "; return ;;\n" + values;
  text += "  esac\n  case $verb:$cur in\n" + options + "    *) _warpfactor_files ;;\n  esac\n}\n";
  return text + "complete -F _warpfactor warpfactor\n";
}

std::string zsh_completion() {
  std::string text = "#compdef warpfactor\n_warpfactor() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(\n";
  for (const Verb& verb : verb_table()) {
    text += "      " + in_quotes(std::string(verb.name) + ':' + zsh_text(verb.arrow)) + '\n';
  }
  text += "      'help:of a verb, or a page'\n    )\n    _describe verb verbs\n    return\n  fi\n";
  text += "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n";
  text += "    help) _arguments " + in_quotes(":page:(" + help_words() + ')') + " ;;\n";
  for (const VerbSettings& verb : all_settings()) text += zsh_arguments(verb);
  return text + "  esac\n}\n_warpfactor \"$@\"\n";
}

std::string fish_completion() {
  std::string text = "# fish completion of warpfactor\n";
  for (const Verb& verb : verb_table()) {
    text += fmt::format("complete -c warpfactor -n __fish_use_subcommand -f -a {} -d {}\n", verb.name,
                        fish_text(verb.arrow));
  }
  text += "complete -c warpfactor -n __fish_use_subcommand -f -a help -d 'of a verb, or a page'\n";
  text += "complete -c warpfactor -n '__fish_seen_subcommand_from help' -f -a " + fish_text(help_words()) + '\n';
  for (const VerbSettings& verb : all_settings()) {
    for (const Setting& setting : verb.settings) {
      if (setting.kind != SettingKind::word) text += fish_line(verb, setting);
    }
  }
  return text;
}

}  // namespace wf::cli
