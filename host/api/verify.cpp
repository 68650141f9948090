#include "host/api/verify.hpp"

#include "host/base/error.hpp"
#include "host/schedule/permutation.hpp"
#include "host/schedule/row_groups.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace wf {
namespace {

/// What the reference did in one phase of one step.
struct Recorded {
  Position step;
  std::string phase;
  std::vector<RowId> rows;
  std::vector<float> values;
};

std::vector<float> plain(const Rows<const float, Host>& table) {
  std::vector<float> values;
  for (Position r = 0; r < table.count; ++r) values.insert(values.end(), table.row(r), table.row(r) + table.rank);
  return values;
}

class Comparison {
 public:
  Comparison(Position terms, const VerifyPlan& plan)
      : terms_(terms), tolerance_(plan.tolerance), by_optimizer_(allowed_by_optimizer(plan.config)) {}

  void note_mismatch(const std::string& phase, const std::string& text) {
    ComparedPhase& result = phase_of(phase);
    if (result.mismatch.empty()) result.mismatch = text;
  }

  /// `rows` names the rows of `actual`; empty: 0, 1, 2, ...
  void compare(const std::string& phase, Position step, Span<const RowId, Host> rows,
               const std::vector<float>& expected, const Rows<const float, Host>& actual) {
    ComparedPhase& result = phase_of(phase);
    result.allowed = tolerance_.value_or(allowed_difference(terms_, step) + by_optimizer_);
    double largest = 0;
    for (const float value : expected) largest = std::max(largest, std::fabs(static_cast<double>(value)));
    const std::vector<float> values = plain(actual);
    if (values.size() != expected.size()) note_mismatch(phase, "another number of values");
    for (std::size_t n = 0; n < std::min(values.size(), expected.size()); ++n) {
      const auto row = static_cast<Position>(n) / actual.rank;
      const ComparedPlace place{step, rows.empty() ? row : rows[row],
                                static_cast<int>(static_cast<Position>(n) - row * actual.rank), expected[n], values[n]};
      add(result, place, largest);
    }
  }

  std::vector<ComparedPhase> take() { return std::move(phases_); }

 private:
  ComparedPhase& phase_of(const std::string& name) {
    const auto found =
        std::find_if(phases_.begin(), phases_.end(), [&](const ComparedPhase& phase) { return phase.name == name; });
    if (found != phases_.end()) return *found;
    phases_.push_back({});
    phases_.back().name = name;
    return phases_.back();
  }
  static void add(ComparedPhase& result, const ComparedPlace& place, double largest) {
    ++result.values;
    double difference = std::fabs(static_cast<double>(place.actual) - static_cast<double>(place.expected));
    if (std::isnan(difference)) difference = INFINITY;
    const double relative = difference == 0 ? 0 : difference / largest;
    if (relative > result.largest_relative) result.worst = place;
    result.largest_absolute = std::max(result.largest_absolute, difference);
    result.largest_relative = std::max(result.largest_relative, relative);
    if (!(relative <= result.allowed) && !result.first_apart) result.first_apart = place;
  }

