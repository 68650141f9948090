// evaluate: how far predictions are from ratings, and how well items are ranked.
#include "host/api/engines.hpp"
#include "host/api/training_data.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/ranking_report.hpp"
#include "host/cli/verbs.hpp"
#include "host/config/names.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/model/model_file.hpp"
#include "host/ratings/split.hpp"
#include "host/train/validation_pairs.hpp"

#include <fmt/format.h>

#include <utility>

namespace wf::cli {
namespace {

/// The bias baseline on the same ratings, or why there is none.
struct BaselineResult {
  std::optional<double> bias_rmse, mean_rmse;
  std::string fitted_on, why_not;
};

TrainingFile training_ratings(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                              Console& console) {
  if (request.train.empty()) {
    return reread_training_file(console, model, record, request.model, "", request.engine.threads);
  }
  Dataset data = known_dataset(model);
  read_file(console, request.train, options_for(model, record, request.reader.options), data);
  return {std::move(data.ratings), request.train, ""};
}

/// Of the recorded training file, what the model was trained on and no more.
void leave_validation_out(const EvaluateRequest& request, const TrainingRecord& record, TrainingFile& file) {
  if (!request.train.empty() || !file.ratings || record.valid_frac <= 0) return;
  ThreadPool pool(request.engine.threads);
  split_off(*file.ratings, record.valid_frac, record.seed, pool);
}

BaselineResult measure_baseline(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                                const RatingsView<Host>& ratings, TrainingFile& file) {
  BaselineResult result;
  if (counts_mistakes(record.loss)) return result;  // which an error in ratings says nothing about
  result.why_not = file.why_not;
  if (!file.ratings) return result;
  const Ratings train = known_part(model, file.ratings->view());
  file.ratings.reset();
  if (train.empty()) {
    result.why_not = fmt::format("{} has no rating of a known user and item", file.path);
    return result;
  }
  const int threads = request.engine.threads;
  const BiasBaseline baseline =
      fit_biases(RatingsInMemory(train.view()), model.n_users, model.n_items, kBiasPenalty, threads);
  result.bias_rmse = baseline.errors(ratings, threads).rmse();
  result.mean_rmse = baseline.mean_errors(ratings, threads).rmse();
  result.fitted_on = file.path;
  return result;
}

/// RMSE of answering every rating with the mean of the training ratings; none for a file that does not say it.
std::optional<double> mean_rmse(const Model& model, const RatingsView<Host>& ratings) {
  if (!model.rating_mean) return std::nullopt;
  return BiasBaseline{*model.rating_mean, {}, {}}.mean_errors(ratings).rmse();
}

/// Of a loss that counts mistakes: nothing that is measured in ratings.
std::string mistakes_text(const ErrorSums& all, const ErrorSums& known) {
  std::string text = fmt::format("{:<20}{:.6f}\n{:<20}{:.6f}\n{:<20}{}\n{:<20}{}\n", "loss", all.mean_loss(),
                                 "accuracy", 1 - all.mae(), "n", all.count, "n_unknown", all.count - known.count);
  if (known.count > 0 && known.count < all.count) {
    text += fmt::format("{:<20}{:.6f}\n", "accuracy_known", 1 - known.mae());
  }
  return text;
}

std::string evaluation_text(const ErrorSums& all, const ErrorSums& known, const BaselineResult& baseline,
                            std::optional<double> mean) {
  std::string text;
  const auto print = [&text](const char* name, double value) { text += fmt::format("{:<20}{:.6f}\n", name, value); };
  print("rmse", all.rmse());
  print("mae", all.mae());
  text += fmt::format("{:<20}{}\n{:<20}{}\n", "n", all.count, "n_unknown", all.count - known.count);
  if (known.count > 0 && known.count < all.count) print("rmse_known", known.rmse());
  if (baseline.bias_rmse) print("baseline_bias_rmse", *baseline.bias_rmse);
  if (mean) print("baseline_mean_rmse", *mean);
  return text;
}

void say_baseline(const BaselineResult& baseline, const TrainingRecord& record, Console& console) {
  if (baseline.bias_rmse) {
    console.note(fmt::format("the bias baseline is fitted on {}", baseline.fitted_on));
    return;
  }
  std::string text = fmt::format("no bias baseline: {} (--train FILE names the training ratings)", baseline.why_not);
  if (record.baseline_bias_rmse) {
    text += fmt::format("; on the validation part of its training it was {:.4f}", *record.baseline_bias_rmse);
  }
  console.note(text);
}

/// Of models whose errors are printed although their scores are no ratings.
void say_what_scores_are(const TrainingRecord& record, Console& console) {
  if (record.algorithm == Algorithm::ials) console.note(no_ratings(record));
  if (record.all_cells) {
    console.note(fmt::format("{} counts cells without a rating as 0: its scores are no estimates of the ratings",
                             name_of(record.algorithm)));
  }
}

/// Of a loss of pairs: the ratings that count, each against an item (with bpr_item, a user) that is neither in the file
/// nor in the training file, where that can be read.
ErrorSums pair_errors(const EvaluateRequest& request, const Model& model, const TrainingRecord& record, Dataset& data,
                      TrainingFile& train, Scorer& scorer, Console& console) {
  TrainConfig config;
  config.positive_from = record.positive_from;
  keep_positives(config, data.ratings);
  if (!train.ratings) {
    console.note(
        fmt::format("pairs may hold what the model was trained on: {} (--train FILE names it)", train.why_not));
    train.ratings = Ratings{};
  }
  keep_positives(config, *train.ratings);
  const Ratings known = known_part(model, train.ratings->view());
  ThreadPool pool(request.engine.threads);
  const ValidationPairs pairs(known.view(), data.ratings.view(), model.n_users, model.n_items, record.loss, record.seed,
                              pool);
  return pairs.errors([&](Span<const RowId, Host> user, Span<const RowId, Host> item, Span<float, Host> scores) {
    scorer.predict(user, item, scores);
  });
}

/// Everything measured, written at once; `text` of the ratings.
void write_results(Console& console, JsonObject& object, std::string text,
                   const std::optional<RankingEvaluation>& ranking) {
  if (ranking) {
    text += ranking_text(*ranking);
    add_ranking(object, *ranking);
  }
  OutputFile out("");
  out.write(console.json() ? object.str() + '\n' : text);
  out.commit();
}

void report_pairs(const ErrorSums& sums, Position n, const std::optional<RankingEvaluation>& ranking,
                  Console& console) {
  JsonObject object;
  object.number("loss", sums.mean_loss())
      .number("accuracy", 1 - sums.mae())
      .count("n", sums.count)
      .count("n_left_out", n - sums.count);
  std::string text;
  if (sums.count > 0) {
    text = fmt::format("{:<20}{:.6f}\n{:<20}{:.6f}\n", "loss", sums.mean_loss(), "accuracy", 1 - sums.mae());
  } else {
    console.note("no loss and no accuracy: no rating that counts is of a user and an item that the model knows");
  }
  text += fmt::format("{:<20}{}\n{:<20}{}\n", "n", sums.count, "n_left_out", n - sums.count);
  write_results(console, object, text, ranking);
}

JsonObject evaluation_json(const ErrorSums& all, const ErrorSums& known, const BaselineResult& baseline,
                           std::optional<double> mean, const TrainingRecord& record) {
  JsonObject object;
  object.number("loss", all.mean_loss());
  if (counts_mistakes(record.loss)) object.number("accuracy", 1 - all.mae());
  object.number("rmse", all.rmse())
      .number("mae", all.mae())
      .count("n", all.count)
      .count("n_unknown", all.count - known.count)
      .number("rmse_known", known.rmse())
      .number("baseline_bias_rmse", baseline.bias_rmse)
      .number("baseline_mean_rmse", mean)
      .text("baseline_train", baseline.fitted_on)
      .number("validation_baseline_bias_rmse", record.baseline_bias_rmse)
      .number("validation_baseline_mean_rmse", record.baseline_mean_rmse);
  return object;
}

}  // namespace

int run_verb(const EvaluateRequest& request, Console& console) {
  check_ranking(request);
  const bool ranks = !request.ranking.at.empty();
  const Model model = read_model(request.model, ranks ? SeenItems::read : SeenItems::leave);
  const TrainingRecord record = read_record(model, request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  note_reader(console, record, request.reader.options);
  Dataset data = known_dataset(model);
  const ReadReport report = read_file(console, request.data, options_for(model, record, request.reader.options), data);
  if (report.implicit()) {
    note_implicit(console);
  }
  say_what_scores_are(record, console);
  const bool mistakes = counts_mistakes(record.loss), pairwise = is_pairwise(record.loss);
  TrainingFile train;
  if (ranks || pairwise || !mistakes) train = training_ratings(request, model, record, console);
  const auto scorer = chosen.engine->open(model);
  std::optional<RankingEvaluation> ranking;
  leave_validation_out(request, record, train);
  if (ranks) ranking = measure_ranking(request, model, record, data.ratings.view(), train, *chosen.engine, console);
  if (pairwise) {
    const Position n = data.ratings.size();
    report_pairs(pair_errors(request, model, record, data, train, *scorer, console), n, ranking, console);
    return 0;
  }
  const ErrorSums all = scorer->errors(data.ratings.view(), record.loss);
  const Ratings known = known_part(model, data.ratings.view());
  const ErrorSums known_errors = known.empty() ? ErrorSums{} : scorer->errors(known.view(), record.loss);
  const BaselineResult baseline = measure_baseline(request, model, record, data.ratings.view(), train);
  const std::optional<double> mean =
      mistakes || baseline.mean_rmse ? baseline.mean_rmse : mean_rmse(model, data.ratings.view());
  JsonObject object = evaluation_json(all, known_errors, baseline, mean, record);
  write_results(console, object,
                mistakes ? mistakes_text(all, known_errors) : evaluation_text(all, known_errors, baseline, mean),
                ranking);
  if (!mistakes && !console.json()) say_baseline(baseline, record, console);
  return 0;
}

}  // namespace wf::cli
