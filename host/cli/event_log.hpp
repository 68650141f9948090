// train --tensorboard: what metrics.jsonl has, for TensorBoard.
#pragma once
#include "host/train/engine.hpp"

#include <cstdio>
#include <string>

namespace wf::cli {

/// An event file of its own in a folder, one record per epoch, on disk as soon as the epoch is done.
class EventLog {
 public:
  /// Makes `folder` and those above it where they are missing; empty: no log. Throws FailedError when the file cannot
  /// be written.
  explicit EventLog(const std::string& folder);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  void write(const EpochReport& report);
  void close();  ///< no more on disk

 private:
  void append(const std::string& message);

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace wf::cli
