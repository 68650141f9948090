// train: ratings in, model out, and everything worth knowing on the way.
#include "host/api/config_json.hpp"
#include "host/api/engines.hpp"
#include "host/api/record.hpp"
#include "host/api/train.hpp"
#include "host/base/json_text.hpp"
#include "host/base/shown.hpp"
#include "host/base/stopwatch.hpp"
#include "host/cli/checkpoints.hpp"
#include "host/cli/cross_validation.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/processes.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/resolve_config.hpp"
#include "host/cli/settings_toml.hpp"
#include "host/cli/signals.hpp"
#include "host/cli/train_header.hpp"
#include "host/cli/training_logs.hpp"
#include "host/cli/training_source.hpp"
#include "host/cli/verbs.hpp"
#include "host/cli/write_report.hpp"
#include "host/model/model_file.hpp"
#include "host/ranks/mpi_module.hpp"
#include "host/schedule/row_sharing.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"
#include "host/train/memory_plan.hpp"

#include <fmt/format.h>

#include <csignal>
#include <set>
#include <utility>

namespace wf::cli {
namespace {

std::string without_suffix(const std::string& path, const std::string& suffix) {
  const bool ends =
      path.size() > suffix.size() && path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
  return ends ? path.substr(0, path.size() - suffix.size()) : path;
}

struct OutputPaths {
  std::string model;
  std::string metrics;  ///< empty: none
};

OutputPaths output_paths(const TrainRequest& request) {
  OutputPaths paths;
  paths.model = request.out.empty() ? stem_of(request.data, "model") + ".safetensors" : request.out;
  if (!request.writes) return paths;
  paths.metrics = request.metrics;
  if (request.metrics.empty()) paths.metrics = without_suffix(paths.model, ".safetensors") + ".metrics.jsonl";
  if (request.metrics == "none") paths.metrics.clear();
  check_writable(paths.model);
  const std::vector<std::string> inputs{request.data, request.valid, request.init_from};
  if (!request.report.empty()) check_writable(request.report);
  std::vector<std::string> outputs{paths.model, paths.metrics, request.batch_losses, request.report};
  if (Checkpoints::asked(request)) {
    const std::string last = Checkpoints::path_of(paths.model);
    outputs.insert(outputs.end(), {last, previous_checkpoint(last), damaged_checkpoint(last)});
  }
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    const bool continues = n == 0;  // a model may replace the one it starts from
    for (const std::string& input : inputs) {
      if (!continues || &input != &inputs.back()) refuse_same_file(outputs[n], input);
    }
    for (std::size_t other = 0; other < n; ++other) refuse_same_file(outputs[n], outputs[other]);
  }
  return paths;
}

/// What a page file cannot do, whether it is DATA or its cache; and what cannot be done without one.
void check_pages(const TrainRequest& request, const TrainConfig& config) {
  if (request.memory > 0 && (config.batch_size > 0 || config.algorithm != Algorithm::sgd)) {
    throw UsageError("--memory is for one step per rating: others go through all ratings at any time",
                     "leave it out, or --batch-size and --algorithm");
  }
  const bool pages = is_page_file(request.data);
  if (request.cache && (pages || request.data == "-")) {
    throw UsageError(fmt::format("--cache: {} has none", pages ? "a page file" : "stdin"),
                     pages ? "leave it out: a page file is read as fast" : "name a file");
  }
  if ((pages || request.cache) && config.shuffle == Shuffle::none) {
    throw UsageError("--shuffle none needs the order of the file, which a page file does not keep",
                     pages ? "train on the text" : "leave --cache out");
  }
}

/// What goes into a training, and what its checkpoints must be of.
Identity identity_of(const TrainRequest& request, const TrainConfig& config, const Engine& engine,
                     const OpenedRatings& opened, const TrainingData& data) {
  Identity identity = identity_of(request, config, engine.name());
  identity[kData] = opened.about.report.hash;
  identity["--valid"] = opened.valid_hash.empty() ? "none" : opened.valid_hash;
  identity[kRatingCount] = std::to_string(data.n_train());
  identity[kRatingsAsRead] = hash_of(data);  // always: a signal may ask for a checkpoint at any time
  return identity;
}

/// scale_defaults; returns the names of the settings that follow from the ratings.
std::set<std::string> scale_to_ratings(TrainConfig& config, const TrainRequest& request, const RatingScale& scale) {
  const auto before = config_values(config);
  scale_defaults(config, request, scale);
  std::set<std::string> derived;
  for (const auto& [key, value] : config_values(config)) {
    const auto was = before.find(key);
    if (was == before.end() || was->second != value) derived.insert("--" + key);
  }
  return derived;
}

const char* reason_word(StopReason reason) {
  switch (reason) {
    case StopReason::early:
      return "early";
    case StopReason::interrupted:
      return "interrupted";
    case StopReason::diverged:
      return "diverged";
    case StopReason::all_epochs:
      break;
  }
  return "all_epochs";
}

TrainResult run_epochs(const TrainRequest& request, const TrainConfig& config, const OutputPaths& paths, Engine& engine,
                       Model& model, TrainingData& data, Checkpoints& checkpoints, Console& console) {
  TrainingProgress progress(console, config, data.n_train(), checkpoints.resumed_from());
  TrainingLogs logs({paths.metrics, request.tensorboard, request.batch_losses}, checkpoints.metrics(), console);
  TrainCallbacks callbacks;
  logs.attach(callbacks, progress);
  checkpoints.attach(callbacks, logs.metrics());
  TrainResult result;
  try {
    result = run_training(engine, model, data, config, callbacks);
  } catch (const FailedError& error) {
    logs.ended("failed", error.problem(), error.cure());
    logs.finish();  // of a run that diverged: that is when one wants to see the losses of batches
    throw;
  }
  if (result.reason == StopReason::diverged) {
    logs.ended(reason_word(result.reason), result.divergence.what, result.divergence.cure);
  }
  logs.finish();
  console.clear();
  return result;
}

const EpochReport* best_report(const TrainResult& result) {
  for (const EpochReport& report : result.epochs) {
    if (report.epoch == result.best_epoch) return &report;
  }
  return nullptr;
}

std::string score_text(const TrainResult& result, const Baselines& baselines, const TrainConfig& config) {
  const EpochReport* best = best_report(result);
  if (best == nullptr) return "no epoch was finished";
  if (finds_spectrum(config.algorithm)) {
    const std::vector<double>& values = result.spectrum.singular_values;
    return fmt::format("singular values {:.6g} to {:.6g}, {:.4g} % of the {}", values.front(), values.back(),
                       100 * result.spectrum.share(),
                       config.algorithm == Algorithm::pca ? "variance" : "sum of squares");
  }
  if (shows_loss(config) && !best->valid_rmse) {
    const bool of_cells = config.algorithm == Algorithm::nmf && config.missing == Missing::zero;
    return fmt::format("train loss {:.5g} a {}, after epoch {}", best->train_loss, of_cells ? "cell" : "rating",
                       best->epoch);
  }
  const Loss loss = config.loss;
  if (counts_mistakes(loss)) {
    const double wrong = best->valid_mae.value_or(best->train_rmse * best->train_rmse);
    const char* of = !best->valid_mae ? "train" : is_pairwise(loss) ? "valid" : "best valid";
    return fmt::format("{} loss {:.4f}, {:.2f} % {} at epoch {}", of, best->valid_loss.value_or(best->train_loss),
                       100 * wrong, is_pairwise(loss) ? "of pairs in the wrong order" : "wrong", best->epoch);
  }
  if (!best->valid_rmse) return fmt::format("train RMSE {:.4f} at epoch {}", best->train_rmse, best->epoch);
  std::string text = fmt::format("best valid RMSE {:.4f}, MAE {:.4f} at epoch {}", *best->valid_rmse,
                                 best->valid_mae.value_or(0), best->epoch);
  if (baselines.bias_rmse) {
    text += fmt::format(" (biases only {:.4f}, mean {:.4f})", *baselines.bias_rmse, baselines.mean_rmse.value_or(0));
  }
  return text;
}

/// What to do about a model that is no better than its baseline; empty where it is, or where nobody knows.
std::string note_on_score(const TrainResult& result, const Baselines& baselines, const TrainConfig& config) {
  const EpochReport* best = best_report(result);
  if (best == nullptr || !best->valid_rmse || !baselines.bias_rmse) return "";
  if (*best->valid_rmse < *baselines.bias_rmse) return "";
  const char* cure = config.batch_size > 0
                         ? "leave out --batch-size (one step per rating learns more in an epoch), or more --epochs"
                     : config.algorithm == Algorithm::nmf ? "a lower --rank, or more --epochs"
                                                          : "a lower --rank, a larger --lambda, or more --epochs";
  return fmt::format("the factors are no better than biases alone: {}", cure);
}

std::string note_on_rows(const TrainResult& result) {
  std::string text;
  if (result.empty_rows > 0)
    text = fmt::format("{} without a training rating: zeros", plural(result.empty_rows, "row"));
  if (result.deficient_rows > 0) {
    text += fmt::format(
        "{}{} with too few ratings for their factors and no penalty: those left open are zeros, and "
        "--lambda above 0 would settle them",
        text.empty() ? "" : "; ", plural(result.deficient_rows, "row"));
  }
  return text;
}

std::string reason_text(StopReason reason, const TrainConfig& config) {
  if (reason == StopReason::early) return fmt::format(" · stopped: no better for {} epochs", config.patience);
  if (reason == StopReason::interrupted)
    return fmt::format(" · interrupted by {}", stop_signal() == SIGINT ? "Ctrl-C" : "SIGTERM");
  if (reason == StopReason::diverged) return " · stopped: diverged";
  return "";
}

/// After the model is saved: an interrupted training is the signal's, one that diverged failed although there is a
/// model of its best epoch.
int exit_code_of(StopReason reason) {
  if (reason == StopReason::interrupted) return 128 + stop_signal();
  return reason == StopReason::diverged ? static_cast<int>(ErrorKind::failed) : 0;
}

TrainingRecord record_of(const PageSource& about, const TrainingData& data) {
  TrainingRecord record;
  record.data = about.report.path;
  record.hash = about.report.hash;
  record.bytes = about.report.bytes;
  record.n_ratings = data.n_train();
  record.reader = {about.options, about.declared_users, about.declared_items};
  record.baseline_bias_rmse = data.baselines.bias_rmse;
  record.baseline_mean_rmse = data.baselines.mean_rmse;
  return record;
}

/// A run that is over and saved.
struct FinishedRun {
  const TrainResult& result;
  const Baselines& baselines;
  const TrainConfig& config;
  const OutputPaths& paths;
  const Model& model;
  const TrainingRecord& record;
  const Checkpoints& checkpoints;
  const Stopwatch& watch;

