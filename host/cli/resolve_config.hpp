// What was given on the command line -> the whole configuration of a run, with its rules checked.
#pragma once
#include "host/cli/requests.hpp"
#include "host/train/engine.hpp"

namespace wf::cli {

/// Settles every default that depends on another option and throws UsageError for what does not go together, with the
/// way out.
TrainConfig resolve_config(const TrainRequest& request);

/// The mini-batches that verify compares. Throws UsageError for options of train that would do nothing there.
TrainRequest compared_steps(const VerifyRequest& request);

/// Throws UsageError for options of a device where the engine has none, before anything is read.
void check_device_options(const TrainRequest& request, const Engine& engine);

/// What defaults depend on, of the training ratings.
struct RatingScale {
  double deviation = 0;      ///< standard deviation
  double largest_share = 0;  ///< of all ratings, in the row that has most; 0: not known
  double mean = 0;           ///< of the cells that count
};

/// Defaults that were not given, for ratings of that scale (docs/decisions/0001-defaults.md).
///
/// Per-rating SGD on squared errors: in units of the deviation. A squared error grows with its square and a squared
/// factor with itself, so lambda must grow with it, lr fall with it and initial factors grow with its root, or the
/// defaults suit one scale of ratings alone.
///
/// kl: in units of the mean, which a product of two factors is: the loss of ratings times c is c times the loss, of
/// factors times the root of c, and so is lambda's share.
///
/// Mini-batch SGD: lr at most 0.5 / largest_share. A row with that share of a batch moves by 2 lr share times its
/// distance from the optimum and more, where its partners' rows are longer than 1; beyond twice the distance it never
/// settles.
void scale_defaults(TrainConfig& config, const TrainRequest& request, const RatingScale& scale);

/// The configuration as one JSON object; its keys are the options' long names with _ for -.
std::string config_json(const TrainConfig& config);

}  // namespace wf::cli
