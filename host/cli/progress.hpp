// How a run is going: a moving line on a terminal, one plain line per epoch elsewhere, and metrics.jsonl.
#pragma once
#include "host/cli/console.hpp"
#include "host/train/engine.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace wf::cli {

class TrainingProgress {
 public:
  enum class Shown { rmse, loss, mistakes };

  /// `done`: epochs of an earlier run.
  TrainingProgress(Console& console, const TrainConfig& config, Position ratings, int done = 0);

  void update(int epoch, double share_done, double ratings_per_second);
  void finish_epoch(const EpochReport& report);

 private:
  double seconds_left(double epochs_done) const;
  struct EpochLine {
    std::string number;  ///< " 7/30 "
    std::string text;    ///< losses, rate, time left
  };
  EpochLine epoch_line(int epoch, double ratings_per_second, double epochs_done) const;

  Console& console_;
  int epochs_;
  Shown shown_;
  int before_;    // epochs that took none of this run's time
  bool chooses_;  // the best epoch is kept
  Position ratings_;
  std::string last_scores_;  ///< "train 0.7312  valid 0.7794"
  bool last_best_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One JSON object per epoch, on disk as soon as the epoch is done.
class MetricsLog {
 public:
  /// `path` empty: no file. `so_far`: lines of epochs that are done. Throws FailedError when the file cannot be
  /// written.
  explicit MetricsLog(std::string path, std::string so_far = {});
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;
  void write(const EpochReport& report);
  /// Why there are no more epochs.
  void write_end(const std::string& word, const std::string& message, const std::string& cure);
  void close();                                      ///< no more on disk
  const std::string& text() const { return text_; }  ///< all lines, on disk or not

 private:
  void append(const std::string& lines);

  std::string path_, text_;
  std::FILE* file_ = nullptr;
};

}  // namespace wf::cli
