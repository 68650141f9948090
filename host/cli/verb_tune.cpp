// tune: many trainings on ratings that are read once, and the settings of the best.
#include "host/api/successive_halving.hpp"
#include "host/api/trial.hpp"
#include "host/base/json_text.hpp"
#include "host/cli/config_file.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/resolve_config.hpp"
#include "host/cli/settings_toml.hpp"
#include "host/cli/signals.hpp"
#include "host/cli/train_header.hpp"
#include "host/cli/training_source.hpp"
#include "host/cli/tune_space.hpp"
#include "host/cli/verbs.hpp"
#include "host/config/names.hpp"
#include "host/ratings/split.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace wf::cli {
namespace {

struct Trial {
  DrawnValues drawn;   ///< empty: the defaults and what was given
  DrawnValues values;  ///< of these, what its algorithm reads
  int rung = -1;       ///< of its longest run; -1: none was finished
  int epochs = 0;      ///< of that
  int all_epochs = 0;  ///< that a training with these settings has
  int best_epoch = 0;
  TrainConfig config;
  double score = NAN;  ///< NaN: it failed
  std::string failure;
};

const char* column_of(Metric metric) {
  return metric == Metric::ndcg ? "ndcg@10" : name_of(metric).data();
}

std::string text_of(const SearchRange& range) {
  if (!range.choices.empty()) return fmt::format("{} {}", range.key, join(range.choices, "|"));
  return fmt::format("{} {:.4g} to {:.4g}{}", range.key, range.from, range.to, range.scale == Scale::log ? " log" : "");
}

std::string values_text(const DrawnValues& values) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const auto& [key, value] : values) words.push_back(fmt::format("{} {}", key, value));
  return words.empty() ? "as given" : join(words, ", ");
}

class Search {
 public:
  Search(const TuneRequest& request, Console& console, const TrialData& data, Metric metric,
         std::vector<SearchRange> space, std::uint64_t seed)
      : request_(request),
        console_(console),
        data_(data),
        metric_(metric),
        space_(std::move(space)),
        seed_(seed),
        halving_(request.trials || request.budget ? request.trials : std::optional(kUsualTrials)) {}

  /// Until the budget is over, the trials are through, nothing is left to draw, or someone stops it.
  void run() {
    while (!is_over()) {
      const auto job = halving_.next();
      if (!job) break;
      if (job->trial == static_cast<Position>(trials_.size()) && !begin_trial()) {
        halving_.begin_no_more();
        continue;
      }
      run_job(*job);
    }
    if (!trials_.empty() && trials_.back().rung < 0 && trials_.back().failure.empty()) trials_.pop_back();  // cut short
  }

  const std::vector<Trial>& trials() const { return trials_; }

  /// Best first: those that were run longest before others, whose scores are of fewer epochs; failures last.
  std::vector<Position> ranking() const {
    std::vector<Position> order(trials_.size());
    for (std::size_t n = 0; n < order.size(); ++n) order[n] = static_cast<Position>(n);
    const auto rung_of = [](const Trial& one) { return std::isfinite(one.score) ? one.rung : -1; };
    std::stable_sort(order.begin(), order.end(), [&](Position a, Position b) {
      const Trial &first = trial(a), &second = trial(b);
      if (rung_of(first) != rung_of(second)) return rung_of(first) > rung_of(second);
      return is_better(metric_, first.score, second.score);
    });
    return order;
  }
  const Trial& trial(Position n) const { return trials_[static_cast<std::size_t>(n)]; }

 private:
  /// The first one is without drawn values: what is found is no worse. False where the space, as far as can be seen,
  /// has nothing that has not been tried.
  bool begin_trial() {
    constexpr int kAttempts = 100;
    Trial trial;
    for (int attempt = 0; !trials_.empty(); ++attempt) {
      if (attempt == kAttempts) return false;
      trial.values = drawn_settings(space_, seed_, ++draws_);
      const bool tried =
          std::any_of(trials_.begin(), trials_.end(), [&](const Trial& other) { return other.drawn == trial.values; });
      if (!tried) break;
    }
    trial.drawn = trial.values;
    trials_.push_back(std::move(trial));
    return true;
  }

  bool is_over() const {
    if (stop_signal() != 0) return true;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    return request_.budget && passed.count() >= *request_.budget;
  }

  void run_job(const SuccessiveHalving::Job& job) {
    Trial& trial = trials_[static_cast<std::size_t>(job.trial)];
    if (!run_rung(job, trial)) return;
    const bool finite = std::isfinite(trial.score);
    halving_.report(job, !finite ? INFINITY : metric_ == Metric::ndcg ? -trial.score : trial.score);
  }

