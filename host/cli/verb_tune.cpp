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

using Values = std::map<std::string, std::string>;

struct Trial {
  Values values;  ///< drawn; empty: the defaults and what was given
  int epochs = 0;
  int best_epoch = 0;
  double score = NAN;  ///< of its longest run; NaN: none was finished
  std::string failure;
};

const char* column_of(Metric metric) {
  return metric == Metric::ndcg ? "ndcg@10" : name_of(metric).data();
}

bool is_given(const TuneRequest& request, const std::string& key) {
  return std::any_of(request.settings.begin(), request.settings.end(),
                     [&](const Setting& setting) { return setting.given() && setting.has_key(key); });
}

/// The settings of a trial: what was given, and what was drawn of what its algorithm reads.
TrainSettings settings_of(const TuneRequest& request, Values& values) {
  const auto read = [&] {
    std::vector<OuterValue> all;
    for (const Setting& setting : request.settings) {
      const std::string key = setting.key();
      // the validation part is the search's, whatever an algorithm makes of one
      const bool counts = setting.given() && is_train_setting(key) && key != "valid-frac" && !values.contains(key);
      if (counts) all.push_back({key, setting.words, setting.source, setting.place});
    }
    for (const auto& [key, word] : values) all.push_back({key, {word}, Source::option, ""});
    return read_train_settings(all);
  };
  TrainSettings settings = read();
  const Algorithm algorithm = settings.config.algorithm;
  if (std::erase_if(values, [&](const auto& value) { return !reads(algorithm, value.first); }) > 0) settings = read();
  return settings;
}

/// Around what a training without further settings would take.
std::vector<SearchRange> usual_space(const TuneRequest& request, const TrainSettings& settings,
                                     const RatingScale& scale) {
  TrainConfig config = resolve(settings);
  scale_defaults(config, settings, scale);
  std::vector<SearchRange> space;
  const auto add = [&](const char* key, double from, double to, bool whole = false) {
    const bool varies = !is_given(request, key) && reads(config.algorithm, key) && from > 0;
    if (varies) space.push_back({key, {}, from, to, Scale::log, whole, ""});
  };
  add("rank", 8, 128, true);
  const double lambda = config.lambda_user;
  if (!is_given(request, "lambda-user") && !is_given(request, "lambda-item")) add("lambda", lambda / 10, lambda * 10);
  add("lr", config.lr / 5, config.lr * 5);
  add("unobserved-weight", config.unobserved_weight / 10, config.unobserved_weight * 10);
  return space;
}

std::string text_of(const SearchRange& range) {
  if (!range.choices.empty()) return fmt::format("{} {}", range.key, join(range.choices, "|"));
  return fmt::format("{} {:.4g} to {:.4g}{}", range.key, range.from, range.to, range.scale == Scale::log ? " log" : "");
}

/// Are all values of the space such that a training takes them? Says so before the first one is drawn.
void check_space(const TuneRequest& request, const std::vector<SearchRange>& space) {
  for (const SearchRange& range : space) {
    std::vector<std::string> ends = range.choices;
    if (ends.empty()) ends = {fmt::format("{}", range.from), fmt::format("{}", range.to)};
    for (const std::string& end : ends) {
      try {
        read_train_settings({{range.key, {end}, Source::file, range.place}});
      } catch (const Error& error) {
        throw Error(ErrorKind::usage, error.problem(), error.cure(), range.place);
      }
    }
    if (is_given(request, range.key)) {
      throw Error(ErrorKind::usage, fmt::format("{} is searched, and given as well", range.key),
                  "leave it out of one of them", range.place);
    }
  }
}

/// Is any model of the space one that puts items in order, and estimates nothing?
Metric metric_for(const TuneRequest& request, const TrainConfig& config, const std::vector<SearchRange>& space) {
  if (request.metric) return *request.metric;
  Metric metric = usual_metric(config);
  for (const SearchRange& range : space) {
    for (const std::string& choice : range.choices) {
      TrainConfig chosen = config;
      if (range.key == "algorithm") chosen.algorithm = parse_word<Algorithm>(range.key, choice);
      if (range.key == "loss") chosen.loss = read_train_settings({{"loss", {choice}}}).config.loss;
      if (usual_metric(chosen) == Metric::ndcg) metric = Metric::ndcg;
    }
  }
  return metric;
}

