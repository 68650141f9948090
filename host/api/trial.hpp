// One training of many, on ratings that stay in memory: what cross-validation and the search for settings are made of.
#pragma once
#include "host/api/train.hpp"

namespace wf {

inline constexpr Position kMetricCut = 10;  ///< of ndcg

/// Rows of the same tables; nothing of it changes.
struct TrialData {
  const IdMap& users;
  const IdMap& items;
  RatingsView<Host> train, test;
  /// The test part chooses the epoch, too; else a part of `train` does, as in any training.
  bool test_validates = false;
  std::optional<double> relevant_from = {};  ///< ndcg: the least rating that is looked for; nullopt: any above 0
};

struct TrialResult {
  TrainConfig config;
  int epochs = 0;      ///< that were run
  int best_epoch = 0;  ///< whose model was measured
  double rmse = 0, mae = 0;
  std::optional<double> ndcg;                  ///< only where asked for; 0 where nobody could be measured
  StopReason reason = StopReason::all_epochs;  ///< interrupted: what was measured is of a part

  double of(Metric metric) const;
};

/// Is `a` better than `b`? A value that is no number is worse than all.
bool is_better(Metric metric, double a, double b);

/// What a model of these settings can be judged by: ndcg where its scores are no estimates of ratings, else rmse.
Metric usual_metric(const TrainConfig& config);

/// Trains and measures. Of a loss of pairs, only the ratings that count train. ndcg looks for the same test ratings and
/// leaves out all training ratings, whatever trained. Throws UsageError for
/// a metric that the loss has not, and what `train` throws: FailedError where the run diverges in its first epoch.
TrialResult run_trial(const TrainSettings& settings, const TrialData& data, Metric metric,
                      const TrainCallbacks& callbacks = {});

}  // namespace wf
