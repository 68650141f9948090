// What was given on the command line -> the whole configuration of a run, with its rules checked.
#pragma once
#include "host/cli/requests.hpp"

namespace wf::cli {

/// Settles every default that depends on another option and throws UsageError for what does not go together, with the
/// way out.
TrainConfig resolve_config(const TrainRequest& request);

/// Per-rating SGD on squared errors: what was not given is in units of `deviation`, the standard deviation of the
/// training ratings. A squared error grows with its square and a squared factor with itself, so lambda must grow with
/// it, lr fall with it and initial factors grow with its root, or the defaults suit one scale of ratings alone
/// (docs/decisions/0001-defaults.md).
void scale_defaults(TrainConfig& config, const TrainRequest& request, double deviation);

/// The configuration as one JSON object; its keys are the options' long names with _ for -.
std::string config_json(const TrainConfig& config);

}  // namespace wf::cli
