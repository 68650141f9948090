// The settings of a training: their table, the defaults that follow from one another and from the ratings, and what
// does not go together.
#pragma once
#include "host/config/config.hpp"
#include "host/settings/parser.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace wf {

/// What was chosen; the rest is settled by `resolve` and `scale_defaults`.
struct TrainSettings {
  TrainConfig config;                ///< with what was given
  std::set<std::string> given;       ///< long names, without dashes, of the settings that defaults depend on
  std::optional<double> lambda, l1;  ///< of users and items
  std::string init_from;             ///< a model's file to start from; empty: none
  bool deterministic = false;
};

/// The table, group by group: docs/parameters.md. What is read is written into `settings`.
void add_algorithm_options(Parser& parser, TrainSettings& settings);
void add_model_options(Parser& parser, TrainSettings& settings);
void add_training_options(Parser& parser, TrainSettings& settings);
void add_validation_options(Parser& parser, TrainSettings& settings);
/// `reading_threads` gets the same number.
void add_engine_options(Parser& parser, std::string& engine, int& threads, int* reading_threads = nullptr);
void add_threads(Parser& parser, int& threads, int* reading_threads = nullptr);
void add_device_memory(Parser& parser, TrainSettings& settings);

/// All of them.
void add_train_settings(Parser& parser, TrainSettings& settings, int* reading_threads = nullptr);

/// The training's setting that any of its names calls, without dashes: "reg" -> that of lambda; nullptr: there is none.
const Setting* train_setting(const std::string& key);

/// Values by key, without a command: as text, checked as typed ones are. Throws UsageError, with the nearest known one
/// for a key that no training has.
TrainSettings read_train_settings(const std::vector<OuterValue>& values);

/// Settles every default that depends on another setting and throws UsageError for what does not go together, with the
/// way out.
TrainConfig resolve(const TrainSettings& settings);

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
void scale_defaults(TrainConfig& config, const TrainSettings& settings, const RatingScale& scale);

}  // namespace wf
