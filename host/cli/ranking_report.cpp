#include "host/cli/ranking_report.hpp"

#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace wf::cli {
namespace {

/// The ratings that should be ranked high, and which these are.
std::pair<Ratings, std::string> relevant_part(const RankingRequest& request, const TrainingRecord& record,
                                              const RatingsView<Host>& ratings) {
  TrainConfig config;
  config.positive_from = request.relevant_from ? request.relevant_from : record.positive_from;
  const bool all = !config.positive_from && !is_pairwise(record.loss);
  Ratings relevant;
  for (Position n = 0; n < ratings.size(); ++n) {
    if (all || config.is_positive(ratings.value[n])) {
      relevant.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
    }
  }
  std::string what = "every rating";
  if (!all) what = config.positive_from ? fmt::format("ratings from {}", *config.positive_from) : "ratings above 0";
  return {std::move(relevant), std::move(what)};
}

Position count_users(const RatingsView<Host>& ratings) {
  std::vector<RowId> users(ratings.user.begin(), ratings.user.end());
  std::sort(users.begin(), users.end());
  return std::unique(users.begin(), users.end()) - users.begin();
}

void say_what_was_ranked(const RankingRequest& request, const RankingEvaluation& ranking, const std::string& relevant,
                         Console& console) {
  std::string text = "no ranking metrics: no user is known and has something relevant that is ranked";
  if (ranking.metrics.n_users > 0) {
    text =
        fmt::format("ranking metrics are means over {}, each counting as one", plural(ranking.metrics.n_users, "user"));
  }
  text += fmt::format("; relevant: {} (--relevant-from)", relevant);
  if (ranking.n_left_out > 0) {
    text += fmt::format("; {} left out, unknown or with nothing relevant that they have not seen",
                        plural(ranking.n_left_out, "user"));
  }
  if (ranking.n_seen > 0) text += fmt::format("; {} seen in training not looked for", plural(ranking.n_seen, "pair"));
  if (ranking.n_unknown_items > 0) {
    text += fmt::format("; {} of {} with an item that the model does not know: nobody finds them",
                        grouped(ranking.n_unknown_items), plural(ranking.n_relevant, "relevant pair"));
  }
  console.note(text);
  if (!request.sampled) return;
  console.note(
      fmt::format("ranked among {} sampled items: no estimate of the same metric over all items, and of two models the "
                  "worse may win (Krichene, Rendle: On sampled metrics for item recommendation, KDD 2020)",
                  grouped(*request.sampled)));
}

/// name(), value: in the order of print. There are no values without a user.
template <class Take>
void for_metrics(const RankingEvaluation& ranking, const Take& take) {
  for (const RankingAt& cut : ranking.metrics.at) {
    const auto at = [&](const char* name, std::optional<double> value) {
      if (ranking.metrics.n_users == 0) value.reset();
      take(fmt::format("{}@{}", name, cut.at), value);
    };
    at("precision", cut.mean.precision);
    at("recall", cut.mean.recall);
    at("hit_rate", cut.mean.hit_rate);
    at("ndcg", cut.mean.ndcg);
    at("map", cut.mean.average_precision);
    at("mrr", cut.mean.reciprocal_rank);
    at("coverage", cut.coverage);
    at("gini", cut.gini);
    at("popularity", cut.popularity);
  }
  take("auc", ranking.metrics.auc);
}

}  // namespace

void check_ranking(const EvaluateRequest& request) {
  // a variable, or a file's line for all verbs, may be meant for another one
  const auto is_asked_of_this = [&request](const std::string& key) {
    return std::any_of(request.settings.begin(), request.settings.end(), [&key](const Setting& setting) {
      return setting.key() == key && (setting.source == Source::option || setting.source == Source::verb_table);
    });
  };
  if (is_asked_of_this("seed") && !request.ranking.sampled) {
    throw UsageError("--seed has no effect: nothing is drawn", "leave it out, or add --sampled N");
  }
  if (!request.ranking.at.empty()) return;
  for (const char* key : {"relevant-from", "keep-seen", "sampled"}) {
    if (is_asked_of_this(key)) {
      throw UsageError(fmt::format("--{} has no effect: nothing is ranked", key), "add --at K");
    }
  }
}

RankingEvaluation measure_ranking(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                                  const RatingsView<Host>& ratings, const TrainingFile& train, Engine& engine,
                                  Console& console) {
  const bool is_known = train.ratings || !model.seen.empty();
  if (!request.ranking.keep_seen && !is_known) {
    throw UsageError("which items has a user seen in training? " + train.why_not,
                     "--train FILE names the training ratings, --keep-seen leaves out none");
  }
  const int threads = request.engine.threads;
  ItemSets of_file;
  if (train.ratings) of_file = ItemSets(train.ratings->view(), model.n_users, model.n_items, threads);
  const ItemSets& seen = train.ratings ? of_file : model.seen;  // the model's has the validation part as well
  HostBuffer<Position> popularity;
  if (is_known) popularity = seen.counts(model.n_items);
  const ItemSets none;
  const auto [relevant, what] = relevant_part(request.ranking, record, ratings);
  RankingTask task{request.ranking.at, relevant.view(), request.ranking.keep_seen ? none : seen, std::move(popularity)};
  task.padding = record.item_padding;
  task.sampled = request.ranking.sampled;
  task.seed = request.ranking.seed.value_or(42);
  task.threads = threads;
  RankingEvaluation ranking = evaluate_ranking(engine, model, std::move(task));
  ranking.n_left_out += count_users(ratings) - count_users(relevant.view());
  say_what_was_ranked(request.ranking, ranking, what, console);
  return ranking;
}

std::string ranking_text(const RankingEvaluation& ranking) {
  std::string text;
  for_metrics(ranking, [&](const std::string& name, std::optional<double> value) {
    if (value) text += fmt::format("{:<20}{:.6f}\n", name, *value);
  });
  return text + fmt::format("{:<20}{}\n", "n_ranked_users", ranking.metrics.n_users);
}

void add_ranking(JsonObject& object, const RankingEvaluation& ranking) {
  for_metrics(ranking, [&](const std::string& name, std::optional<double> value) { object.number(name, value); });
  object.count("n_ranked_users", ranking.metrics.n_users)
      .count("n_left_out_users", ranking.n_left_out)
      .count("n_relevant", ranking.n_relevant)
      .count("n_relevant_unknown", ranking.n_unknown_items)
      .count("n_relevant_seen", ranking.n_seen);
}

}  // namespace wf::cli
