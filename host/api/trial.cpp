#include "host/api/trial.hpp"

#include "host/api/evaluate_ranking.hpp"
#include "host/config/names.hpp"
#include "host/settings/algorithm_settings.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace wf {
namespace {

Ratings copy_of(const RatingsView<Host>& view) {
  Ratings ratings;
  for (Position n = 0; n < view.size(); ++n) ratings.push_back(view.user[n], view.item[n], view.value[n]);
  return ratings;
}

double ndcg_of(Engine& engine, const Model& model, const RatingsView<Host>& train, const RatingsView<Host>& test,
               const TrainConfig& config) {
  const ItemSets seen(train, model.n_users, model.n_items, config.threads);
  RankingTask task{{kMetricCut}, test, seen, {}};
  task.padding = config.item_padding;
  task.threads = config.threads;
  const RankingMetrics metrics = evaluate_ranking(engine, model, std::move(task)).metrics;
  return metrics.n_users > 0 ? metrics.at.front().mean.ndcg : 0;
}

}  // namespace

double TrialResult::of(Metric metric) const {
  return metric == Metric::ndcg ? ndcg.value_or(0) : metric == Metric::mae ? mae : rmse;
}

bool is_better(Metric metric, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(b) && !std::isnan(a);
  return metric == Metric::ndcg ? a > b : a < b;
}

Metric usual_metric(const TrainConfig& config) {
  return is_pairwise(config.loss) || !validates(config) ? Metric::ndcg : Metric::rmse;
}

TrialResult run_trial(const TrainSettings& settings, const TrialData& data, Metric metric,
                      const TrainCallbacks& callbacks) {
  const TrainConfig& config = settings.config;
  const bool pairs = is_pairwise(config.loss);
  if (pairs && metric != Metric::ndcg) {
    throw UsageError(fmt::format("--loss {} is no error of ratings", name_of(config.loss)), "take --metric ndcg");
  }
  Ratings positives = pairs ? copy_of(data.train) : Ratings{}, test = copy_of(data.test);
  if (pairs) {
    keep_positives(config, positives);
    keep_positives(config, test);
  }
  const RatingsView<Host> train_view = pairs ? positives.view() : data.train;
  TrainingSource source;
  source.data = {config.batch_size > 0 ? copy_of(train_view) : Ratings{}, IdMap::rows(data.n_users),
                 IdMap::rows(data.n_items)};
  source.ratings = std::make_unique<RatingsInMemory>(train_view);
  if (data.test_validates) source.valid = validates(config) ? test.clone() : Ratings{};
  const Training training = train(settings, std::move(source), callbacks);

  TrialResult result;
  result.config = training.config;
  result.epochs = static_cast<int>(training.result.epochs.size());
  result.best_epoch = training.result.best_epoch;
  result.reason = training.result.reason;
  const TrainConfig& ran = training.config;
  const ChosenEngine chosen = make_engine(ran.engine, ran.threads, settings.deterministic, ran.device_plan);
  if (!pairs) {
    const ErrorSums errors = chosen.engine->open(training.model)->errors(test.view(), ran.loss);
    result.rmse = errors.rmse();
    result.mae = errors.mae();
  }
  if (metric == Metric::ndcg) result.ndcg = ndcg_of(*chosen.engine, training.model, train_view, test.view(), ran);
  return result;
}

}  // namespace wf
