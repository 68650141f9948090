// A configuration as text: for records, results and --print-config.
#pragma once
#include "host/config/config.hpp"

#include <map>
#include <string>

namespace wf {

/// The configuration as one JSON object; its keys are the settings' long names with _ for -.
std::string config_json(const TrainConfig& config);

/// The configuration by the settings' long names, each value as JSON and TOML write it; what is null is left out.
std::map<std::string, std::string> config_values(const TrainConfig& config);

}  // namespace wf
