#include "host/train/memory_plan.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/kernels/half.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/train/rule_of.hpp"

#include <algorithm>

namespace wf {
namespace {

constexpr Position kFloat = sizeof(float);
constexpr Position kRating = 12;

Position weights(const TrainingSize& size) {
  return checked_product(size.n_users + size.n_items, Position{size.rank} + (size.biases ? 1 : 0));
}

Position factor_bytes(const TrainingSize& size, Storage storage) {
  const Position rows = size.n_users + size.n_items;
  return checked_product(rows, size.rank) * kFloat / factors_per_float(storage) + (size.biases ? rows * kFloat : 0);
}

/// Optimizer state, and the step a row is up to date with where rows move without gradient.
Position optimizer_bytes(const TrainingSize& size, const TrainConfig& config) {
  const RuleSettings rule = rule_of(config);
  const Position stamps = rule.moves_without_gradient()
                              ? (size.biases ? 2 : 1) * (size.n_users + size.n_items) * Position{sizeof(Position)}
                              : 0;
  return checked_product(weights(size), kFloat) * rule.state_count() + stamps;
}

/// The records of per-rating SGD; the biases, which stand in them, are counted as weights.
Position record_bytes(const TrainingSize& size) {
  return (size.n_users + size.n_items) * (kRecord - (size.biases ? 1 : 0)) * kFloat;
}

/// Gradient rows of a batch's distinct rows, biases' among them, and its slopes.
Position gradient_bytes(const TrainingSize& size, Position batch) {
  const Position distinct = std::min(size.n_users, batch) + std::min(size.n_items, batch);
  return (checked_product(distinct, size.rank + (size.biases ? 1 : 0)) + batch) * kFloat;
}

/// Tables of those that differ from row to row; mini-batches have one in any case. The shares of biases stand in the
/// records of per-rating SGD.
Position penalty_bytes(const TrainingSize& size, const TrainConfig& config, Position batch) {
  const auto table = [](Position rows, double lambda) { return lambda == 0 ? 0 : rows * kFloat; };
  const Position biases =
      size.biases ? table(size.n_users, config.lambda_bias) + table(size.n_items, config.lambda_bias) : 0;
  if (batch == 0 && config.reg_scaling == RegScaling::count) return 0;
  return table(size.n_users, config.lambda_user) + table(size.n_items, config.lambda_item) + (batch == 0 ? 0 : biases);
}

/// Two slots of staged ratings and, for steps per rating, an epoch's ratings at once.
Position rating_bytes(const TrainingSize& size, Position batch) {
  const Position valid = std::min(size.n_valid, kStagedRatings);
  return 2 * kRating * std::max(batch, valid) + (batch == 0 ? kRating * size.n_train : 0);
}

bool fits(const DeviceMemory& device, const MemoryPlan& plan) {
  return plan.total() + plan.total() / 50 <= device.free;
}

/// The first of start / 2, start / 4, ... for which `fits`; 0 where none does.
template <class Fits>
Position halved(Position start, const Fits& fits) {
  for (Position value = start / 2; value >= 1; value /= 2) {
    if (fits(value)) return value;
  }
  return 0;
}

}  // namespace

Position MemoryPlan::total() const {
  Position sum = 0;
  for (const Part& part : parts) sum += part.bytes;
  return sum;
}

TrainingSize size_of(const Model& model, Position n_train, Position n_valid) {
  return {model.n_users, model.n_items, model.rank, model.has_biases(), n_train, n_valid};
}

MemoryPlan plan_memory(const TrainingSize& size, const TrainConfig& config, const BatchBytes& batch_bytes) {
  const Position batch = std::min(config.batch_size, size.n_train);
  const Position factors = factor_bytes(size, config.storage);
  MemoryPlan plan;
  const auto add = [&](const char* name, Position bytes) {
    if (bytes > 0) plan.parts.push_back({name, bytes});
  };
  const Position records = batch > 0 ? 0 : record_bytes(size);
  add("factors", factors);
  add("best epoch", size.n_valid > 0 ? factors + records : 0);
  add("optimizer", batch > 0 ? optimizer_bytes(size, config) : records);
  add("gradients", batch > 0 ? gradient_bytes(size, batch) : 0);
  add("row index", batch > 0 ? batch_bytes(size, batch) : 0);
  add("penalties", penalty_bytes(size, config, batch));
  add("ratings", rating_bytes(size, batch));
  return plan;
}

std::string describe(const MemoryPlan& plan, const DeviceMemory& device) {
  std::string text = "needs " + short_bytes(plan.total()) + " of " + short_bytes(device.total) + ", " +
                     short_bytes(device.free) + " free, on " + device.device + ":";
  for (const MemoryPlan::Part& part : plan.parts) {
    text += std::string(&part == plan.parts.data() ? " " : ", ") + part.name + ' ' + short_bytes(part.bytes);
  }
  return text;
}

void check_memory(const DeviceMemory& device, const TrainingSize& size, const TrainConfig& config,
                  const BatchBytes& batch_bytes) {
  const MemoryPlan plan = plan_memory(size, config, batch_bytes);
  if (fits(device, plan)) return;
  const Position batch = halved(config.batch_size, [&](Position smaller) {
    TrainConfig changed = config;
    changed.batch_size = smaller;
    return fits(device, plan_memory(size, changed, batch_bytes));
  });
  const Position rank = halved(size.rank, [&](Position smaller) {
    TrainingSize changed = size;
    changed.rank = static_cast<int>(smaller);
    return fits(device, plan_memory(changed, config, batch_bytes));
  });
  std::string cure;
  if (batch > 0) cure += "--batch-size " + std::to_string(batch) + " fits; ";
  if (rank > 0) cure += "--rank " + std::to_string(rank) + " fits; ";
  throw DeviceError("the training does not fit: it " + describe(plan, device), cure + "or --engine cpu");
}

}  // namespace wf
