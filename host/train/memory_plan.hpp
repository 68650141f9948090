// What a training run needs of an accelerator's memory, part by part, before anything is allocated.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/model/model.hpp"
#include "host/schedule/block_reader.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wf {

/// Ratings that are staged at a time where no order binds them, as in validation: 12 bytes each.
inline constexpr Position kStagedRatings = Position{1} << 22;

/// Does validation choose the epoch that the model is of? By random pairs a model is past its best long before it ranks
/// best (docs/decisions/0018-losses-of-pairs.md).
inline bool chooses_best(const TrainConfig& config, Position n_valid) {
  return n_valid > 0 && !is_pairwise(config.loss);
}
/// Is there a second copy of the tables, that of the best epoch? What diverges goes back to it.
inline bool keeps_best(const TrainConfig& config, Position n_valid) {
  return config.epochs > 1 || chooses_best(config, n_valid);
}

/// What a device holds from the first epoch to the last.
enum class Residency {
  everything,
  rows,     ///< ratings come in sets of blocks, an epoch after the other
  nothing,  ///< and a block's rows with its ratings
};

struct MemoryPlan {
  struct Part {
    const char* name;
    Position bytes = 0;
  };
  std::vector<Part> parts;  ///< without those of 0 bytes
  Residency residency = Residency::everything;
  Position set_ratings = BlockReader::kNoLimit;  ///< of blocks that are staged together, where ratings do not stay
  // bytes of an epoch's updates: over the bus to the device; and through the device's cache
  Position bus_bytes = 0, cache_bytes = 0;
  Position total() const;
};

/// What decides the size of a run's arrays.
struct TrainingSize {
  Position n_users = 0, n_items = 0;
  int rank = 0;
  bool biases = false;
  Position n_train = 0, n_valid = 0;
  // of the block grid, for steps per rating
  int ranges = 1;
  bool ratings_in_memory = true;                  ///< of the host
  Position largest_block = 0;                     ///< ratings
  Position largest_users = 0, largest_items = 0;  ///< rows of a range
  // of implicit least squares: partners that are kept once more (TurnedRows)
  Position turned_rows = 0;
};
TrainingSize size_of(const Model& model, Position n_train, Position n_valid);
TrainingSize size_of(const Model& model, const BlockGrid& grid, Position n_valid);

/// Bytes that a kernel set's own arrays take for mini-batches of so many ratings (K::batch_bytes).
using BatchBytes = std::function<Position(const TrainingSize& size, Position batch)>;

inline constexpr Position kNoRoomLimit = Position{1} << 62;

/// Bytes that a run may take: what is free, or less where the configuration says so.
Position device_room(const DeviceMemory& device, const TrainConfig& config);

/// The arrays of host/train for a run of this size, and `batch_bytes`. Steps per rating leave on the host what does not
/// fit `room`; where even one block does not, the plan is larger than it.
MemoryPlan plan_memory(const TrainingSize& size, const TrainConfig& config, const BatchBytes& batch_bytes,
                       Position room = kNoRoomLimit);

/// Whether there is room for so many rows beside what blocks need that visit.
bool holds_rows(const TrainingSize& size, const TrainConfig& config, Position rows, Position room);

/// "needs 3.1 GB of 79 GB, 78 GB free, on NVIDIA H100: factors 2.0 GB, optimizer 1.0 GB, ratings 0.1 GB"; and what
/// streams, with the time that it takes at least.
std::string describe(const MemoryPlan& plan, const DeviceMemory& device);

/// Throws DeviceError, with the options that help, where the plan and 2 % for rounding are more than the room.
void check_memory(const DeviceMemory& device, const TrainingSize& size, const TrainConfig& config,
                  const BatchBytes& batch_bytes);

}  // namespace wf
