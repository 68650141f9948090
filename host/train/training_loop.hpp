// The training loop, once for all kernel sets and both ways of stepping: epochs, validation, the best epoch, stopping.
#pragma once
#include "host/base/error.hpp"
#include "host/base/stopwatch.hpp"
#include "host/kernels/contract.hpp"
#include "host/train/divergence.hpp"
#include "host/train/early_stopping.hpp"
#include "host/train/learning_rate.hpp"
#include "host/train/memory_plan.hpp"
#include "host/train/minibatch.hpp"
#include "host/train/rating_sgd.hpp"
#include "host/train/space_tables.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

namespace wf {

/// How a model's scores are formed, and with which loss its errors are measured.
inline ScoreOptions score_options(const Model& model, Loss loss) {
  return {model.norm_limit, static_cast<float>(model.rating_mean.value_or(0)), loss};
}

template <KernelSet K>
ErrorSums errors_of(K& kernels, const ModelView<const float, typename K::Space>& model, const ScoreOptions& options,
                    const RatingsView<Host>& ratings, Position at_once = kStagedRatings) {
  for (Position first = 0; first < ratings.size(); first += at_once) {
    const Position count = std::min(at_once, ratings.size() - first);
    kernels.rating_errors(model, options, kernels.stage(ratings.part(first, count)));
  }
  return kernels.take_errors();
}

/// Calls TrainCallbacks::progress at most ten times a second.
class ProgressReporter {
 public:
  ProgressReporter(const TrainCallbacks& callbacks, int epoch, Position total)
      : callbacks_(callbacks), epoch_(epoch), total_(total) {}

  /// False when a stop was requested.
  bool report(Position done) {
    if (callbacks_.progress && seconds_since(last_) >= 0.1) {
      last_ = std::chrono::steady_clock::now();
      callbacks_.progress(epoch_, static_cast<double>(done) / static_cast<double>(total_),
                          static_cast<double>(done) / seconds_since(start_));
    }
    return !callbacks_.stops_now();
  }

 private:
  const TrainCallbacks& callbacks_;
  int epoch_;
  Position total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = start_;
};

/// Where a training stands between two epochs, beside its tables.
template <class Method>
struct LoopState {
  TrainResult& result;
  LearningRate& rate;
  EarlyStopping& stopping;
  Method& method;