  /// False where it was cut short: what came of it is not comparable. What cannot be trained with is a trial that
  /// failed, but for the first: that is what was given.
  bool run_rung(const SuccessiveHalving::Job& job, Trial& trial) {
    try {
      return run_epochs(job, trial);
    } catch (const Error& error) {
      const bool of_the_run = error.kind() == ErrorKind::failed || error.kind() == ErrorKind::device;
      if (!of_the_run && (error.kind() != ErrorKind::usage || job.trial == 0)) throw;
      trial.score = NAN;
      trial.failure = error.problem();
    }
    say(job, trial);
    return true;
  }

  bool run_epochs(const SuccessiveHalving::Job& job, Trial& trial) {
    TrainSettings settings = settings_of(request_, trial.values);
    trial.all_epochs = resolve(settings).epochs;
    const int epochs = job.epochs(trial.all_epochs);
    if (trial.rung >= 0 && trial.epochs == epochs) {  // of so few that a third of them is as many
      trial.rung = job.rung;
      return true;
    }
    if (reads(settings.config.algorithm, "epochs")) {
      settings.config.epochs = epochs;
      settings.given.insert("epochs");
    }
    TrainCallbacks callbacks;
    callbacks.stop_requested = [this] { return is_over(); };
    callbacks.epoch = [&](const EpochReport& report) {
      console_.redraw(fmt::format("trial  {} · epoch {}/{} · {}", job.trial + 1, report.epoch, report.epochs,
                                  values_text(trial.values)));
    };
    const TrialResult result = run_trial(settings, data_, metric_, callbacks);
    if (result.reason == StopReason::interrupted) return false;
    trial.rung = job.rung;
    trial.epochs = epochs;
    trial.best_epoch = result.best_epoch;
    trial.config = result.config;
    trial.score = result.of(metric_);
    say(job, trial);
    return true;
  }

  void say(const SuccessiveHalving::Job& job, const Trial& trial) {
    const bool best = ranking().front() == job.trial && std::isfinite(trial.score);
    const std::string score = std::isfinite(trial.score)
                                  ? fmt::format("{} {:.4f}{}", column_of(metric_), trial.score, best ? " ← best" : "")
                                  : trial.failure;
    console_.line("trial", fmt::format("{} · {} of {} epochs · {} · {}", job.trial + 1, trial.epochs, trial.all_epochs,
                                       values_text(trial.values), score));
  }

  const TuneRequest& request_;
  Console& console_;
  const TrialData& data_;
  Metric metric_;
  std::vector<SearchRange> space_;
  std::uint64_t seed_;
  SuccessiveHalving halving_;
  std::vector<Trial> trials_;
  Position draws_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string results_text(const Search& search, Metric metric) {
  std::string text = fmt::format("{:<7}{:<10}{:<8}settings\n", "trial", column_of(metric), "epochs");
  constexpr std::size_t kShown = 20;
  const std::vector<Position> order = search.ranking();
  for (std::size_t place = 0; place < std::min(order.size(), kShown); ++place) {
    const Position n = order[place];
    const Trial& trial = search.trial(n);
    const std::string score = std::isfinite(trial.score) ? fmt::format("{:.4f}", trial.score) : "-";
    text += fmt::format("{:<7}{:<10}{:<8}{}\n", n + 1, score, trial.epochs, values_text(trial.values));
  }
  if (order.size() > kShown) text += fmt::format("and {} more (--json has all)\n", order.size() - kShown);
  return text;
}

std::string trial_json(Position n, const Trial& trial, Metric metric) {
  JsonObject values;
  for (const auto& [key, value] : trial.values) {
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = error == std::errc{} && end == value.data() + value.size() && std::isfinite(number);
    values.raw(key, is_number ? json_number(number) : json_string(value));
  }
  const bool finite = std::isfinite(trial.score);
  JsonObject object;
  object.count("trial", n + 1)
      .number(column_of(metric), finite ? std::optional(trial.score) : std::nullopt)
      .count("epochs", trial.epochs)
      .count("best_epoch", trial.best_epoch)
      .raw("settings", values.str());
  if (!trial.failure.empty() && !finite) object.text("failure", trial.failure);
  return object.str();
}

std::string results_json(const Search& search, Metric metric, const std::string& path) {
  std::string list;
  const std::vector<Position> order = search.ranking();
  for (const Position n : order) list += (list.empty() ? "" : ", ") + trial_json(n, search.trial(n), metric);
  return JsonObject()
      .text("metric", column_of(metric))
      .raw("best", trial_json(order.front(), search.trial(order.front()), metric))
      .raw("trials", '[' + list + ']')
      .text("settings", path)
      .boolean("interrupted", stop_signal() != 0)
      .str();
}

/// What was given of reading and training, and what was found, for train --config.
std::string best_toml(const TuneRequest& request, const Trial& best, Metric metric) {
  std::vector<Setting> kept;
  for (Setting setting : request.settings) {
    const std::string key = setting.key();
    if (const auto drawn = best.values.find(key); drawn != best.values.end()) {
      setting.source = Source::option;
      setting.words = {drawn->second};
    }
    const bool of_reader = setting.group == Group::data && setting.kind != SettingKind::word;
    const bool of_validation = key == "valid" || key == "valid-frac";
    const bool of_training = train_setting(key) != nullptr && reads(best.config.algorithm, key);
    if (of_reader || (of_validation ? validates(best.config) : of_training)) kept.push_back(setting);
  }
  return fmt::format("# warpfactor {} tune: {} {:.6f}, after {} of {}\n[train]\n", WARPFACTOR_VERSION,
                     column_of(metric), best.score, best.best_epoch, plural(best.epochs, "epoch")) +
         given_toml(kept);
}

}  // namespace