  Position terms_;
  std::optional<double> tolerance_;
  double by_optimizer_;
  std::vector<ComparedPhase> phases_;
};

/// `count` ratings drawn by (seed), with rows numbered anew in order of appearance: tables as small as the steps need.
/// Drawn, because files are often sorted by user, and a batch of one user alone is no typical step.
struct Sample {
  Ratings ratings;
  Position n_users = 0, n_items = 0;
};

Sample sample_of(const RatingsView<Host>& all, Position count, std::uint64_t seed) {
  Sample sample;
  HostBuffer<Position> order(all.size());
  std::iota(order.begin(), order.end(), Position{0});
  shuffle(order.data(), order.size(), seed, Purpose::shuffle);
  std::unordered_map<RowId, RowId> users, items;
  const auto number = [](std::unordered_map<RowId, RowId>& rows, RowId row) {
    return rows.emplace(row, static_cast<RowId>(rows.size())).first->second;
  };
  for (Position m = 0; m < std::min(count, all.size()); ++m) {
    const Position n = order[m];
    sample.ratings.push_back(number(users, all.user[n]), number(items, all.item[n]), all.value[n]);
  }
  sample.n_users = static_cast<Position>(users.size());
  sample.n_items = static_cast<Position>(items.size());
  return sample;
}

Model start_model(const Sample& sample, const TrainConfig& config) {
  Model model = make_model(sample.n_users, sample.n_items, config.rank, config.biases);
  initialise(model, config.init, config.seed, config.user_padding, config.item_padding);
  model.norm_limit = config.norm_limit;
  set_rating_facts(model, facts_of(RatingsInMemory(sample.ratings.view())), config);
  return model;
}

Position busiest_row(const Sample& sample) {
  Position busiest = 0;
  for (const auto& [rows, count] :
       {std::pair{sample.ratings.user.span(), sample.n_users}, std::pair{sample.ratings.item.span(), sample.n_items}}) {
    RowGrouper grouper;
    const RowGroups<Host> groups = grouper.group(rows, count);
    for (Position g = 0; g < groups.rows.size; ++g) {
      busiest = std::max<Position>(busiest, groups.starts[g + 1] - groups.starts[g]);
    }
  }
  return busiest;
}

/// Products that go into one value: of a dot product, or of the busiest row's gradient.
Position terms_of(const Sample& sample, const TrainConfig& config) {
  return config.rank + std::min(busiest_row(sample), std::max<Position>(config.batch_size, 1));
}

/// What the reference leaves behind is kept for all steps.
void check_recording(const Sample& sample, const TrainConfig& config, int steps) {
  constexpr double kMost = 4e9;  // bytes
  const double of_step = 4.0 * static_cast<double>(config.rank) *
                         static_cast<double>(sample.n_users + sample.n_items + 2 * config.batch_size);
  if (of_step * steps <= kMost) return;
  throw UsageError(std::to_string(steps) + " steps of this size would take more than 4 GB to compare",
                   "--steps " + std::to_string(std::max(1, static_cast<int>(kMost / of_step))) +
                       ", or a smaller --rank or --batch-size");
}

Model train_batches(Engine& engine, const Sample& sample, const TrainConfig& config,
                    const std::function<void(const PhaseValues&)>& phase) {
  Model model = start_model(sample, config);
  TrainCallbacks callbacks;
  callbacks.phase = phase;
  engine.train(model, sample.ratings.clone(), {}, config, callbacks);
  return model;
}

void compare_batches(Engine& reference, Engine& engine, const Sample& sample, const TrainConfig& config,
                     Comparison& comparison) {
  std::vector<Recorded> record;
  train_batches(reference, sample, config, [&](const PhaseValues& seen) {
    record.push_back({seen.step, seen.phase, {seen.rows.begin(), seen.rows.end()}, plain(seen.values)});
  });
  std::size_t next = 0;
  train_batches(engine, sample, config, [&](const PhaseValues& seen) {
    if (next >= record.size()) return comparison.note_mismatch(seen.phase, "the reference has no such step");
    const Recorded& expected = record[next++];
    if (expected.phase != seen.phase || expected.step != seen.step) {
      return comparison.note_mismatch(
          seen.phase, "the reference is at " + expected.phase + " of step " + std::to_string(expected.step));
    }
    if (!std::equal(seen.rows.begin(), seen.rows.end(), expected.rows.begin(), expected.rows.end())) {
      comparison.note_mismatch(seen.phase, "other rows in step " + std::to_string(seen.step));
    }
    comparison.compare(seen.phase, seen.step, seen.rows, expected.values, seen.values);
  });
  if (next < record.size()) comparison.note_mismatch(record[next].phase, "missing from here on");
}

/// Of ratings that share a row only the first: where no step can be lost, an engine without an order has one result.
void keep_apart(Sample& sample) {
  std::vector<bool> user_taken(static_cast<std::size_t>(sample.n_users));
  std::vector<bool> item_taken(static_cast<std::size_t>(sample.n_items));
  const Ratings all = std::exchange(sample.ratings, {});
  for (Position n = 0; n < all.size(); ++n) {
    auto user = user_taken[static_cast<std::size_t>(all.user[n])];
    auto item = item_taken[static_cast<std::size_t>(all.item[n])];
    if (user || item) continue;
    user = item = true;
    sample.ratings.push_back(all.user[n], all.item[n], all.value[n]);
  }
}

/// A sweep of least squares, explicit and implicit. With lambda 1 by count no row's equations have a condition number
/// above the number of its ratings, give or take the length of a row, by which rounding may then grow.
void compare_rows(Engine& reference, Engine& engine, const Sample& sample, TrainConfig config, Comparison& comparison) {
  config.batch_size = 0;
  config.epochs = 1;
  config.loss = Loss::mse;
  config.norm_limit = {};
  config.reg_scaling = RegScaling::count;
  config.lambda_user = config.lambda_item = config.lambda_bias = 1;
  const Position busiest = busiest_row(sample), carried = checked_product(busiest, busiest);
  for (const Algorithm algorithm : {Algorithm::als, Algorithm::ials}) {
    const bool implicit = algorithm == Algorithm::ials;
    config.algorithm = algorithm;
    config.biases = config.biases && !implicit;
    Model expected = start_model(sample, config), actual = start_model(sample, config);
    reference.train(expected, sample.ratings.clone(), {}, config, {});
    engine.train(actual, sample.ratings.clone(), {}, config, {});
    const auto table = [&](const char* name, const HostBuffer<float>& theirs, const HostBuffer<float>& ours,
                           int width) {
      if (theirs.empty()) return;
      comparison.compare(name, carried, {}, {theirs.begin(), theirs.end()},
                         {ours.data(), ours.size() / width, width, width});
    };
    table(implicit ? "ials user factors" : "als user factors", expected.tables.user_factors, actual.tables.user_factors,
          expected.rank);
    table(implicit ? "ials item factors" : "als item factors", expected.tables.item_factors, actual.tables.item_factors,
          expected.rank);
    table("als user biases", expected.tables.user_biases, actual.tables.user_biases, 1);
    table("als item biases", expected.tables.item_biases, actual.tables.item_biases, 1);
  }
}

/// One step per rating; then everything a trained model is asked for.
void compare_ratings(Engine& reference, Engine& engine, Sample& sample, TrainConfig config, Comparison& comparison) {
  config.batch_size = 0;
  config.lr = TrainConfig{}.lr;  // a mini-batch's is of another size
  config.epochs = 1;
  if (engine.grid_wish().in_block == BlockOrder::by_user) {
    keep_apart(sample);
    config.epochs = 3;  // rows carry something from step to step all the same
  }
  config.norm_limit = {};
  config.shuffle = Shuffle::epoch;  // blocks of one grid for both, several at once
  config.grid = static_cast<int>(std::min<Position>({4, sample.n_users, sample.n_items}));
  Model expected = start_model(sample, config);
  Model actual = start_model(sample, config);
  reference.train(expected, sample.ratings.clone(), {}, config, {});
  engine.train(actual, sample.ratings.clone(), {}, config, {});
  const Position n_ratings = sample.ratings.size();
  Position carried = busiest_row(sample) * config.epochs;  // the steps that a row's rounding errors go through
  const auto table = [&](const char* name, const HostBuffer<float>& theirs, const HostBuffer<float>& ours, int width) {
    if (theirs.empty()) return;
    comparison.compare(name, carried, {}, {theirs.begin(), theirs.end()},
                       {ours.data(), ours.size() / width, width, width});
  };
  table("per-rating user factors", expected.tables.user_factors, actual.tables.user_factors, expected.rank);
  table("per-rating item factors", expected.tables.item_factors, actual.tables.item_factors, expected.rank);
  table("per-rating user biases", expected.tables.user_biases, actual.tables.user_biases, 1);
  table("per-rating item biases", expected.tables.item_biases, actual.tables.item_biases, 1);

  carried = 1;  // from here on both answer from one model
  const RatingsView<Host> ratings = sample.ratings.view();
  const auto theirs = reference.open(expected), ours = engine.open(expected);
  HostBuffer<float> expected_scores(n_ratings), scores(n_ratings);
  theirs->predict(ratings.user, ratings.item, expected_scores.span());
  ours->predict(ratings.user, ratings.item, scores.span());
  table("predictions", expected_scores, scores, 1);
  const auto errors = [&](Scorer& scorer) {
    const ErrorSums sums = scorer.errors(ratings, config.loss);
    HostBuffer<float> both;
    both.push_back(static_cast<float>(sums.rmse()));
    both.push_back(static_cast<float>(sums.mae()));
    return both;
  };
  table("RMSE and MAE", errors(*theirs), errors(*ours), 1);

  const Position users = std::min<Position>(sample.n_users, 8);
  std::vector<RowId> rows(static_cast<std::size_t>(users));
  std::iota(rows.begin(), rows.end(), 0);
  const auto n_items = static_cast<int>(sample.n_items);
  const auto all = [&](Scorer& scorer) {
    HostBuffer<float> values(users * n_items);
    scorer.score_items({rows.data(), users}, {values.data(), users, n_items, n_items});
    return values;
  };
  table("scores of all items", all(*theirs), all(*ours), n_items);
}

}  // namespace

