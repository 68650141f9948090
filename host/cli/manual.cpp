#include "host/cli/manual.hpp"

#include "host/cli/options.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace wf::cli {
namespace {

constexpr std::pair<const char*, std::string (*)()> kTexts[] = {{"parameters", parameters_markdown},
                                                                {"man", man_page},
                                                                {"completion-bash", bash_completion},
                                                                {"completion-zsh", zsh_completion},
                                                                {"completion-fish", fish_completion}};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// --- docs/parameters.md

std::string cell(const std::string& text) {
  return replaced(text, "|", "\\|");
}

std::string default_cell(const Setting& setting) {
  if (setting.kind == SettingKind::word) return "required";
  if (!setting.initial.empty()) return '`' + setting.initial + '`';
  return cell(setting.otherwise);
}

std::string value_cell(const Setting& setting) {
  std::string text = setting.is_flag() ? "true or false" : '`' + setting.metavar + '`';
  if (!setting.range.empty()) text += ", " + setting.range;
  return cell(text + (setting.kind == SettingKind::list ? ", a list" : ""));
}

std::string markdown_rows(const std::vector<Setting>& settings, Group group) {
  std::string rows;
  for (const Setting& setting : settings) {
    if (setting.group != group) continue;
    std::string names;
    for (const std::string& name : setting.all_names()) names += (names.empty() ? "`" : ", `") + name + '`';
    rows += fmt::format("| {} | {} | {} | {} |\n", names, value_cell(setting), default_cell(setting),
                        cell(setting.meaning()));
  }
  return rows;
}

std::string markdown_section(const Verb& verb, const std::vector<Setting>& settings) {
  std::string text = fmt::format("\n## {}\n{}\n", verb.name, verb.arrow);
  for (const Group group : kGroups) {
    const std::string rows = markdown_rows(settings, group);
    if (rows.empty()) continue;
    text += fmt::format("\n| {} | value | default | |\n|---|---|---|---|\n{}", name_of(group), rows);
  }
  return text;
}

// --- the man page

std::string roff(const std::string& text) {
  std::string result = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  if (!result.empty() && (result[0] == '.' || result[0] == '\'')) result = "\\&" + result;
  return result;
}

std::string roff_option(const Setting& setting) {
  std::string text = ".TP\n";
  std::string names;
  for (const std::string& name : setting.all_names())
    names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
  if (!setting.metavar.empty() && setting.kind != SettingKind::word) names += " \\fI" + roff(setting.metavar) + "\\fR";
  return text + names + '\n' + roff(setting.text) + '\n';
}

std::string roff_section(const Verb& verb, const std::vector<Setting>& settings) {
  std::string capitals = verb.name;
  for (char& c : capitals) c = static_cast<char>(c - 'a' + 'A');
  std::string text = fmt::format(".SH {}\n{}\n.PP\n.nf\n", capitals, roff(verb.summary));
  for (const std::string& example : verb.examples) text += roff(example) + '\n';
  text += ".fi\n";
  for (const Group group : kGroups) {
    std::string rows;
    for (const Setting& setting : settings) {
      if (setting.group == group) rows += roff_option(setting);
    }
    if (!rows.empty()) text += fmt::format(".SS {}: {}\n{}", verb.name, name_of(group), rows);
  }
  return text;
}

}  // namespace

std::string parameters_markdown() {
  std::string text = R"(# Parameters

Every setting of every verb. This page is what `warpfactor help parameters` prints, from the table that the command line is made of.

A setting is given as an option, `--batch-size 1024`; as a variable of the environment, `WARPFACTOR_BATCH_SIZE=1024`; or in a file that
`--config` or `WARPFACTOR_CONFIG` names, `batch-size = 1024`. [cli.md](cli.md#settings) says which of them counts.
)";
  const std::vector<VerbSettings> all = all_settings();
  for (std::size_t n = 0; n < all.size(); ++n) text += markdown_section(verb_table()[n], all[n].settings);
  return text;
}

std::string man_page() {
  std::string text = fmt::format(R"(.TH WARPFACTOR 1 "" "warpfactor {}" "User Commands"
.SH NAME
warpfactor \- factorize ratings into a model that predicts and recommends
.SH SYNOPSIS
.B warpfactor
.I VERB
[words] [options]
.SH DESCRIPTION
Ratings, users by items, go in; a vector for every user and every item comes out, whose dot product predicts a rating.
)",
                                 WARPFACTOR_VERSION);
  for (const Verb& verb : verb_table()) text += fmt::format(".TP\n.B {}\n{}\n", verb.name, roff(verb.arrow));
  const std::vector<VerbSettings> all = all_settings();
  for (std::size_t n = 0; n < all.size(); ++n) text += roff_section(verb_table()[n], all[n].settings);
  text += R"(.SH ENVIRONMENT
.TP
.B WARPFACTOR_CONFIG
the configuration file, unless \fB\-\-config\fR names one
.TP
.B WARPFACTOR_LONG_NAME
the option \fB\-\-long\-name\fR, unless it is typed
.TP
.B NO_COLOR
no colours
.SH FILES
A configuration file is TOML: the long names of options without dashes, for all verbs or in a table for one.
An option counts before the environment, the environment before the file, the file before the default;
\fB\-\-print\-config\fR prints what counts.
.SH EXIT STATUS
0 done, 1 failed, 2 usage, 3 bad input, 4 no such engine or out of memory, 130 and 143 interrupted.
)";
  return text;
}

std::vector<std::string> manual_words() {
  std::vector<std::string> words;
  for (const auto& [word, text] : kTexts) words.emplace_back(word);
  return words;
}

std::string manual_text(const std::string& word) {
  for (const auto& [name, text] : kTexts) {
    if (word == name) return text();
  }
  throw std::logic_error("no such page: " + word);
}

}  // namespace wf::cli