  double seconds() const { return watch.seconds(); }
};

std::string divergence_json(const TrainResult& result) {
  if (result.reason != StopReason::diverged) return "null";
  return JsonObject().text("message", result.divergence.what).text("cure", result.divergence.cure).str();
}

std::string result_json(const FinishedRun& run) {
  const EpochReport* best = best_report(run.result);
  JsonObject object;
  object.text("model", run.paths.model)
      .count("n_users", run.model.n_users)
      .count("n_items", run.model.n_items)
      .count("n_ratings", run.record.n_ratings)
      .count("best_epoch", run.result.best_epoch)
      .boolean("partial_epoch", run.result.partial_epoch)
      .count("epochs", static_cast<Position>(run.result.epochs.size()))
      .count("empty_rows", run.result.empty_rows)
      .count("deficient_rows", run.result.deficient_rows)
      .text("stopped", reason_word(run.result.reason))
      .raw("divergence", divergence_json(run.result))
      .count("resumed_from", run.checkpoints.resumed_from())
      .count("checkpoint_epoch", run.checkpoints.last_epoch());
  object.number("train_rmse", best != nullptr ? std::optional(best->train_rmse) : std::nullopt)
      .number("train_loss", best != nullptr ? std::optional(best->train_loss) : std::nullopt)
      .number("valid_loss", best != nullptr ? best->valid_loss : std::nullopt)
      .number("valid_rmse", best != nullptr ? best->valid_rmse : std::nullopt)
      .number("valid_mae", best != nullptr ? best->valid_mae : std::nullopt)
      .number("baseline_bias_rmse", run.baselines.bias_rmse)
      .number("baseline_mean_rmse", run.baselines.mean_rmse)
      .raw("spectrum", spectrum_json(run.result.spectrum, run.config.algorithm, run.model.n_users))
      .number("seconds", run.seconds())
      .text("metrics", run.paths.metrics)
      .raw("config", config_json(run.config));
  return object.str();
}

void print_next(Console& console, const std::string& model_path, const Model& model, bool from_stdin) {
  const std::string file = shell_word(model_path);
  // of stdin, there is no file to look the seen items up in
  const char* seen = from_stdin && model.seen.empty() ? " --keep-seen" : "";
  console.line("next", fmt::format("warpfactor recommend {} --user {}{}      warpfactor evaluate {} NEW_RATINGS", file,
                                   shell_word(model.users.text(0)), seen, file));
}

void report_result(const FinishedRun& run, Console& console) {
  std::string epoch =
      run.result.best_epoch > 0 ? fmt::format("epoch {}", run.result.best_epoch) : "before its first full epoch";
  if (run.result.best_epoch > 0 && run.result.partial_epoch) epoch += " and a part of the next";
  console.line("done", fmt::format("{} in {}{}", score_text(run.result, run.baselines, run.config),
                                   short_seconds(run.seconds()), reason_text(run.result.reason, run.config)));
  if (run.result.reason == StopReason::diverged) {
    console.warn(fmt::format("{}; the model is that of epoch {} ({})", run.result.divergence.what,
                             run.result.best_epoch, run.result.divergence.cure));
  }
  if (const std::string note = note_on_rows(run.result); !note.empty()) console.note(note);
  if (const std::string note = note_on_score(run.result, run.baselines, run.config); !note.empty()) console.note(note);
  if (const EpochReport* best = best_report(run.result); best != nullptr && best->skipped > 0) {
    console.note(
        fmt::format("{} in an epoch had nothing unrated to be set against, in the part of the rows that is "
                    "at hand with them: a smaller --grid leaves out fewer",
                    plural(best->skipped, "rating")));
  }
  console.line("saved", fmt::format("{} (model, {}){}", run.paths.model, epoch,
                                    run.paths.metrics.empty() ? "" : "   " + run.paths.metrics));
  if (run.checkpoints.asked() && run.checkpoints.last_epoch() > 0) {
    console.line("",
                 fmt::format("{} (checkpoint, {} {})", run.checkpoints.path(),
                             finds_spectrum(run.config.algorithm) ? "pass" : "epoch", run.checkpoints.last_epoch()),
                 "--resume");
  }
  print_next(console, run.paths.model, run.model, run.record.data == "-");
  if (!console.json()) return;
  OutputFile out("");
  out.write(result_json(run) + '\n');
  out.commit();
}

std::string share_of(const BlockGrid& grid) {
  const int ranks = grid.ranks().size();
  const int least = grid.size() / ranks, most = (grid.size() + ranks - 1) / ranks;
  return fmt::format("each with {}{} of {} rows of blocks", least, most > least ? fmt::format(" or {}", most) : "",
                     grid.size());
}

std::string share_of(const RowSharing& sharing) {
  const RowRange users = sharing.users.own(), items = sharing.items.own();
  return fmt::format("the first with {} of {} and {} of {}", grouped(users.end - users.begin),
                     plural(sharing.users.n_all(), "user"), grouped(items.end - items.begin),
                     plural(sharing.items.n_all(), "item"));
}

void print_processes(Console& console, const TrainingData& data) {
  console.line("ranks",
               fmt::format("{} processes, {}", data.ranks().size(),
                           data.grid ? share_of(*data.grid) : share_of(*data.lists->sharing)),
               data.grid ? "mpirun -n, --grid" : "mpirun -n");
  console.note(
      "the model does not keep what users have rated, of which each process has a part: recommend reads it again");
}

}  // namespace

