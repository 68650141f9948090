// Which options which algorithm reads, and what those that were not given are with it.
#pragma once
#include "host/cli/requests.hpp"

#include <set>
#include <string>

namespace wf::cli {

/// svd, pca: one result, and no epochs.
inline bool finds_spectrum(Algorithm algorithm) {
  return algorithm == Algorithm::svd || algorithm == Algorithm::pca;
}

/// Does the loss say more than the error of the ratings? Where other cells count, or that is not what is minimised.
inline bool shows_loss(const TrainConfig& config) {
  const bool of_nmf = config.missing == Missing::zero || config.nmf_loss == NmfLoss::kl;
  return config.algorithm == Algorithm::ials || (config.algorithm == Algorithm::nmf && of_nmf);
}

/// Defaults of algorithms other than sgd, whose are TrainConfig's.
void apply_algorithm_defaults(TrainConfig& config, const TrainRequest& request);

/// Long names, without dashes, of the options that other algorithms read and this one does not.
std::set<std::string> unread_options(Algorithm algorithm);

/// Throws UsageError for an option that the algorithm would not read.
void check_algorithm(const TrainConfig& config, const TrainRequest& request);

}  // namespace wf::cli
