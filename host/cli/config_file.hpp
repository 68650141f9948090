// A configuration file: TOML whose keys are the long names of options. The only user of toml++ is config_file.cpp.
#pragma once
#include "host/base/types.hpp"
#include "host/settings/parser.hpp"
#include "host/settings/search_space.hpp"

#include <string>
#include <vector>

namespace wf::cli {

struct ConfigEntry {
  std::string table;  ///< the verb whose table it is in; empty: it is for all that know the key
  OuterValue value;
  Position line = 0;
};

/// All keys of the file, in its order. Throws InputError with file, line and column for what is no TOML, and
/// Error(usage) for a value that no setting takes: a date, a table in a table.
std::vector<ConfigEntry> read_config_file(const std::string& path);

/// What a search tries, in the order of the file: `rank = { from = 8, to = 128, scale = "log" }`, or a list of values.
/// Throws as read_config_file does.
std::vector<SearchRange> read_space_file(const std::string& path);

}  // namespace wf::cli