  template <class Visit>
  void visit(Visit&& visit) {
    visit("best_epoch", result.best_epoch);
    rate.state(visit);
    stopping.state(visit);
    method.state(visit);
  }
};

inline constexpr const char* kTables = "tables.";
inline constexpr const char* kBestTables = "best.";
inline constexpr const char* kNotFinite =
    "factors, or what the optimizer remembers of them, are no longer finite numbers";

/// Throws FailedError where tables that are a training's end are not finite. On a device the model's writer sees it.
template <class Memory, class TablesOf>
void check_finite(TablesOf& tables, const TrainResult& result, const TrainCallbacks& callbacks) {
  if constexpr (std::is_same_v<typename Memory::Space, Host>) {
    FiniteState state;
    tables.state(state, kTables);
    if (callbacks.anywhere(!state.finite()) && !result.epochs.empty())
      throw divergence_error(result.epochs.back(), kNotFinite);
  }
}

/// The tables of the state to go on from, where there is one: before a method that looks at them is made.
template <class Memory, class TablesOf>
void begin_tables(Memory& memory, const TrainCallbacks& callbacks, TablesOf& tables) {
  if (callbacks.begin_from != nullptr) tables.state(StateLoader<Memory>(memory, *callbacks.begin_from), kTables);
}

/// The rest of that state. Returns its epoch. The best epoch's tables are kept where they are not those of the last.
template <class Memory, class TablesOf, class Method>
int resume(Memory& memory, TrainingState& from, const TablesOf& tables, TablesOf& best, LoopState<Method> loop) {
  StateLoader<Memory> load(memory, from);
  loop.visit(load);
  if (loop.result.best_epoch < 0 || loop.result.best_epoch > from.epoch) {
    throw FailedError("the state to go on from is of epoch " + std::to_string(from.epoch) + ", and its best epoch is " +
                          std::to_string(loop.result.best_epoch),
                      "it is no state of a training: begin afresh");
  }
  if (loop.result.best_epoch > 0) {
    tables.copy_to(memory, best);
    if (loop.result.best_epoch < from.epoch) best.state(load, kBestTables);
  }
  check_all_taken(from);
  loop.result.epochs = std::move(from.epochs);
  return from.epoch;
}

template <class Memory, class TablesOf, class Method>
void save_state(Memory& memory, int epoch, TablesOf& tables, TablesOf& best, LoopState<Method> loop,
                const TrainCallbacks& callbacks) {
  TrainingState state;
  state.epoch = epoch;
  state.epochs = loop.result.epochs;
  StateSaver<Memory> save(memory, state);
  tables.state(save, kTables);
  loop.visit(save);
  if (loop.result.best_epoch > 0 && loop.result.best_epoch < epoch) best.state(save, kBestTables);
  if (callbacks.anywhere(!all_finite(state))) throw divergence_error(loop.result.epochs.back(), kNotFinite);
  callbacks.checkpoint(state);
}

/// Runs `run_epoch(epoch, lr) -> ErrorSums` until the epochs are done, patience is at its end, a stop is requested or
/// it diverges. The tables then hold the best epoch by `validate() -> ErrorSums` of `n_valid` ratings. Without any, and
/// with a loss of pairs, they hold the last one, or of a run that diverged the one with the lowest training loss.
/// `best` is where the best epoch is kept. Throws FailedError where a run diverges that has none to go back to.
/// `memory`: where the tables are, and what `method` remembers from epoch to epoch.
template <class Memory, class TablesOf, class Method, class RunEpoch, class Validate>
TrainResult run_epochs(Memory& memory, TablesOf& tables, TablesOf& best, Method& method, Position n_train,
                       Position n_valid, const TrainConfig& config, const TrainCallbacks& callbacks,
                       const RunEpoch& run_epoch, const Validate& validate) {
  TrainResult result;
  LearningRate rate(config.lr_schedule, config.lr, config.lr_decay);
  const bool chooses = chooses_best(config, n_valid);
  EarlyStopping stopping(config.patience, chooses ? config.min_delta : 0);
  const LoopState<Method> loop{result, rate, stopping, method};
  const auto out_of_patience = [&] { return chooses && config.early_stopping && stopping.exhausted(); };

  int done = 0;
  if (callbacks.begin_from != nullptr) done = resume(memory, *callbacks.begin_from, tables, best, loop);
  for (EpochReport& report : result.epochs) report.epochs = config.epochs;  // more than then, maybe
  if (out_of_patience()) result.reason = StopReason::early;
  for (int epoch = done + 1; epoch <= config.epochs && result.reason == StopReason::all_epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    EpochReport report;
    report.epoch = epoch;
    report.epochs = config.epochs;
    report.lr = rate.of_epoch(epoch);
    report.ratings = n_train;
    const ErrorSums sums = run_epoch(epoch, report.lr);
    report.seconds = seconds_since(start);
    report.train_loss = sums.mean_loss();
    report.train_rmse = sums.rmse();
    report.skipped = sums.skipped;
    if (sums.count + sums.skipped <
        n_train) {  // stopped in the middle: this epoch was not measured and cannot be called the best
      result.reason = StopReason::interrupted;
      result.partial_epoch = !chooses || result.best_epoch == 0;
      break;
    }
    rate.observe(sums.loss);

    if (n_valid > 0) {
      const ErrorSums errors = validate();
      report.valid_loss = errors.mean_loss();
      report.valid_rmse = errors.rmse();
      report.valid_mae = errors.mae();
    }
    if (const std::string what = divergence_of(report, result.epochs); !what.empty()) {
      const FailedError error = divergence_error(report, what);
      if (result.best_epoch == 0) throw error;  // no tables to go back to
      result.reason = StopReason::diverged;
      result.divergence = {error.problem(), error.cure()};
      break;
    }
    const bool better = stopping.observe(epoch, chooses ? *report.valid_loss : report.train_loss);
    report.best = better || !chooses;
    if (better) result.best_epoch = epoch;
    if (better && (chooses || epoch < config.epochs)) tables.copy_to(memory, best);
    result.epochs.push_back(report);
    if (callbacks.epoch) callbacks.epoch(report);
    if (callbacks.stops_after_epoch()) {
      result.reason = StopReason::interrupted;
    } else if (out_of_patience()) {
      result.reason = StopReason::early;
    }
    const bool last = epoch == config.epochs || result.reason != StopReason::all_epochs;
    if (callbacks.wants_checkpoint(epoch, last)) save_state(memory, epoch, tables, best, loop, callbacks);
  }
  if (chooses || result.reason == StopReason::diverged) {
    if (result.best_epoch > 0) std::swap(tables, best);
  } else {
    result.best_epoch = static_cast<int>(result.epochs.size());
  }
  check_finite<Memory>(tables, result, callbacks);
  return result;
}

}  // namespace wf
