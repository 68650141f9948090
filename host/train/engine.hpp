// What the command line, the library and later Python see of an engine: everything behind it is templates.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/kernels/error_sums.hpp"
#include "host/model/model.hpp"
#include "host/ratings/ratings.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/row_lists.hpp"
#include "host/train/epoch_report.hpp"
#include "host/train/memory_plan.hpp"
#include "host/train/training_state.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// What one phase of a mini-batch step left behind: `values` [rows x width], rows ascending.
struct PhaseValues {
  Position step = 0;             ///< from 1
  const char* phase;             ///< "slopes", "user gradients", "user factors", ...
  Span<const RowId, Host> rows;  ///< of the table; empty where row n is rating n of the batch, or row n of the table
  Rows<const float, Host> values;
};

/// Called from the training thread. Every member may be empty.
struct TrainCallbacks {
  std::function<void(const EpochReport&)> epoch;
  std::function<void(int epoch, double share_done, double ratings_per_second)> progress;  ///< at most 10 times a second
  std::function<void(int epoch, Position batch, double loss)> batch_loss;                 ///< mini-batch training only
  std::function<void(const PhaseValues&)> phase;  ///< mini-batch training only; waits for the device at each phase
  std::function<bool()> stop_requested;           ///< as soon as may be: an epoch is left in its middle
  std::function<bool()> stop_after_epoch;         ///< no other epoch begins
  /// Asked at the end of each whole epoch; `last`: no other one follows. Of svd and pca, of each pass.
  std::function<bool(int epoch, bool last)> checkpoint_due;
  std::function<void(const TrainingState&)> checkpoint;  ///< where one is due; the state is there until it returns
  TrainingState* begin_from = nullptr;                   ///< what to go on from, which is taken; nullptr: the beginning
  std::function<bool(bool here)> in_any_process;         ///< of several that train together, asked of all of them

  bool anywhere(bool here) const { return in_any_process ? in_any_process(here) : here; }
  bool stops_now() const { return stop_requested && stop_requested(); }
  // the second is asked first: `stop_requested` may speak of an epoch that is under way
  bool stops_after_epoch() const { return (stop_after_epoch && stop_after_epoch()) || stops_now(); }
  bool wants_checkpoint(int epoch_done, bool last) const {
    return checkpoint && checkpoint_due && checkpoint_due(epoch_done, last);
  }
};

enum class StopReason { all_epochs, early, interrupted, diverged };

/// Of a run that diverged and went back to its best epoch.
struct Divergence {
  std::string what, cure;
};

/// Of svd and pca.
struct Spectrum {
  std::vector<double> singular_values;  ///< descending; empty for other algorithms
  double squared_norm = 0;              ///< sum of the squares of all of them, of which these are the largest

  /// The part of the squares, which with pca is of the variance, that the model has.
  double share() const {
    double sum = 0;
    for (const double value : singular_values) sum += value * value;
    return squared_norm > 0 ? sum / squared_norm : 0;
  }
};

struct TrainResult {
  std::vector<EpochReport> epochs;
  Position empty_rows = 0, deficient_rows = 0;  ///< of least squares, in the last epoch: see SolvedRows
  Spectrum spectrum;
  int best_epoch = 0;  ///< the epoch whose tables the model holds now
  bool partial_epoch =
      false;  ///< and a part of the next one: stopped in its middle, with no earlier tables to go back to
  StopReason reason = StopReason::all_epochs;
  Divergence divergence;  ///< with StopReason::diverged
};

/// A model in an engine's memory, ready to answer. Neither the model nor the engine may change or end before it.
class Scorer {
 public:
  virtual ~Scorer() = default;

  /// scores[n] = prediction for (user[n], item[n]). A row outside the table (unknown id) contributes nothing: no
  /// dot product and no bias of its side; a model without biases then answers rating_mean.
  virtual void predict(Span<const RowId, Host> user, Span<const RowId, Host> item, Span<float, Host> scores) = 0;

  /// Errors of predict against ratings.value; `loss` is the one the model was trained with.
  virtual ErrorSums errors(const RatingsView<Host>& ratings, Loss loss) = 0;

  /// scores.row(n)[i] = prediction for (users[n], i): [users x n_items].
  virtual void score_items(Span<const RowId, Host> users, Rows<float, Host> scores) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;

  /// Of the device that this engine works on; nothing where that is the host.
  virtual std::optional<DeviceMemory> memory() const = 0;

  /// What a training would need of that device's memory, and what of it would stay there.
  virtual MemoryPlan plan(const TrainingSize& size, const TrainConfig& config) const = 0;

  /// Trains in place and leaves the best epoch's tables (by `valid`, if it is not empty; else the last) in `model`.
  /// `train` is consumed: its order changes. A run that diverges ends with that epoch at the latest and
  /// StopReason::diverged, with the best epoch's tables (by the training loss, if `valid` is empty); in epoch 1 it
  /// throws FailedError, and `model` is then without tables.
  virtual TrainResult train(Model& model, Ratings train, const RatingsView<Host>& valid, const TrainConfig& config,
                            const TrainCallbacks& callbacks) = 0;

  /// The same, one step per rating (config.batch_size 0), for ratings that are laid out already (make_grid with
  /// `grid_wish`), in memory or not. `valid` by the grid's names (BlockGrid::arranged); `model` by its own.
  virtual TrainResult train_by_block(Model& model, BlockGrid& grid, const RatingsView<Host>& valid,
                                     const TrainConfig& config, const TrainCallbacks& callbacks) = 0;

  /// The same for algorithms that work row by row: all but sgd. The lists are consumed.
  virtual TrainResult train_by_row(Model& model, RatingLists lists, const RatingsView<Host>& valid,
                                   const TrainConfig& config, const TrainCallbacks& callbacks) = 0;

  virtual GridWish grid_wish() const = 0;

  virtual std::unique_ptr<Scorer> open(const Model& model) = 0;
};

}  // namespace wf
