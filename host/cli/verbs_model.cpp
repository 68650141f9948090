// evaluate, predict, info: a model, looked at and used.
#include "host/api/engines.hpp"
#include "host/base/shown.hpp"
#include "host/cli/data_files.hpp"
#include "host/cli/json_text.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/training_data.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/words.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/model/model_file.hpp"
#include "host/pages/page_file.hpp"
#include "host/ratings/split.hpp"
#include "host/train/validation_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

bool is_known(const Model& model, RowId user, RowId item) {
  return user < model.n_users && item < model.n_items;
}

/// The ratings whose user and item the model has rows for.
Ratings known_part(const Model& model, const RatingsView<Host>& ratings) {
  Ratings known;
  for (Position n = 0; n < ratings.size(); ++n) {
    if (!is_known(model, ratings.user[n], ratings.item[n])) continue;
    known.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  }
  return known;
}

/// The bias baseline on the same ratings, or why there is none.
struct BaselineResult {
  std::optional<double> bias_rmse, mean_rmse;
  std::string fitted_on, why_not;
};

TrainingFile training_ratings(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                              Console& console) {
  if (request.train.empty()) {
    TrainingFile file = reread_training_file(console, model, record, request.model, request.engine.threads);
    // the baseline gets what the model was trained on, no more
    if (file.ratings && record.valid_frac > 0) {
      ThreadPool pool(request.engine.threads);
      split_off(*file.ratings, record.valid_frac, record.seed, pool);
    }
    return file;
  }
  Dataset data = known_dataset(model);
  read_file(console, request.train, options_for(model, record, request.reader.options), data);
  return {std::move(data.ratings), request.train, ""};
}

