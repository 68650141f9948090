// A training's state on disk: one .safetensors file with a checksum over all of it, and the one before beside it.
// docs/formats.md has the layout.
#pragma once
#include "host/model/safetensors.hpp"
#include "host/ranks/ranks.hpp"
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

std::string previous_checkpoint(const std::string& path);  ///< what `path` held before its last checkpoint
std::string damaged_checkpoint(const std::string& path);   ///< where its last one went when it was not whole

/// Writes beside `path`, syncs, renames what is there to previous_checkpoint(path) and the new file to `path`: at any
/// moment, one of the two names is that of a whole checkpoint, where `path` was. Throws FailedError with the call that
/// failed: what `path` held is then still under one of the names, and what previous_checkpoint(path) held is lost where
/// it was the last rename. Throws FolderNotSynced where all was written.
/// Ranks write one file together, each its pieces of the arrays; what they have in common is rank 0's.
void write_checkpoint(const std::string& path, const CheckpointFacts& facts, const TrainingState& state,
                      Ranks& ranks = Ranks::alone());

/// Removes what writers of `path` left beside it that were killed. Of processes of this machine.
void remove_unfinished(const std::string& path);

/// Some of the bytes are not those that were written.
struct DamagedCheckpoint : InputError {
  using InputError::InputError;
};

class CheckpointFile {
 public:
  enum class Steps { epochs, passes };  ///< passes: of svd and pca, which have no reports of epochs

  /// Reads all of the file once, each rank a part. Throws DamagedCheckpoint where it is not whole, and InputError where
  /// it cannot be read, is of another version of the format, or has numbers that no training has.
  explicit CheckpointFile(const std::string& path, Ranks& ranks = Ranks::alone());

  const std::string& path() const { return file_->path(); }
  const CheckpointFacts& facts() const { return facts_; }
  int epoch() const { return epoch_; }
  /// Its arrays are read when they are taken. Throws InputError where what it has is no state after that many `steps`.
  TrainingState state(Steps steps = Steps::epochs) const;

 private:
  void read_numbers(TrainingState& state) const;
  std::vector<EpochReport> read_epochs(Position count) const;

  template <class T>
  StateArray array_of(const std::string& name, const char* dtype) const;

  std::shared_ptr<const SafetensorsReader> file_;
  CheckpointFacts facts_;
  int epoch_ = 0;
};

struct FoundCheckpoint {
  std::optional<CheckpointFile> file;  ///< none: there is no checkpoint at all
  std::string why_previous;            ///< where it is the one before: what is wrong with the last; else empty
};

/// The last whole checkpoint of `path`: the one before only where the last is damaged or not there. Throws
/// DamagedCheckpoint where none of them is whole, and InputError where it cannot be known.
FoundCheckpoint find_checkpoint(const std::string& path, Ranks& ranks = Ranks::alone());

/// Gives the one before the name of the last; a damaged last one is then called damaged_checkpoint(path). Throws
/// FailedError.
void make_previous_the_last(const std::string& path);

}  // namespace wf
