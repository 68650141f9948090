// Settings with their values and sources, as text that --config takes: what --print-config prints and a model records.
#pragma once
#include "host/cli/requests.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace wf::cli {

/// What defaults come to in this run, by key.
struct ResolvedDefaults {
  std::map<std::string, std::string> values;  ///< as TOML
  std::set<std::string> from_data;            ///< those that the ratings are needed for
  std::set<std::string> unread;               ///< those without effect: the algorithm does not read them
};

/// record: without the sources and the places that results go to, so that the same training leaves the same record.
enum class Purpose { print, record };

/// `key = value  # source` for what was given. Defaults stand in comments: a default that depends on other settings
/// must not become a demand when the text is read again.
std::string settings_toml(const std::string& verb, const std::vector<Setting>& settings,
                          const ResolvedDefaults& resolved, Purpose purpose);

/// What was given and no more, without its sources.
std::string given_toml(const std::vector<Setting>& settings);

/// The settings of a command that has not begun. Throws UsageError for what does not go together.
std::string print_config(const Command& command);

}  // namespace wf::cli
