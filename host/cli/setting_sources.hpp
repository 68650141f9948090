// Settings that are not typed: from a configuration file and from variables WARPFACTOR_... of the environment.
#pragma once
#include "host/settings/parser.hpp"

#include <string>
#include <vector>

namespace wf::cli {

struct VerbSettings {
  std::string verb;
  std::vector<Setting> settings;
};

/// NAME=VALUE of the environment that begin with WARPFACTOR_, without those that are empty.
std::vector<std::pair<std::string, std::string>> own_variables();

/// What `verb` gets: from the file named by `typed_file` or, where that is empty, by WARPFACTOR_CONFIG; then from the
/// environment. `all` is the whole table: a name that no verb has is Error(usage) with its place and the nearest one.
std::vector<OuterValue> outer_values(const std::string& verb, const std::string& typed_file,
                                     const std::vector<std::pair<std::string, std::string>>& variables,
                                     const std::vector<VerbSettings>& all);

}  // namespace wf::cli
