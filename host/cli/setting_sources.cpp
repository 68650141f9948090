#include "host/cli/setting_sources.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/cli/config_file.hpp"
#include "host/ranks/mpi_module.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

extern char** environ;  // NOLINT(readability-redundant-declaration): unistd.h declares it for GNU only

namespace wf::cli {
namespace {

constexpr const char* kPrefix = "WARPFACTOR_";
constexpr const char* kConfigVariable = "WARPFACTOR_CONFIG";
/// Where libraries are, which is no setting: host/api/cuda_module.cpp, host/ranks/mpi_module.cpp,
/// cuda/runtime/nccl.cpp.
constexpr std::array<std::string_view, 3> kLibraryVariables{"WARPFACTOR_CUDA_MODULE", kMpiModuleVariable,
                                                            "WARPFACTOR_NCCL_LIBRARY"};

[[noreturn]] void refuse_name(const std::string& what, const std::string& place, const std::string& near) {
  throw Error(ErrorKind::usage, what, near.empty() ? "docs/parameters.md lists them" : "did you mean " + near + "?",
              place);
}

std::vector<std::string> keys_of(const std::vector<Setting>& settings) {
  std::vector<std::string> keys;
  for (const Setting& setting : settings) {
    if (setting.typed_only) continue;
    const std::vector<std::string> own = setting.keys();
    keys.insert(keys.end(), own.begin(), own.end());
  }
  return keys;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> verbs_of(const std::vector<VerbSettings>& all) {
  std::vector<std::string> verbs;
  verbs.reserve(all.size());
  for (const VerbSettings& one : all) verbs.push_back(one.verb);
  return verbs;
}

/// Of one verb or, for an empty name, of all.
std::vector<std::string> keys_of(const std::vector<VerbSettings>& all, const std::string& verb) {
  std::vector<std::string> keys;
  for (const VerbSettings& one : all) {
    if (!verb.empty() && one.verb != verb) continue;
    const std::vector<std::string> own = keys_of(one.settings);
    keys.insert(keys.end(), own.begin(), own.end());
  }
  return keys;
}

void check_entry(const ConfigEntry& entry, const std::vector<VerbSettings>& all) {
  const std::vector<std::string> verbs = verbs_of(all);
  if (!entry.table.empty() && !contains(verbs, entry.table)) {
    refuse_name(fmt::format("table {} is of no verb", shown(entry.table)), entry.value.place,
                nearest(entry.table, verbs));
  }
  const std::string& key = entry.value.key;
  if (key.empty()) return;  // a table with nothing in it
  if (key == "config") refuse_name("a configuration file names no other", entry.value.place, "--config");
  const std::vector<std::string> known = keys_of(all, entry.table);
  if (contains(known, key)) return;
  refuse_name(entry.table.empty() ? fmt::format("unknown setting {}", shown(key))
                                  : fmt::format("{} has no setting {}", entry.table, shown(key)),
              entry.value.place, nearest(key, known));
}

std::string key_of_variable(const std::string& variable) {
  std::string key = key_of(variable.substr(std::char_traits<char>::length(kPrefix)));
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

/// A list is split at commas, which only its setting knows.
std::vector<std::string> words_for(const std::string& key, const std::string& text,
                                   const std::vector<Setting>& settings) {
  const bool list = std::any_of(settings.begin(), settings.end(), [&](const Setting& setting) {
    return setting.kind == SettingKind::list && setting.has_key(key);
  });
  return list ? split(text, ',') : std::vector<std::string>{text};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> own_variables() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (text.rfind(kPrefix, 0) != 0 || equals == std::string::npos || equals + 1 == text.size()) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::vector<OuterValue> outer_values(const std::string& verb, const std::string& typed_file,
                                     const std::vector<std::pair<std::string, std::string>>& variables,
                                     const std::vector<VerbSettings>& all) {
  std::string file = typed_file;
  std::vector<OuterValue> values;
  const std::vector<std::string> known = keys_of(all, "");
  const auto own = std::find_if(all.begin(), all.end(), [&](const VerbSettings& one) { return one.verb == verb; });
  for (const auto& [variable, text] : variables) {
    if (variable == kConfigVariable) {
      if (file.empty()) file = text;
      continue;
    }
    if (std::find(kLibraryVariables.begin(), kLibraryVariables.end(), variable) != kLibraryVariables.end()) continue;
    const std::string key = key_of_variable(variable);
    if (!contains(known, key) || variable_of(key) != variable) {
      const std::string near = nearest(key, known);
      refuse_name("no setting has this name", variable, near.empty() ? "" : variable_of(near));
    }
    values.push_back({key, words_for(key, text, own->settings), Source::environment, variable});
  }
  if (file.empty()) return values;
  for (ConfigEntry& entry : read_config_file(file)) {
    check_entry(entry, all);
    if (entry.table.empty() || entry.table == verb) values.push_back(std::move(entry.value));
  }
  return values;
}

}  // namespace wf::cli
