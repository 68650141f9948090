// What is known of an epoch when it is done.
#pragma once
#include "host/base/types.hpp"

#include <optional>

namespace wf {

struct EpochReport {
  int epoch = 0;          ///< from 1
  int epochs = 0;         ///< planned
  double train_loss = 0;  ///< mean of the loss before each update
  double train_rmse = 0;  ///< of the errors before each update
  std::optional<double> valid_loss, valid_rmse, valid_mae;
  double lr = 0;
  double seconds = 0;  ///< of the updates, without validation
  Position ratings = 0;
  Position skipped = 0;  ///< ratings without an unrated row to be set against
  bool best = false;

  double ratings_per_second() const { return seconds > 0 ? static_cast<double>(ratings) / seconds : 0; }
};

}  // namespace wf