std::string values_text(const Values& values) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const auto& [key, value] : values) words.push_back(key + ' ' + value);
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

  /// Until the budget is over, the trials are through, or someone stops it.
  void run() {
    while (!is_over()) {
      const auto job = halving_.next();
      if (!job) return;
      if (job->trial == static_cast<Position>(trials_.size())) begin_trial(job->trial);
      run_job(*job);
    }
  }

  const std::vector<Trial>& trials() const { return trials_; }

  /// Best first; those without a score last.
  std::vector<Position> ranking() const {
    std::vector<Position> order(trials_.size());
    for (std::size_t n = 0; n < order.size(); ++n) order[n] = static_cast<Position>(n);
    std::stable_sort(order.begin(), order.end(),
                     [&](Position a, Position b) { return is_better(metric_, trial(a).score, trial(b).score); });
    return order;
  }
  const Trial& trial(Position n) const { return trials_[static_cast<std::size_t>(n)]; }

 private:
  /// The first one is without drawn values: what is found is no worse.
  void begin_trial(Position trial) {
    trials_.emplace_back();
    if (trial > 0) trials_.back().values = drawn_settings(space_, seed_, trial);
  }

  bool is_over() const {
    if (stop_signal() != 0) return true;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    return request_.budget && passed.count() >= *request_.budget;
  }

  void run_job(const SuccessiveHalving::Job& job) {
    Trial& trial = trials_[static_cast<std::size_t>(job.trial)];
    TrainSettings settings = settings_of(request_, trial.values);
    const int all = resolve(settings).epochs;
    settings.config.epochs = job.epochs(all);
    settings.given.insert("epochs");
    if (trial.epochs != settings.config.epochs || !std::isfinite(trial.score)) {
      if (!run_trial_of(job, trial, settings)) return;
      say(job, trial, all);
    }
    const bool finite = std::isfinite(trial.score);
    halving_.report(job, !finite ? INFINITY : metric_ == Metric::ndcg ? -trial.score : trial.score);
  }

  /// False where it was cut short: what came of it is not comparable.
  bool run_trial_of(const SuccessiveHalving::Job& job, Trial& trial, const TrainSettings& settings) {
    TrainCallbacks callbacks;
    callbacks.stop_requested = [this] { return is_over(); };
    callbacks.epoch = [&](const EpochReport& report) {
      console_.redraw(fmt::format("trial  {} · epoch {}/{} · {}", job.trial + 1, report.epoch, report.epochs,
                                  values_text(trial.values)));
    };
    try {
      const TrialResult result = run_trial(settings, data_, metric_, callbacks);
      if (result.reason == StopReason::interrupted) return false;
      trial.epochs = settings.config.epochs;
      trial.best_epoch = result.best_epoch;
      trial.score = result.of(metric_);
    } catch (const FailedError& error) {
      trial.epochs = settings.config.epochs;
      trial.failure = error.problem();
    }
    return true;
  }

  void say(const SuccessiveHalving::Job& job, const Trial& trial, int all) {
    const bool best = ranking().front() == job.trial && std::isfinite(trial.score);
    const std::string score = std::isfinite(trial.score)
                                  ? fmt::format("{} {:.4f}{}", column_of(metric_), trial.score, best ? " ← best" : "")
                                  : trial.failure;
    console_.line("trial", fmt::format("{} · {} of {} epochs · {} · {}", job.trial + 1, trial.epochs, all,
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
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string results_text(const Search& search, Metric metric) {
  std::string text = fmt::format("{:<7}{:<10}{:<8}settings\n", "trial", column_of(metric), "epochs");
  for (const Position n : search.ranking()) {
    const Trial& trial = search.trial(n);
    const std::string score = std::isfinite(trial.score) ? fmt::format("{:.4f}", trial.score) : "-";
    text += fmt::format("{:<7}{:<10}{:<8}{}\n", n + 1, score, trial.epochs, values_text(trial.values));
  }
  return text;
}

std::string trial_json(Position n, const Trial& trial, Metric metric) {
  JsonObject values;
  for (const auto& [key, value] : trial.values) {
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = error == std::errc{} && end == value.data() + value.size() && std::isfinite(number);
    values.raw(key, is_number ? value : json_string(value));
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
    if (is_train_setting(key) || of_reader || key == "valid") kept.push_back(setting);
  }
  return fmt::format("# warpfactor {} tune: {} {:.6f}, after {} of {}\n[train]\n", WARPFACTOR_VERSION,
                     column_of(metric), best.score, best.best_epoch, plural(best.epochs, "epoch")) +
         given_toml(kept);
}

void check_metric(Metric metric, const TrainConfig& config) {
  if (metric == Metric::ndcg || usual_metric(config) != Metric::ndcg || is_pairwise(config.loss)) return;
  throw UsageError(fmt::format("--metric {} is of ratings, and --algorithm {} estimates none", name_of(metric),
                               name_of(config.algorithm)),
                   "take --metric ndcg");
}

}  // namespace

int run_verb(const TuneRequest& request, Console& console) {
  TrainRequest train = request.train;
  train.given.erase("valid-frac");
  TrainConfig config = resolve_config(train);
  const std::string out = request.out.empty() ? stem_of(train.data, "ratings") + ".tuned.toml" : request.out;
  check_writable(out);
  for (const std::string& input : {train.data, train.valid, request.space}) refuse_same_file(out, input);
  std::vector<SearchRange> space;
  if (!request.space.empty()) space = read_space_file(request.space);
  check_space(request, space);
  end_on_stop_signals();

  OpenedRatings opened = open_ratings(console, train, false);
  Dataset& data = opened.source.data;
  print_data(console, opened.about.report, data, config);
  ThreadPool pool(config.threads);
  const double share = request.train.config.valid_frac;
  const Ratings test =
      opened.source.valid ? std::move(*opened.source.valid) : split_off(data.ratings, share, config.seed, pool);
  if (test.empty() || data.ratings.empty()) {
    throw UsageError("nothing is left to train on or to measure on", "take another --valid-frac, or --valid FILE");
  }
  console.line("split", fmt::format("{} train, {} measure", grouped(data.ratings.size()), grouped(test.size())),
               "--valid-frac, --valid, --seed");
  if (space.empty()) {
    const ValueFacts facts = facts_of(RatingsInMemory(data.ratings.view()), config.threads);
    space = usual_space(request, train, {facts.deviation, 0, facts.mean});
  }
  if (space.empty()) throw UsageError("nothing is left to search: all of it is given", "leave out --rank or --lambda");
  const Metric metric = metric_for(request, config, space);
  check_metric(metric, config);
  std::vector<std::string> ranges;
  for (const SearchRange& range : space) ranges.push_back(text_of(range));
  console.line("search", fmt::format("{} · for the best {}", join(ranges, ", "), column_of(metric)),
               "--space, --metric, --budget, --trials");

  remember_stop_signals();
  const TrialData trial_data{data.users.size(), data.items.size(), data.ratings.view(), test.view(), true};
  Search search(request, console, trial_data, metric, std::move(space), config.seed);
  search.run();
  console.clear();
  if (search.trials().empty() || !std::isfinite(search.trial(search.ranking().front()).score)) {
    if (stop_signal() != 0) return 128 + stop_signal();
    throw FailedError("no trial was finished", request.budget ? "give a longer --budget" : "try another --space");
  }
  const Trial& best = search.trial(search.ranking().front());
  OutputFile toml(out);
  toml.write(best_toml(request, best, metric));
  toml.commit();
  OutputFile table("");
  table.write(console.json() ? results_json(search, metric, out) + '\n' : results_text(search, metric));
  table.commit();
  console.line("saved", out);
  console.line("next", fmt::format("warpfactor train {} --config {}", shell_word(train.data), shell_word(out)));
  return stop_signal() != 0 ? 128 + stop_signal() : 0;
}

}  // namespace wf::cli
