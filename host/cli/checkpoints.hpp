// train --checkpoint-every and --resume: when a checkpoint is due, where it lies, and from which one a run goes on.
#pragma once
#include "host/api/checkpoint_file.hpp"
#include "host/api/training_identity.hpp"
#include "host/cli/console.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/requests.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace wf::cli {

class Checkpoints {
 public:
  static std::string path_of(const std::string& model_path) { return model_path + ".checkpoint"; }
  static bool asked(const TrainRequest& request) {
    return request.checkpoint_epochs > 0 || request.checkpoint_seconds > 0 || request.resume;
  }

  /// Beside the model. With --resume, looks for the last whole one; throws InputError where there are some and none is
  /// whole.
  Checkpoints(const TrainRequest& request, const std::string& model_path, Console& console);

  /// Was either asked for? A signal may ask at any time.
  bool asked() const { return asked_; }

  /// Of the run to go on with, whose rows have their names by it; `otherwise` where there is none.
  int grid(int otherwise) const;

  /// What this training is. Throws UsageError where the run to go on with is another one, with each difference, or has
  /// more epochs than this one is to have.
  void identify(const Identity& identity, int grid, const TrainConfig& config);

  /// The log of metrics so far.
  std::string metrics() const { return found_ ? found_->facts().metrics : std::string(); }

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

  std::string path_;
  Console& console_;
  Position every_epochs_;
  double every_seconds_;
  bool asked_;
  std::optional<CheckpointFile> found_;
  TrainingState begin_;
  CheckpointFacts facts_;
  int begun_at_ = 0, last_epoch_ = 0, last_tried_ = 0;
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> signalled_;
};

}  // namespace wf::cli
