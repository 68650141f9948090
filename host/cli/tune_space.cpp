#include "host/cli/tune_space.hpp"

#include "host/base/error.hpp"
#include "host/config/names.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace wf::cli {
namespace {

bool is_given(const TuneRequest& request, const std::string& key) {
  return std::any_of(request.settings.begin(), request.settings.end(),
                     [&](const Setting& setting) { return setting.given() && setting.has_key(key); });
}

/// ndcg where any model of the space is one that puts items in order, and estimates nothing.
Metric usual_metric_of(const TrainConfig& config, const std::vector<SearchRange>& space) {
  if (usual_metric(config) == Metric::ndcg) return Metric::ndcg;
  for (const SearchRange& range : space) {
    for (const std::string& choice : range.choices) {
      TrainConfig chosen = config;
      if (range.key == "algorithm") chosen.algorithm = parse_word<Algorithm>(range.key, choice);
      if (range.key == "loss") chosen.loss = read_train_settings({{"loss", {choice}}}).config.loss;
      if (range.key == "missing") chosen.missing = parse_word<Missing>(range.key, choice);
      if (usual_metric(chosen) == Metric::ndcg) return Metric::ndcg;
    }
  }
  return Metric::rmse;
}

}  // namespace

TrainSettings settings_of(const TuneRequest& request, DrawnValues& values) {
  const bool draws_algorithm = values.contains("algorithm");
  std::set<std::string> unread;
  const auto read = [&] {
    std::vector<OuterValue> all;
    for (const Setting& setting : request.settings) {
      const std::string key = setting.key();
      // the validation part is the search's, whatever an algorithm makes of one
      const bool counts = setting.given() && train_setting(key) != nullptr && key != "valid-frac";
      if (!counts || values.contains(key) || unread.contains(key)) continue;
      all.push_back({key, setting.words, setting.source, setting.place});
    }
    for (const auto& [key, word] : values) all.push_back({key, {word}, Source::option, ""});
    return read_train_settings(all);
  };
  const TrainSettings first = read();
  const Algorithm algorithm = first.config.algorithm;
  std::erase_if(values, [&](const auto& value) { return !reads(algorithm, value.first); });
  if (draws_algorithm) unread = unread_options(algorithm);
  return read();
}

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

void check_space(const TuneRequest& request, std::vector<SearchRange>& space) {
  const auto refuse = [](const SearchRange& range, const std::string& what, const std::string& cure) {
    throw Error(ErrorKind::usage, what, cure, range.place);
  };
  std::set<std::string> keys;
  for (SearchRange& range : space) {
    std::vector<std::string> ends = range.choices;
    if (ends.empty()) ends = {fmt::format("{}", range.from), fmt::format("{}", range.to)};
    for (const std::string& end : ends) {
      try {
        read_train_settings({{range.key, {end}, Source::file, range.place}});
      } catch (const Error& error) {
        refuse(range, error.problem(), error.cure());
      }
    }
    const Setting* row = train_setting(range.key);
    const std::string key = row->key();
    if (range.key == "no-" + key)
      refuse(range, fmt::format("{} is the opposite of {}", range.key, key), "search " + key);
    range.key = key;
    range.whole = row->metavar[0] == 'N';  // { from = 1, to = 10 } may be of a real number
    for (const char* fixed : {"valid-frac", "seed", "engine", "threads", "device-memory"}) {
      if (key == fixed) refuse(range, fmt::format("{} does not change how good a model is", key), "leave it out");
    }
    if (!keys.insert(key).second) refuse(range, fmt::format("{} is searched twice", key), "give it once");
    if (is_given(request, key)) {
      refuse(range, fmt::format("{} is searched, and given as well", key), "leave it out of one of them");
    }
  }
}

Metric metric_for(const TuneRequest& request, const TrainConfig& config, const std::vector<SearchRange>& space) {
  const Metric usual = usual_metric_of(config, space);
  const Metric metric = request.metric.value_or(usual);
  if (metric != Metric::ndcg && usual == Metric::ndcg) {
    throw UsageError(
        fmt::format("--metric {} is of ratings, and not all that is searched estimates them", name_of(metric)),
        "take --metric ndcg");
  }
  return metric;
}

}  // namespace wf::cli
