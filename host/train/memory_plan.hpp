// What a training run needs of an accelerator's memory, part by part, before anything is allocated.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/model/model.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wf {

/// Ratings that are staged at a time where no order binds them, as in validation: 12 bytes each.
inline constexpr Position kStagedRatings = Position{1} << 22;

struct MemoryPlan {
  struct Part {
    const char* name;
    Position bytes = 0;
  };
  std::vector<Part> parts;  ///< without those of 0 bytes
  Position total() const;
};

/// What decides the size of a run's arrays.
struct TrainingSize {
  Position n_users = 0, n_items = 0;
  int rank = 0;
  bool biases = false;
  Position n_train = 0, n_valid = 0;
};
TrainingSize size_of(const Model& model, Position n_train, Position n_valid);

/// Bytes that a kernel set's own arrays take for mini-batches of so many ratings (K::batch_bytes).
using BatchBytes = std::function<Position(const TrainingSize& size, Position batch)>;

/// The arrays of host/train for a run of this size, and `batch_bytes`.
MemoryPlan plan_memory(const TrainingSize& size, const TrainConfig& config, const BatchBytes& batch_bytes);

/// "needs 3.1 GB of 79 GB, 78 GB free, on NVIDIA H100: factors 2.0 GB, optimizer 1.0 GB, ratings 0.1 GB"
std::string describe(const MemoryPlan& plan, const DeviceMemory& device);

/// Throws DeviceError, with the options that help, where the plan and 2 % for rounding are more than what is free.
void check_memory(const DeviceMemory& device, const TrainingSize& size, const TrainConfig& config,
                  const BatchBytes& batch_bytes);

}  // namespace wf
