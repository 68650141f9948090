// What a training run needs of an accelerator's memory, part by part, before anything is allocated.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/device_memory.hpp"
#include "host/model/model.hpp"

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

/// The arrays of train_batches and train_ratings (host/train) for a model of this shape.
MemoryPlan plan_memory(const Model& shape, Position n_train, Position n_valid, const TrainConfig& config);

/// "needs 3.1 of 79 GB on NVIDIA H100: factors 2.0 GB, optimizer 1.0 GB, ratings 0.1 GB"
std::string describe(const MemoryPlan& plan, const DeviceMemory& device);

/// Throws DeviceError, with the option that helps, where the plan is more than what is free.
void check_memory(const DeviceMemory& device, const Model& shape, Position n_train, Position n_valid,
                  const TrainConfig& config);

}  // namespace wf