double allowed_difference(Position terms, Position step) {
  constexpr double kBothSides = 2;
  return kBothSides * 0x1p-24 * static_cast<double>(terms) *
         std::sqrt(static_cast<double>(std::max<Position>(step, 1)));
}

double allowed_by_optimizer(const TrainConfig& config) {
  return config.optimizer == Optimizer::sgd ? 0 : 2 * config.lr;
}

std::vector<ComparedPhase> verify(Engine& reference, Engine& engine, const RatingsView<Host>& ratings,
                                  const VerifyPlan& plan) {
  TrainConfig config = plan.config;
  Sample sample = sample_of(ratings, checked_product(config.batch_size, plan.steps), config.seed);
  const Position per_epoch = (sample.ratings.size() + config.batch_size - 1) / config.batch_size;
  config.epochs = static_cast<int>((plan.steps + per_epoch - 1) / per_epoch);
  config.shuffle = Shuffle::none;
  config.early_stopping = false;
  check_recording(sample, config, plan.steps);
  Comparison comparison(terms_of(sample, config), plan);
  compare_batches(reference, engine, sample, config, comparison);
  compare_rows(reference, engine, sample, config, comparison);
  compare_ratings(reference, engine, sample, config, comparison);
  return comparison.take();
}

}  // namespace wf
