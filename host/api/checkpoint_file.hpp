// A training's state on disk: one .safetensors file with a checksum over all of it, and the one before beside it.
// docs/formats.md has the layout.
#pragma once
#include "host/model/safetensors.hpp"
#include "host/train/training_state.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wf {

/// What a state belongs to.
struct CheckpointFacts {
  std::map<std::string, std::string> identity;  ///< what the result depends on, by name: host/api/training_identity.hpp
  int grid = 0;                                 ///< ranges of the block grid; 0: the training has none
  std::string metrics;                          ///< of the epochs so far, as the log of metrics has them
};

/// What `path` held before its last checkpoint.
std::string previous_checkpoint(const std::string& path);

/// Writes beside `path`, syncs, renames what is there to previous_checkpoint(path) and the new file to `path`: at any
/// moment, one of the two names is that of a whole checkpoint. Throws FailedError with the call that failed; what was
/// there is then still there.
void write_checkpoint(const std::string& path, const CheckpointFacts& facts, const TrainingState& state);

/// Removes what writers of `path` left beside it that were killed. Of processes of this machine.
void remove_unfinished(const std::string& path);

class CheckpointFile {
 public:
  /// Reads all of the file once. Throws InputError where it is not whole, or of another version of the format.
  explicit CheckpointFile(const std::string& path);

  const std::string& path() const { return file_->path(); }
  const CheckpointFacts& facts() const { return facts_; }
  int epoch() const { return epoch_; }
  TrainingState state() const;

 private:
  void read_numbers(TrainingState& state) const;
  std::vector<EpochReport> read_epochs() const;

  std::unique_ptr<SafetensorsReader> file_;
  CheckpointFacts facts_;
  int epoch_ = 0;
};

struct FoundCheckpoint {
  std::optional<CheckpointFile> file;  ///< none: there is no checkpoint at all
  std::string why_previous;            ///< where it is the one before: what is wrong with the last; else empty
};

/// The last whole checkpoint of `path`. Throws InputError where there is one, and it is not whole, and the one before
/// is not either.
FoundCheckpoint find_checkpoint(const std::string& path);

}  // namespace wf