int run_verb(const TrainRequest& request, Console& console) {
  const Stopwatch watch;
  Ranks& ranks = job();
  end_on_stop_signals(ranks.is_alone());
  TrainConfig config = resolve_config(request);
  check_pages(request, config);
  if (request.folds > 0) return cross_validate(request, console);
  const OutputPaths paths = output_paths(request);
  check_same_settings(ranks, request, config);
  Checkpoints checkpoints(request, paths.model, ranks, console);
  ChosenEngine chosen =
      make_engine(config.engine, config.threads, request.deterministic, config.device_plan, local_rank());
  check_device_options(request, *chosen.engine);

  const bool stays = config.batch_size == 0;  // by row as well: two passes, and no more
  OpenedRatings opened = open_ratings(console, request, stays, folder_of(paths.model), ranks);
  check_same_ratings(ranks, opened.about);
  Dataset& ids = opened.source.data;
  check_padding(config, ids);
  print_data(console, opened.about.report, ids, opened.source.ratings->total(), config);
  TrainConfig layout = config;
  layout.grid = checkpoints.grid(config);
  TrainingData data = prepare(layout, *chosen.engine, opened.source);
  const Position n_valid = ranks.sum(data.valid.size());
  print_split(console, request, config, data.n_train(), n_valid);
  if (!ranks.is_alone()) print_processes(console, data);
  if (data.grid) print_room(console, request, *data.grid);
  console.line("engine", chosen.why, "--engine, --threads");
  const std::set<std::string> derived = scale_to_ratings(config, request, scale_of(config, ids, data));
  checkpoints.identify(identity_of(request, config, *chosen.engine, opened, data), derived,
                       data.grid ? data.grid->size() : 0, config);
  TrainingRecord record = record_of(opened.about, data);
  Model model = new_model(request, config, std::move(ids), data);
  print_settings(console, config, model, n_valid > 0);

  if (const auto device = chosen.engine->memory()) {
    const TrainingSize size = data.grid ? size_of(model, *data.grid, n_valid) : size_of(model, data.n_train(), n_valid);
    console.line("memory", describe(chosen.engine->plan(size, config), *device),
                 config.batch_size > 0 ? "--rank, --batch-size, --device-memory" : "--rank, --device-memory, --grid");
  }

  remember_stop_signals();
  const TrainResult result = run_epochs(request, config, paths, *chosen.engine, model, data, checkpoints, console);
  data.grid.reset();
  data.valid = {};
  const ResolvedDefaults resolved{config_values(config), {}, unread_options(config.algorithm)};
  record.settings = settings_toml("train", request.settings, resolved, Purpose::record);
  write_record(record, config, result, model);
  if (opened.seen) model.seen = opened.seen->read();
  if (request.writes) write_model(model, paths.model);
  if (!request.report.empty()) {
    write_report({paths.model,
                  request.data == "-" ? "" : request.data,
                  {},
                  {},
                  request.report,
                  {},
                  {config.engine, config.threads}},
                 console);
  }
  report_result({result, data.baselines, config, paths, model, record, checkpoints, watch}, console);
  return exit_code_of(result.reason);
}

}  // namespace wf::cli
