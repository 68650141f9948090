#include "host/train/memory_plan.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/train/rule_of.hpp"

#include <algorithm>

namespace wf {
namespace {

constexpr Position kFloat = sizeof(float);

Position elements(const Model& shape) {
  return checked_product(shape.n_users + shape.n_items, Position{shape.rank} + (shape.has_biases() ? 1 : 0));
}

/// Optimizer state, and the step a row is up to date with where rows move without gradient.
Position optimizer_bytes(const Model& shape, const TrainConfig& config) {
  const RuleSettings rule = rule_of(config);
  const Position tables = shape.has_biases() ? 2 : 1;
  const Position stamps =
      rule.moves_without_gradient() ? tables * (shape.n_users + shape.n_items) * Position{sizeof(Position)} : 0;
  return checked_product(elements(shape), kFloat) * rule.state_count() + stamps;
}

/// Gradient rows of a batch's distinct rows, its slopes, and the arrays that group it by row on both sides.
Position batch_bytes(const Model& shape, Position batch) {
  const Position distinct = std::min(shape.n_users, batch) + std::min(shape.n_items, batch);
  constexpr Position kGroupArrays = 8;  // of 4 bytes per rating and side, sort space included
  return checked_product(distinct, shape.rank) * kFloat + batch * kFloat + 2 * kGroupArrays * batch * kFloat +
         (shape.n_users + shape.n_items) * kFloat;
}

Position penalty_bytes(const Model& shape, const TrainConfig& config) {
  const auto table = [](Position rows, double lambda) { return lambda == 0 ? 0 : rows * kFloat; };
  const Position biases =
      shape.has_biases() ? table(shape.n_users, config.lambda_bias) + table(shape.n_items, config.lambda_bias) : 0;
  return table(shape.n_users, config.lambda_user) + table(shape.n_items, config.lambda_item) + biases;
}

/// The largest rank, halving from the one asked for, that fits; 0 where none does.
int rank_that_fits(Position free, const Model& shape, Position n_train, Position n_valid, const TrainConfig& config) {
  for (int rank = shape.rank / 2; rank >= 1; rank /= 2) {
    Model smaller;
    smaller.n_users = shape.n_users;
    smaller.n_items = shape.n_items;
    smaller.rank = rank;
    smaller.tables.user_biases = HostBuffer<float>(shape.has_biases() ? 1 : 0);
    if (plan_memory(smaller, n_train, n_valid, config).total() <= free) return rank;
  }
  return 0;
}

}  // namespace

Position MemoryPlan::total() const {
  Position sum = 0;
  for (const Part& part : parts) sum += part.bytes;
  return sum;
}

MemoryPlan plan_memory(const Model& shape, Position n_train, Position n_valid, const TrainConfig& config) {
  const bool batches = config.batch_size > 0;
  const Position batch = std::min(config.batch_size, n_train);
  const Position factors = checked_product(elements(shape), kFloat);
  constexpr Position kRating = 12, kSlots = 2;
  const Position staged = std::max(batches ? batch : n_train, std::min(n_valid, kStagedRatings));
  MemoryPlan plan;
  const auto add = [&](const char* name, Position bytes) {
    if (bytes > 0) plan.parts.push_back({name, bytes});
  };
  add("factors", factors);
  add("best epoch", n_valid > 0 ? factors : 0);
  add("optimizer", batches ? optimizer_bytes(shape, config) : 0);
  add("gradients", batches ? batch_bytes(shape, batch) : 0);
  add("penalties", penalty_bytes(shape, config));
  add("ratings", kSlots * kRating * staged);
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

void check_memory(const DeviceMemory& device, const Model& shape, Position n_train, Position n_valid,
                  const TrainConfig& config) {
  const MemoryPlan plan = plan_memory(shape, n_train, n_valid, config);
  if (plan.total() <= device.free) return;
  const int rank = rank_that_fits(device.free, shape, n_train, n_valid, config);
  throw DeviceError("the training does not fit: it " + describe(plan, device),
                    (rank > 0 ? "--rank " + std::to_string(rank) + " fits; or " : std::string()) + "--engine cpu");
}

}  // namespace wf
