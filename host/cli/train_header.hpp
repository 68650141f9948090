// The lines that train prints before its first epoch: every guess and every default, with the option that changes it.
#pragma once
#include "host/cli/console.hpp"
#include "host/model/model.hpp"
#include "host/readers/read_ratings.hpp"

namespace wf::cli {

/// Shape, kind and range of the data, `n_ratings` in all, with notes on what the loss can learn from it.
void print_data(Console& console, const ReadReport& report, const Dataset& data, Position n_ratings,
                const TrainConfig& config);

void print_split(Console& console, const TrainRequest& request, const TrainConfig& config, Position n_train,
                 Position n_valid);

void print_settings(Console& console, const TrainConfig& config, const Model& model, bool validates);

}  // namespace wf::cli
