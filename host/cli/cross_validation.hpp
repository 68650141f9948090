// train --folds: how good is a model of these settings on ratings that it has not seen, and how sure is that?
#pragma once
#include "host/cli/console.hpp"

namespace wf::cli {

/// Trains once for each fold, tests on it, and writes every fold, the mean and the standard deviation.
int cross_validate(const TrainRequest& request, Console& console);

}  // namespace wf::cli
