#include "host/cli/settings_toml.hpp"

#include "host/api/config_json.hpp"
#include "host/api/record.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/resolve_config.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace wf::cli {
namespace {

/// A JSON string is a TOML string but for DEL, which TOML wants escaped.
std::string toml_string(const std::string& text) {
  std::string result;
  for (const char c : json_string(text)) result += c == '\x7f' ? std::string("\\u007f") : std::string(1, c);
  return result;
}

/// A number where the setting is one and reads it back as the same, else a string.
std::string toml_value(const Setting& setting, const std::string& word) {
  if (setting.is_flag()) return word;
  const bool takes_real = setting.metavar[0] == 'X';  // X, X|auto
  if (!takes_real && setting.metavar != "N") return toml_string(word);
  std::int64_t whole = 0;  // TOML's integers have 64 bits, and seeds are unsigned
  double real = 0;
  const char* end = word.data() + word.size();
  const auto as_whole = std::from_chars(word.data(), end, whole);
  if (as_whole.ec == std::errc{} && as_whole.ptr == end && std::to_string(whole) == word) return word;
  const auto as_real = std::from_chars(word.data(), end, real);
  const bool number = as_real.ec == std::errc{} && as_real.ptr == end && std::isfinite(real);
  return takes_real && number && word.find_first_of(".e") != std::string::npos ? fmt::format("{}", real)
                                                                               : toml_string(word);
}

std::string toml_values(const Setting& setting) {
  if (setting.kind != SettingKind::list) return toml_value(setting, setting.words.front());
  std::vector<std::string> words;
  for (const std::string& word : setting.words) words.push_back(toml_value(setting, word));
  return '[' + join(words, ", ") + ']';
}

const char* word_of(Source source) {
  switch (source) {
    case Source::standard:
      return "default";
    case Source::file:
    case Source::verb_table:
      return "file";
    case Source::environment:
      return "environment";
    case Source::option:
      break;
  }
  return "option";
}

std::string line(const std::string& assignment, const std::string& comment) {
  return fmt::format("{:<32} # {}\n", assignment, comment);
}

std::string default_line(const Setting& setting, const ResolvedDefaults& resolved) {
  const std::string key = setting.key();
  const std::string how = setting.otherwise.empty() ? "" : ": " + setting.otherwise;
  if (resolved.unread.contains(key)) return line("# " + key + " =", "not read by this --algorithm");
  if (resolved.from_data.contains(key)) return line("# " + key + " =", "default, from the data" + how);
  if (const auto value = resolved.values.find(key); value != resolved.values.end()) {
    return line(fmt::format("# {} = {}", key, value->second), "default" + how);
  }
  if (!setting.initial.empty()) {
    return line(fmt::format("# {} = {}", key, toml_value(setting, setting.initial)), "default");
  }
  return line("# " + key + " =", "default" + (how.empty() ? ": none" : how));
}

/// From the data is what the scale of the ratings changes.
ResolvedDefaults resolve(const TrainRequest& request) {
  const TrainConfig config = resolve_config(request);
  ResolvedDefaults resolved{config_values(config), {}, unread_options(config.algorithm)};
  for (const RatingScale& scale : {RatingScale{3, 1, 7}, RatingScale{5, 1e-9, 2}}) {
    TrainConfig scaled = config;
    scale_defaults(scaled, request, scale);
    for (const auto& [key, value] : config_values(scaled)) {
      if (value != resolved.values[key]) resolved.from_data.insert(key);
    }
  }
  return resolved;
}

}  // namespace

std::string settings_toml(const std::string& verb, const std::vector<Setting>& settings,
                          const ResolvedDefaults& resolved, Purpose purpose) {
  const bool record = purpose == Purpose::record;
  std::string text = fmt::format("# warpfactor {} {}\n", WARPFACTOR_VERSION, verb);
  const auto add = [&](const Setting& setting) {
    if (setting.typed_only || (record && setting.group == Group::output)) return;
    if (!setting.given() || setting.words.empty()) {
      text += default_line(setting, resolved);
      return;
    }
    const std::string place = setting.place.empty() ? "" : ": " + setting.place;
    const std::string source = record ? "given" : word_of(setting.source) + place;
    text += line(setting.key() + " = " + toml_values(setting), source);
  };
  for (const Group group : kGroups) {
    for (const Setting& setting : settings) {
      if (setting.group == group) add(setting);
    }
  }
  return text;
}

std::string given_toml(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) {
    if (setting.given() && !setting.words.empty()) text += setting.key() + " = " + toml_values(setting) + '\n';
  }
  return text;
}

std::string print_config(const Command& command) {
  ResolvedDefaults resolved;
  if (const auto* train = std::get_if<TrainRequest>(&command.request)) resolved = resolve(*train);
  if (const auto* verify = std::get_if<VerifyRequest>(&command.request)) {
    resolved.values = config_values(resolve_config(compared_steps(*verify)));
  }
  return settings_toml(command.verb, command.settings, resolved, Purpose::print);
}

}  // namespace wf::cli