int run_verb(const TuneRequest& request, Console& console) {
  const TrainRequest& train = request.train;
  if (train.data == "-" && train.valid == "-") {
    throw UsageError("DATA and --valid are both stdin", "write one of them to a file");
  }
  TrainRequest of_training = train;  // the part that measures is the search's, whatever an algorithm makes of one
  of_training.given.erase("valid-frac");
  of_training.valid.clear();
  const TrainConfig config = resolve_config(of_training);
  const std::string out = request.out.empty() ? stem_of(train.data, "ratings") + ".tuned.toml" : request.out;
  if (out == "-") throw UsageError("--out -: stdout has the table of trials", "name a file");
  check_writable(out);
  for (const std::string& input : {train.data, train.valid, request.space}) refuse_same_file(out, input);
  std::vector<SearchRange> space;
  if (!request.space.empty()) space = read_space_file(request.space);
  check_space(request, space);
  const Metric metric = metric_for(request, config, space);
  end_on_stop_signals();

  OpenedRatings opened = open_ratings(console, train, false, {});
  Dataset& data = opened.source.data;
  print_data(console, opened.about.report, data, data.ratings.size(), config);
  ThreadPool pool(config.threads);
  const double share = train.config.valid_frac;
  const Ratings test =
      opened.source.valid ? std::move(*opened.source.valid) : split_off(data.ratings, share, config.seed, pool);
  if (test.empty() || data.ratings.empty()) {
    throw UsageError("nothing is left to train on or to measure on", "take another --valid-frac, or --valid FILE");
  }
  console.line("split", fmt::format("{} train, {} measure", grouped(data.ratings.size()), grouped(test.size())),
               "--valid-frac, --valid, --seed");
  if (space.empty()) {
    const ValueFacts facts = facts_of(RatingsInMemory(data.ratings.view()), config.threads);
    space = usual_space(request, of_training, {facts.deviation, 0, facts.mean});
  }
  if (space.empty()) throw UsageError("nothing is left to search: all of it is given", "leave out --rank or --lambda");
  std::vector<std::string> ranges;
  ranges.reserve(space.size());
  for (const SearchRange& range : space) ranges.push_back(text_of(range));
  console.line("search", fmt::format("{} · for the best {}", join(ranges, ", "), column_of(metric)),
               "--space, --metric, --budget, --trials");

  remember_stop_signals();
  const TrialData trial_data{data.users,  data.items, data.ratings.view(),
                             test.view(), true,       train.config.positive_from};
  Search search(request, console, trial_data, metric, std::move(space), config.seed);
  search.run();
  console.clear();
  if (search.trials().empty() || !std::isfinite(search.trial(search.ranking().front()).score)) {
    if (stop_signal() != 0) return 128 + stop_signal();
    throw FailedError("no trial was finished", request.budget ? "give a longer --budget" : "try another --space");
  }
  const Trial& best = search.trial(search.ranking().front());
  if (best.epochs < best.all_epochs) {
    console.note(
        fmt::format("the budget was over before a trial was run for all of its {}: the best may have come to more",
                    plural(best.all_epochs, "epoch")));
  }
  OutputFile toml(out);
  toml.write(best_toml(request, best, metric));
  toml.commit();
  OutputFile table("");
  table.write(console.json() ? results_json(search, metric, out) + '\n' : results_text(search, metric));
  table.commit();
  if (stop_signal() != 0) console.note("interrupted: the best of what was finished");
  console.line("saved", out);
  console.line("next", fmt::format("warpfactor train {} --config {}", shell_word(train.data), shell_word(out)));
  return stop_signal() != 0 ? 128 + stop_signal() : 0;
}

}  // namespace wf::cli
