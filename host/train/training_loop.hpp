// The training loop, once for all kernel sets and both ways of stepping: epochs, validation, the best epoch, stopping.
#pragma once
#include "host/base/error.hpp"
#include "host/base/json_text.hpp"
#include "host/kernels/contract.hpp"
#include "host/train/early_stopping.hpp"
#include "host/train/learning_rate.hpp"
#include "host/train/memory_plan.hpp"
#include "host/train/minibatch.hpp"
#include "host/train/rating_sgd.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace wf {

/// The model's tables in the memory of a kernel set.
template <KernelSet K>
class SpaceTables {
 public:
  using Space = typename K::Space;

  SpaceTables() = default;
  SpaceTables(K& kernels, Model& model)
      : user_factors_(kernels.to_space(std::move(model.tables.user_factors))),
        item_factors_(kernels.to_space(std::move(model.tables.item_factors))),
        user_biases_(kernels.to_space(std::move(model.tables.user_biases))),
        item_biases_(kernels.to_space(std::move(model.tables.item_biases))),
        rank_(model.rank) {}

  void to_host(K& kernels, Model& model) {
    model.tables = {kernels.to_host(std::move(user_factors_)), kernels.to_host(std::move(item_factors_)),
                    kernels.to_host(std::move(user_biases_)), kernels.to_host(std::move(item_biases_))};
  }
  void copy_to(K& kernels, SpaceTables& other) const {
    kernels.copy(user_factors_, other.user_factors_);
    kernels.copy(item_factors_, other.item_factors_);
    kernels.copy(user_biases_, other.user_biases_);
    kernels.copy(item_biases_, other.item_biases_);
    other.rank_ = rank_;
  }
  ModelView<float, Space> view(const Model& shape) {
    const auto rows = [](auto& buffer, Position count, int length) {
      return Rows<float, Space>{buffer.data(), buffer.empty() ? 0 : count, length, length};
    };
    return {rows(user_factors_, shape.n_users, rank_), rows(item_factors_, shape.n_items, rank_),
            rows(user_biases_, shape.n_users, 1), rows(item_biases_, shape.n_items, 1), shape.global_mean};
  }

 private:
  typename K::template Buffer<float> user_factors_, item_factors_, user_biases_, item_biases_;
  int rank_ = 0;
};

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

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// From its construction on.
class Stopwatch {
 public:
  double seconds() const { return seconds_since(start_); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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
    return !callbacks_.stop_requested || !callbacks_.stop_requested();
  }

 private:
  const TrainCallbacks& callbacks_;
  int epoch_;
  Position total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = start_;
};

/// Throws FailedError when a loss is not finite or has left the neighbourhood of the first epoch's.
inline void check_convergence(int epoch, double lr, double train_loss, double criterion, const TrainResult& so_far) {
  constexpr double kRise = 100;  // times the first epoch's loss: no run that converges comes near it
  const bool finite = std::isfinite(train_loss) && std::isfinite(criterion);
  const double first_loss = so_far.epochs.empty() ? train_loss : so_far.epochs.front().train_loss;
  if (finite && !(first_loss > 0 && train_loss > kRise * first_loss)) return;
  throw FailedError("training diverged in epoch " + std::to_string(epoch) + ": the loss is " +
                        (finite ? std::to_string(train_loss) : std::string("no longer a finite number")),
                    lr > 0 ? "lower --lr, now " + json_number(lr) + ", or raise --lambda" : "raise --lambda");
}

/// Runs `run_epoch(epoch, lr) -> ErrorSums` until the epochs are done, patience is at its end, a stop is requested or
/// the loss is no longer finite. The tables then hold the best epoch, by `validate() -> ErrorSums` of `n_valid`
/// ratings, or with a loss of pairs the last one; `best` is where it is kept, and in the end what the last epoch left.
/// `memory`: where the tables are.
template <class Memory, class TablesOf, class RunEpoch, class Validate>
TrainResult run_epochs(Memory& memory, TablesOf& tables, TablesOf& best, Position n_train, Position n_valid,
                       const TrainConfig& config, const TrainCallbacks& callbacks, const RunEpoch& run_epoch,
                       const Validate& validate) {
  TrainResult result;
  LearningRate rate(config.lr_schedule, config.lr, config.lr_decay);
  EarlyStopping stopping(config.patience, config.min_delta);
  // by random pairs a model is past its best long before it ranks best (docs/decisions/0018-losses-of-pairs.md)
  const bool chooses = n_valid > 0 && !is_pairwise(config.loss);
  const auto stop_requested = [&] { return callbacks.stop_requested && callbacks.stop_requested(); };

  for (int epoch = 1; epoch <= config.epochs; ++epoch) {
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

    double criterion = report.train_loss;
    if (n_valid > 0) {
      const ErrorSums errors = validate();
      report.valid_loss = errors.mean_loss();
      report.valid_rmse = errors.rmse();
      report.valid_mae = errors.mae();
      criterion = errors.mean_loss();
    }
    check_convergence(epoch, report.lr, report.train_loss, criterion, result);
    report.best = chooses ? stopping.observe(epoch, criterion) : true;
    if (report.best) result.best_epoch = epoch;
    // a second copy of the tables exists only where there is a validation set to choose by
    if (report.best && chooses) tables.copy_to(memory, best);
    result.epochs.push_back(report);
    if (callbacks.epoch) callbacks.epoch(report);
    if (stop_requested()) {
      result.reason = StopReason::interrupted;
      break;
    }
    if (chooses && config.early_stopping && stopping.exhausted()) {
      result.reason = StopReason::early;
      break;
    }
  }
  if (chooses && result.best_epoch > 0) std::swap(tables, best);
  return result;
}

}  // namespace wf
