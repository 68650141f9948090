// What was given to train or verify -> the whole configuration of a run, with its rules and those of its files checked.
#pragma once
#include "host/cli/requests.hpp"

namespace wf::cli {

/// `resolve` (host/settings/train_settings.hpp) and the rules of files. Throws UsageError.
TrainConfig resolve_config(const TrainRequest& request);

/// The mini-batches that verify compares. Throws UsageError for options of train that would do nothing there.
TrainRequest compared_steps(const VerifyRequest& request);

}  // namespace wf::cli
