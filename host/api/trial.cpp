#include "host/api/trial.hpp"

#include "host/api/recommend.hpp"
#include "host/config/names.hpp"
#include "host/evaluate/ranking_metrics.hpp"
#include "host/settings/algorithm_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

Ratings copy_of(const RatingsView<Host>& view) {
  Ratings ratings;
  for (Position n = 0; n < view.size(); ++n) ratings.push_back(view.user[n], view.item[n], view.value[n]);
  return ratings;
}

Ratings positives_of(const RatingsView<Host>& view, std::optional<double> least) {
  TrainConfig config;
  config.positive_from = least;
  Ratings ratings = copy_of(view);
  keep_positives(config, ratings);
  return ratings;
}

/// The ids, where a model to start from must have the same; else their rows, which cost nothing.
IdMap ids_for(const TrainSettings& settings, const IdMap& ids) {
  return settings.init_from.empty() ? IdMap::rows(ids.size()) : ids.clone();
}

/// The users who have relevant ratings of items that they have not seen in training, and how many items: unknown ones,
/// which nobody finds, count.
struct Wanted {
  std::vector<RowId> users;            // ascending
  std::vector<std::vector<RowId>> of;  // items of each of them that have a row, ascending
  std::vector<Position> count;         // all of them
};

Wanted wanted_of(const Ratings& relevant, const ItemSets& seen, const Model& model) {
  std::vector<std::pair<RowId, RowId>> pairs;
  for (Position n = 0; n < relevant.size(); ++n) {
    const RowId user = relevant.user[n], item = relevant.item[n];
    if (user >= model.n_users) continue;
    const Span<const RowId, Host> known = seen.of(user);
    if (!std::binary_search(known.begin(), known.end(), item)) pairs.emplace_back(user, item);
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  Wanted wanted;
  for (const auto& [user, item] : pairs) {
    if (wanted.users.empty() || wanted.users.back() != user) {
      wanted.users.push_back(user);
      wanted.of.emplace_back();
      wanted.count.push_back(0);
    }
    if (item < model.n_items) wanted.of.back().push_back(item);
    ++wanted.count.back();
  }
  return wanted;
}

/// The mean of the users' NDCG, as evaluate_ranking has it, out of lists alone: a search has no use for the whole
/// ranking, which takes 20 times as long. nullopt: somebody asked to stop.
std::optional<double> ndcg_of(Engine& engine, const Model& model, const TrialData& data, const TrainConfig& config,
                              const TrainCallbacks& callbacks) {
  constexpr Position kTogether = 4096;
  const ItemSets seen(data.train, model.n_users, model.n_items, config.threads);
  const Wanted wanted = wanted_of(positives_of(data.test, data.relevant_from), seen, model);
  std::vector<RowId> items;
  for (RowId item = 0; item < model.n_items; ++item) {
    if (item != config.item_padding) items.push_back(item);
  }
  const auto n_users = static_cast<Position>(wanted.users.size());
  double sum = 0;
  for (Position first = 0; first < n_users; first += kTogether) {
    if (callbacks.stop_requested && callbacks.stop_requested()) return std::nullopt;
    const Span<const RowId, Host> users{wanted.users.data() + first, std::min(kTogether, n_users - first)};
    const auto lists = recommend(
        engine, model, {users, {items.data(), static_cast<Position>(items.size())}, seen, kMetricCut, config.threads});
    for (std::size_t n = 0; n < lists.size(); ++n) {
      const std::size_t user = static_cast<std::size_t>(first) + n;
      std::vector<Position> hits;
      for (std::size_t place = 0; place < lists[n].size(); ++place) {
        const std::vector<RowId>& of = wanted.of[user];
        if (std::binary_search(of.begin(), of.end(), lists[n][place].item))
          hits.push_back(static_cast<Position>(place) + 1);
      }
      sum += list_measures(hits, wanted.count[user], kMetricCut).ndcg;
    }
  }
  return n_users > 0 ? sum / static_cast<double>(n_users) : 0;
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
  const Ratings positives = pairs ? positives_of(data.train, config.positive_from) : Ratings{};
  const RatingsView<Host> train_view = pairs ? positives.view() : data.train;
  TrainingSource source;
  source.data = {config.batch_size > 0 ? copy_of(train_view) : Ratings{}, ids_for(settings, data.users),
                 ids_for(settings, data.items)};
  source.ratings = std::make_unique<RatingsInMemory>(train_view);
  if (data.test_validates) {
    source.valid = pairs               ? positives_of(data.test, config.positive_from)
                   : validates(config) ? copy_of(data.test)
                                       : Ratings{};
  }
  const Training training = train(settings, std::move(source), callbacks);

  TrialResult result;
  result.config = training.config;
  result.epochs = static_cast<int>(training.result.epochs.size());
  result.best_epoch = training.result.best_epoch;
  result.reason = training.result.reason;
  const TrainConfig& ran = training.config;
  const ChosenEngine chosen = make_engine(ran.engine, ran.threads, settings.deterministic, ran.device_plan);
  if (!pairs) {
    const ErrorSums errors = chosen.engine->open(training.model)->errors(data.test, ran.loss);
    result.rmse = errors.rmse();
    result.mae = errors.mae();
  }
  if (metric == Metric::ndcg) {
    result.ndcg = ndcg_of(*chosen.engine, training.model, data, ran, callbacks);
    if (!result.ndcg) result.reason = StopReason::interrupted;
  }
  return result;
}

}  // namespace wf
