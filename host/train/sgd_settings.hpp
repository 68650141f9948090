// A configuration's words for per-rating SGD.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/schedule/block_grid.hpp"

namespace wf {

/// The settings of an epoch over a grid.
inline SgdSettings sgd_settings(const TrainConfig& config, int epoch, double lr, const BlockGrid& grid) {
  constexpr int kSlowEpochs = 1;  // as LIBMF has it
  SgdSettings settings;
  settings.loss = config.loss;
  settings.lr = static_cast<float>(lr);
  settings.adagrad = config.optimizer == Optimizer::row_adagrad;
  settings.slow_only = settings.adagrad && epoch <= kSlowEpochs;
  settings.bias_rate = static_cast<float>(config.bias_rate);
  const int slow = slow_factors(config.rank);
  settings.slow_share = 1 / static_cast<float>(slow);
  settings.fast_share = config.rank > slow ? 1 / static_cast<float>(config.rank - slow) : 0;
  if (config.reg_scaling == RegScaling::count) {  // each rating of a row carries the same share
    settings.lambda_user = static_cast<float>(config.lambda_user);
    settings.lambda_item = static_cast<float>(config.lambda_item);
  }
  settings.l1_user = static_cast<float>(config.l1_user);
  settings.l1_item = static_cast<float>(config.l1_item);
  settings.negatives = config.negatives;
  settings.nonnegative = config.nonnegative;
  settings.seed = config.seed;
  settings.epoch = static_cast<std::uint32_t>(epoch);
  settings.ratings = grid.n_ratings();
  settings.ranges = grid.size();
  return settings;
}

}  // namespace wf
