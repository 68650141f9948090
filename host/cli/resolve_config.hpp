// What was given on the command line -> the whole configuration of a run, with its rules checked.
#pragma once
#include "host/cli/requests.hpp"

namespace wf::cli {

/// Settles every default that depends on another option and throws UsageError for what does not go together, with the
/// way out.
TrainConfig resolve_config(const TrainRequest& request);

/// The configuration as one JSON object; its keys are the options' long names with _ for -.
std::string config_json(const TrainConfig& config);

}  // namespace wf::cli
