// Which options which algorithm reads, and what those that were not given are with it.
#pragma once
#include "host/settings/train_settings.hpp"

#include <set>
#include <string>

namespace wf {

/// svd, pca: one result, and no epochs.
inline bool finds_spectrum(Algorithm algorithm) {
  return algorithm == Algorithm::svd || algorithm == Algorithm::pca;
}

/// Does the loss say more than the error of the ratings? Where other cells count, or that is not what is minimised.
inline bool shows_loss(const TrainConfig& config) {
  const bool of_nmf = config.missing == Missing::zero || config.nmf_loss == NmfLoss::kl;
  return config.algorithm == Algorithm::ials || (config.algorithm == Algorithm::nmf && of_nmf);
}

/// Can ratings that are kept back say how good the scores are? Not where those put items in order, or where a cell
/// without a rating is 0.
inline bool validates(const TrainConfig& config) {
  return config.algorithm != Algorithm::ials && !finds_spectrum(config.algorithm) &&
         !(config.algorithm == Algorithm::nmf && config.missing == Missing::zero);
}

/// Defaults of algorithms other than sgd, whose are TrainConfig's.
void apply_algorithm_defaults(TrainConfig& config, const TrainSettings& settings);

/// Long names, without dashes, of the options that other algorithms read and this one does not.
std::set<std::string> unread_options(Algorithm algorithm);
inline bool reads(Algorithm algorithm, const std::string& option) {
  return !unread_options(algorithm).contains(option);
}

/// Throws UsageError for an option that the algorithm would not read.
void check_algorithm(const TrainConfig& config, const TrainSettings& settings);

}  // namespace wf
