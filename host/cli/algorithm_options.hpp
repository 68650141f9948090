// Which options which algorithm reads, and what those that were not given are with it.
#pragma once
#include "host/cli/requests.hpp"

namespace wf::cli {

/// Defaults of algorithms other than sgd, whose are TrainConfig's.
void apply_algorithm_defaults(TrainConfig& config, const TrainRequest& request);

/// Throws UsageError for an option that the algorithm would not read.
void check_algorithm(const TrainConfig& config, const TrainRequest& request);

}  // namespace wf::cli