BaselineResult measure_baseline(const EvaluateRequest& request, const Model& model, const TrainingRecord& record,
                                const RatingsView<Host>& ratings, Console& console) {
  BaselineResult result;
  if (counts_mistakes(record.loss)) return result;  // which an error in ratings says nothing about
  TrainingFile file = training_ratings(request, model, record, console);
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
void print_mistakes(const ErrorSums& all, const ErrorSums& known) {
  OutputFile out("");
  out.write(fmt::format("{:<20}{:.6f}\n{:<20}{:.6f}\n{:<20}{}\n{:<20}{}\n", "loss", all.mean_loss(), "accuracy",
                        1 - all.mae(), "n", all.count, "n_unknown", all.count - known.count));
  if (known.count > 0 && known.count < all.count) {
    out.write(fmt::format("{:<20}{:.6f}\n", "accuracy_known", 1 - known.mae()));
  }
  out.commit();
}

void print_evaluation(const ErrorSums& all, const ErrorSums& known, const BaselineResult& baseline,
                      std::optional<double> mean, const TrainingRecord& record, Console& console) {
  OutputFile out("");
  const auto print = [&out](const char* name, double value) { out.write(fmt::format("{:<20}{:.6f}\n", name, value)); };
  print("rmse", all.rmse());
  print("mae", all.mae());
  out.write(fmt::format("{:<20}{}\n{:<20}{}\n", "n", all.count, "n_unknown", all.count - known.count));
  if (known.count > 0 && known.count < all.count) print("rmse_known", known.rmse());
  if (baseline.bias_rmse) print("baseline_bias_rmse", *baseline.bias_rmse);
  if (mean) print("baseline_mean_rmse", *mean);
  out.commit();
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

/// Of a loss of pairs: the ratings that count, each against an item (with bpr_item, a user) that is neither in the file
/// nor in the training file, where that can be read.
ErrorSums pair_errors(const EvaluateRequest& request, const Model& model, const TrainingRecord& record, Dataset& data,
                      Scorer& scorer, Console& console) {
  TrainConfig config;
  config.positive_from = record.positive_from;
  keep_positives(config, data.ratings);
  TrainingFile train = training_ratings(request, model, record, console);
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

int report_pairs(const ErrorSums& sums, Position n, Console& console) {
  if (!console.json()) {
    OutputFile out("");
    out.write(fmt::format("{:<20}{:.6f}\n{:<20}{:.6f}\n{:<20}{}\n{:<20}{}\n", "loss", sums.mean_loss(), "accuracy",
                          1 - sums.mae(), "n", sums.count, "n_left_out", n - sums.count));
    out.commit();
    return 0;
  }
  JsonObject object;
  object.number("loss", sums.mean_loss())
      .number("accuracy", 1 - sums.mae())
      .count("n", sums.count)
      .count("n_left_out", n - sums.count);
  OutputFile out("");
  out.write(object.str() + '\n');
  out.commit();
  return 0;
}

std::string evaluation_json(const ErrorSums& all, const ErrorSums& known, const BaselineResult& baseline,
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
  return object.str();
}

/// "user,item,prediction" lines, or JSON Lines, for the pairs of one file.
class PredictionWriter {
 public:
  PredictionWriter(OutputFile& out, const Dataset& pairs, bool json) : out_(out), pairs_(pairs), json_(json) {}

  void write(Position first, Span<const float, Host> scores) {
    std::string text;
    for (Position n = 0; n < scores.size; ++n) {
      const std::string user = pairs_.users.text(pairs_.ratings.user[first + n]);
      const std::string item = pairs_.items.text(pairs_.ratings.item[first + n]);
      if (json_) {
        JsonObject object;
        object.text("user", user).text("item", item).number("prediction", scores[n]);
        text += object.str() + '\n';
      } else {
        text += csv_field(user) + ',' + csv_field(item) + fmt::format(",{:.9g}\n", scores[n]);
      }
    }
    out_.write(text);
  }

 private:
  OutputFile& out_;
  const Dataset& pairs_;
  bool json_;
};

std::string ids_word(IdKind kind) {
  return kind == IdKind::rows ? "rows" : kind == IdKind::integers ? "integers" : "strings";
}

std::string info_json(const Model& model, const std::string& path, Position file_bytes) {
  JsonObject object;
  object.text("model", path)
      .count("bytes", file_bytes)
      .count("n_users", model.n_users)
      .count("n_items", model.n_items)
      .count("rank", model.rank)
      .boolean("biases", model.has_biases())
      .number("global_mean", model.global_mean)
      .text("user_ids", ids_word(model.users.kind()))
      .text("item_ids", ids_word(model.items.kind()))
      .number("rating_mean", model.rating_mean)
      .number("rating_min", model.rating_min)
      .number("rating_max", model.rating_max)
      .raw("metadata", metadata_json(model));
  return object.str();
}

std::string info_row(std::string_view name, std::string_view value) {
  return fmt::format("{:<20}{}\n", name, value);
}

std::string ids_row(std::string_view name, Position n, IdKind kind) {
  return info_row(name, fmt::format("{} ({} as ids)", grouped(n), ids_word(kind)));
}

std::string info_text(const Model& model, const std::string& path, Position file_bytes) {
  std::string text;
  const auto row = [&text](std::string_view name, std::string_view value) { text += info_row(name, value); };
  row("model", path);
  row("size", short_bytes(file_bytes));
  text += ids_row("users", model.n_users, model.users.kind());
  text += ids_row("items", model.n_items, model.items.kind());
  row("rank", std::to_string(model.rank));
  row("biases", model.has_biases() ? fmt::format("yes, global mean {}", model.global_mean) : std::string("no"));
  if (model.rating_mean)
    row("ratings", fmt::format("{} to {}, mean {:.4f}", model.rating_min, model.rating_max, *model.rating_mean));
  if (model.norm_limit.active()) {
    row("max_norm", fmt::format("{} (p = {})", model.norm_limit.max_norm, model.norm_limit.norm_type));
  }
  for (const auto& [key, value] : model.metadata) {
    row(key, key == kSettingsKey ? "warpfactor info --settings prints them" : value);
  }
  return text;
}

std::string settings_of(const Model& model, const std::string& path) {
  const auto found = model.metadata.find(kSettingsKey);
  if (found != model.metadata.end()) return found->second;
  throw InputError({path},
                   "the model records no settings: another program wrote it, or warpfactor before it recorded them",
                   "warpfactor info without --settings shows what it has");
}

std::string pages_info(const std::string& path, bool json) {
  const PageFile file(path);
  const Dataset ids = file.ids();
  const std::string& source = file.source().report.path;
  if (json) {
    JsonObject object;
    object.text("pages", path)
        .count("bytes", file.bytes())
        .count("n_ratings", file.size())
        .count("n_users", ids.users.size())
        .count("n_items", ids.items.size())
        .text("user_ids", ids_word(file.user_kind()))
        .text("item_ids", ids_word(file.item_kind()))
        .text("data", source);
    return object.str() + '\n';
  }
  return info_row("pages", path) + info_row("size", short_bytes(file.bytes())) +
         info_row("ratings", grouped(file.size())) + ids_row("users", ids.users.size(), file.user_kind()) +
         ids_row("items", ids.items.size(), file.item_kind()) +
         info_row("data", source.empty() ? "stdin" : shown(source));
}

}  // namespace

int run_verb(const EvaluateRequest& request, Console& console) {
  const Model model = read_model(request.model);
  const TrainingRecord record = read_record(model, request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  note_reader(console, record, request.reader.options);
  Dataset data = known_dataset(model);
  const ReadReport report = read_file(console, request.data, options_for(model, record, request.reader.options), data);
  if (report.implicit()) {
    console.note("the file has no ratings: every one counts as 1 (--col-rating names a column)");
  }
  const auto scorer = chosen.engine->open(model);
  if (is_pairwise(record.loss)) {
    const Position n = data.ratings.size();
    return report_pairs(pair_errors(request, model, record, data, *scorer, console), n, console);
  }
  const ErrorSums all = scorer->errors(data.ratings.view(), record.loss);
  const Ratings known = known_part(model, data.ratings.view());
  const ErrorSums known_errors = known.empty() ? ErrorSums{} : scorer->errors(known.view(), record.loss);
  const bool mistakes = counts_mistakes(record.loss);
  const BaselineResult baseline = measure_baseline(request, model, record, data.ratings.view(), console);
  const std::optional<double> mean =
      mistakes || baseline.mean_rmse ? baseline.mean_rmse : mean_rmse(model, data.ratings.view());
  if (console.json()) {
    OutputFile out("");
    out.write(evaluation_json(all, known_errors, baseline, mean, record) + '\n');
    out.commit();
  } else if (mistakes) {
    print_mistakes(all, known_errors);
  } else {
    print_evaluation(all, known_errors, baseline, mean, record, console);
  }
  return 0;
}

int run_verb(const PredictRequest& request, Console& console) {
  const Model model = read_model(request.model);
  const TrainingRecord record = read_record(model, request.model);
  ChosenEngine chosen = make_engine(request.engine.engine, request.engine.threads);
  note_reader(console, record, request.reader.options);
  Dataset pairs = known_dataset(model);
  ReadOptions options = options_for(model, record, request.reader.options);
  options.need_rating = false;
  read_file(console, request.pairs, options, pairs);

  refuse_same_file(request.out, request.pairs);
  refuse_same_file(request.out, request.model);
  OutputFile out(request.out);
  if (!console.json()) out.write("user,item,prediction\n");
  PredictionWriter writer(out, pairs, console.json());
  const auto scorer = chosen.engine->open(model);
  constexpr Position kChunk = 65536;
  HostBuffer<float> scores(std::min(kChunk, pairs.ratings.size()));
  const RatingsView<Host> view = pairs.ratings.view();
  Position unknown = 0;
  for (Position first = 0; first < view.size(); first += kChunk) {
    const RatingsView<Host> part = view.part(first, std::min(kChunk, view.size() - first));
    const Span<float, Host> chunk = scores.span().part(0, part.size());
    scorer->predict(part.user, part.item, chunk);
    for (Position n = 0; n < part.size(); ++n) unknown += is_known(model, part.user[n], part.item[n]) ? 0 : 1;
    writer.write(first, chunk);
  }
  out.commit();
  if (unknown > 0) {
    console.note(
        fmt::format("{} of {} with a user or an item that the model does not know: predicted from the mean "
                    "and what is known",
                    grouped(unknown), plural(view.size(), "pair")));
  }
  return 0;
}

int run_verb(const InfoRequest& request, Console& console) {
  OutputFile out("");
  if (is_page_file(request.model)) {
    if (request.repeat) throw UsageError("--settings is for a model, and this is a page file", "leave it out");
    out.write(pages_info(request.model, console.json()));
    out.commit();
    return 0;
  }
  const Model model = read_model(request.model);
  if (request.repeat) {
    out.write(settings_of(model, request.model));
    out.commit();
    return 0;
  }
  std::error_code ignored;
  const auto bytes = static_cast<Position>(std::filesystem::file_size(request.model, ignored));
  out.write(console.json() ? info_json(model, request.model, bytes) + '\n' : info_text(model, request.model, bytes));
  out.commit();
  return 0;
}

}  // namespace wf::cli
