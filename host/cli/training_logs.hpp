// What a training writes while it runs: metrics.jsonl, TensorBoard's events, the losses of its mini-batches.
#pragma once
#include "host/cli/console.hpp"
#include "host/cli/event_log.hpp"
#include "host/cli/output_file.hpp"
#include "host/cli/progress.hpp"

#include <optional>
#include <string>

namespace wf::cli {

/// A log whose disk is full costs itself, and not the training: a note says so.
class TrainingLogs {
 public:
  struct Paths {
    std::string metrics, tensorboard, batch_losses;  ///< empty: none
  };

  /// `so_far`: lines of metrics of an earlier run. Throws FailedError where a log cannot be begun.
  TrainingLogs(const Paths& paths, const std::string& so_far, Console& console);

  /// Sets what writes them, and shows `progress`. Both must outlive the training.
  void attach(TrainCallbacks& callbacks, TrainingProgress& progress);
  const MetricsLog& metrics() const { return metrics_; }

  /// The last line of metrics, of a training that ended before its time: what happened, and what to change.
  void ended(const std::string& word, const std::string& message, const std::string& cure);
  /// The losses of batches are whole.
  void finish();

 private:
  template <class Write, class Close>
  void try_to(const char* what, const Write& write, const Close& close);

  Console& console_;
  MetricsLog metrics_;
  EventLog events_;
  std::optional<OutputFile> batch_losses_;
};

}  // namespace wf::cli
