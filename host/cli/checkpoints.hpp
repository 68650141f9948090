// train --checkpoint-every and --resume: when a checkpoint is due, where it lies, and from which one a run goes on.
#pragma once
#include "host/api/checkpoint_file.hpp"
#include "host/api/training_identity.hpp"
#include "host/cli/console.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/requests.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>

namespace wf::cli {

class Checkpoints {
 public:
  /// Beside the model; where that is a link, what it leads to, so that the files beside it are of its file system.
  static std::string path_of(const std::string& model_path);
  static bool asked(const TrainRequest& request) {
    return request.checkpoint_epochs > 0 || request.checkpoint_seconds > 0 || request.resume;
  }

  /// Of path_of(model_path). With --resume, looks for the last whole one; throws InputError where there are some and
  /// none is whole, or one cannot be read.
  /// Of several processes, all have them, and one set of files.
  Checkpoints(const TrainRequest& request, const std::string& model_path, Ranks& ranks, Console& console);

  /// Was either asked for? A signal may ask at any time.
  bool asked() const { return asked_; }

  /// The ranges of the block grid to lay out: those of the run to go on with, whose rows have their names by it, or as
  /// `config` has it.
  int grid(const TrainConfig& config) const;

  /// What this training is. `derived`: settings that follow from the ratings (see differences). Throws UsageError where
  /// the run to go on with is another one, with each difference, or has more epochs than this one is to have;
  /// InputError where its checkpoint is of no training.
  void identify(const Identity& identity, const std::set<std::string>& derived, int grid, const TrainConfig& config);

  /// The log of metrics so far.
  const std::string& metrics() const { return facts_.metrics; }

  /// Sets what a training needs to go on, to leave checkpoints with the metrics of `log`, and to be stopped by signals.
  /// Both must outlive it.
  void attach(TrainCallbacks& callbacks, const MetricsLog& log);

  int resumed_from() const { return begun_at_; }  ///< an epoch; 0: the beginning
  int last_epoch() const { return last_epoch_; }  ///< of the last checkpoint; 0: there is none
  const std::string& path() const { return path_; }

 private:
  bool is_due(int epoch, bool last);
  bool stops_in_epoch();
  void write(const TrainingState& state, const MetricsLog& log);
  void count_as_written(int epoch);
  void check_lengths(const TrainConfig& config) const;
  void take_name();
  void tell_of_last() const;

  std::string path_;
  Ranks& ranks_;
  int first_process_;  // rank 0's, as its machine numbers it
  Console& console_;
  Position every_epochs_;
  double every_seconds_;
  bool asked_;
  FoundCheckpoint found_;  // until it is taken
  TrainingState begin_;
  CheckpointFacts facts_;
  int begun_at_ = 0, last_epoch_ = 0, last_tried_ = 0;
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> signalled_;
};

}  // namespace wf::cli
