#include "host/cli/cross_validation.hpp"

#include "host/api/config_json.hpp"
#include "host/api/trial.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/resolve_config.hpp"
#include "host/cli/signals.hpp"
#include "host/cli/train_header.hpp"
#include "host/cli/training_source.hpp"
#include "host/ratings/folds.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <cmath>

namespace wf::cli {
namespace {

void check_folds(const TrainRequest& request) {
  const auto refuse = [](const char* option, const char* why) {
    throw UsageError(fmt::format("{} has no effect with --folds: {}", option, why), "leave one of them out");
  };
  if (!request.valid.empty()) refuse("--valid", "each fold tests on a part of DATA");
  const char* no_model = "no model is kept";
  if (!request.out.empty()) refuse("--out", no_model);
  if (!request.report.empty()) refuse("--report", no_model);
  if (!request.metrics.empty()) refuse("--metrics", no_model);
  if (!request.batch_losses.empty()) refuse("--batch-losses", no_model);
  if (!request.save_seen) refuse("--no-save-seen", no_model);
  if (request.checkpoint_epochs > 0 || request.checkpoint_seconds > 0) refuse("--checkpoint-every", no_model);
  if (request.resume) refuse("--resume", no_model);
  if (!request.tensorboard.empty()) refuse("--tensorboard", no_model);
  if (request.memory > 0) refuse("--memory", "all ratings are in memory");
}

struct Spread {
  double mean = 0;
  double deviation = 0;  ///< of the folds, by n - 1
};

template <class Value>
Spread spread_of(const std::vector<TrialResult>& folds, const Value& value) {
  const auto n = static_cast<double>(folds.size());
  Spread spread;
  for (const TrialResult& fold : folds) spread.mean += value(fold) / n;
  for (const TrialResult& fold : folds) spread.deviation += std::pow(value(fold) - spread.mean, 2) / (n - 1);
  spread.deviation = std::sqrt(spread.deviation);
  return spread;
}

/// The columns of the result: what was measured of every fold.
struct Column {
  const char* name;
  double (*value)(const TrialResult& fold);
};
std::vector<Column> columns_of(Metric metric) {
  if (metric == Metric::ndcg) return {{"ndcg@10", [](const TrialResult& fold) { return fold.of(Metric::ndcg); }}};
  return {{"rmse", [](const TrialResult& fold) { return fold.rmse; }},
          {"mae", [](const TrialResult& fold) { return fold.mae; }}};
}

std::string folds_text(const std::vector<TrialResult>& folds, const std::vector<Column>& columns) {
  std::string text = fmt::format("{:<6}", "fold");
  for (const Column& column : columns) text += fmt::format("{:<12}", column.name);
  text += "epoch\n";
  for (std::size_t n = 0; n < folds.size(); ++n) {
    text += fmt::format("{:<6}", n + 1);
    for (const Column& column : columns) text += fmt::format("{:<12.6f}", column.value(folds[n]));
    text += fmt::format("{}\n", folds[n].best_epoch);
  }
  std::string mean = fmt::format("{:<6}", "mean"), deviation = fmt::format("{:<6}", "sd");
  for (const Column& column : columns) {
    const Spread spread = spread_of(folds, column.value);
    mean += fmt::format("{:<12.6f}", spread.mean);
    deviation += fmt::format("{:<12.6f}", spread.deviation);
  }
  const auto trimmed = [](const std::string& line) { return line.substr(0, line.find_last_not_of(' ') + 1) + '\n'; };
  return text + trimmed(mean) + trimmed(deviation);
}

std::string folds_json(const std::vector<TrialResult>& folds, const std::vector<Column>& columns) {
  std::string list;
  for (const TrialResult& fold : folds) {
    JsonObject object;
    for (const Column& column : columns) object.number(column.name, column.value(fold));
    object.count("best_epoch", fold.best_epoch);
    list += (list.empty() ? "" : ", ") + object.str();
  }
  JsonObject object;
  object.raw("folds", '[' + list + ']');
  for (const Column& column : columns) {
    const Spread spread = spread_of(folds, column.value);
    object.raw(column.name, JsonObject().number("mean", spread.mean).number("sd", spread.deviation).str());
  }
  return object.raw("config", config_json(folds.front().config)).str();
}

}  // namespace

int cross_validate(const TrainRequest& request, Console& console) {
  check_folds(request);
  TrainSettings settings = request;
  const TrainConfig config = resolve_config(request);
  settings.config.valid_frac = request.no_valid ? 0 : settings.config.valid_frac;
  const Metric metric = usual_metric(config);
  const std::vector<Column> columns = columns_of(metric);
  const OpenedRatings opened = open_ratings(console, request, false, {});
  const Dataset& data = opened.source.data;
  print_data(console, opened.about.report, data, data.ratings.size(), config);
  ThreadPool pool(config.threads);
  const HostBuffer<std::uint8_t> drawn = draw_folds(data.ratings.view(), request.folds, config.seed, pool);
  remember_stop_signals();
  std::vector<TrialResult> folds;
  for (int fold = 0; fold < request.folds; ++fold) {
    const FoldParts parts = parts_of_fold(data.ratings.view(), drawn, fold);
    if (parts.test.empty()) {
      throw UsageError(fmt::format("fold {} of {} has no rating", fold + 1, request.folds), "take a smaller --folds");
    }
    TrainCallbacks callbacks;
    callbacks.stop_requested = [] { return stop_signal() != 0; };
    callbacks.epoch = [&](const EpochReport& report) {
      console.redraw(fmt::format("fold   {}/{} · epoch {}/{}", fold + 1, request.folds, report.epoch, report.epochs));
    };
    const TrialResult result = run_trial(
        settings, {data.users, data.items, parts.train.view(), parts.test.view(), false, config.positive_from}, metric,
        callbacks);
    if (stop_signal() != 0) {
      console.note("interrupted: a part of the folds says nothing");
      return 128 + stop_signal();
    }
    std::string text = fmt::format("{}/{} · {} train, {} test ·", fold + 1, request.folds, grouped(parts.train.size()),
                                   grouped(parts.test.size()));
    for (const Column& column : columns) text += fmt::format(" {} {:.4f}", column.name, column.value(result));
    console.line("fold", text + fmt::format(" at epoch {}", result.best_epoch), fold == 0 ? "--folds, --seed" : "");
    folds.push_back(result);
  }
  OutputFile out("");
  out.write(console.json() ? folds_json(folds, columns) + '\n' : folds_text(folds, columns));
  out.commit();
  return 0;
}

}  // namespace wf::cli
