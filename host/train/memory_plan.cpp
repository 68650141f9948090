#include "host/train/memory_plan.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/kernels/half.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/train/rule_of.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

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

bool fits(Position room, const MemoryPlan& plan) {
  return plan.total() + plan.total() / 50 <= room;
}

void add(MemoryPlan& plan, const char* name, Position bytes) {
  if (bytes > 0) plan.parts.push_back({name, bytes});
}

MemoryPlan plan_batches(const TrainingSize& size, const TrainConfig& config, const BatchBytes& batch_bytes) {
  const Position batch = std::min(config.batch_size, size.n_train);
  const Position factors = factor_bytes(size, config.storage);
  MemoryPlan plan;
  add(plan, "factors", factors);
  add(plan, "best epoch", keeps_best(config, size.n_valid) ? factors : 0);
  add(plan, "optimizer", optimizer_bytes(size, config));
  add(plan, "gradients", gradient_bytes(size, batch));
  add(plan, "row index", batch_bytes(size, batch));
  add(plan, "penalties", penalty_bytes(size, config, batch));
  add(plan, "ratings", 2 * kRating * std::max(batch, std::min(size.n_valid, kStagedRatings)));
  return plan;
}

/// Ratings of a set that is staged: 64 MB fill the bus, blocks that are larger come alone.
Position set_ratings(const TrainingSize& size, Position room) {
  constexpr Position kWanted = (Position{64} << 20) / kRating;
  return std::max({size.largest_block, std::min(kWanted, room / (2 * kRating)), Position{1}});
}

Position row_bytes(const TrainingSize& size, Storage storage) {
  return kFloat * (kRecord + (size.rank + 7) / 8 * 8 / factors_per_float(storage));
}

MemoryPlan plan_blocks(const TrainingSize& size, const TrainConfig& config, Residency residency, Position room) {
  MemoryPlan plan;
  plan.residency = residency;
  const Position row = row_bytes(size, config.storage), rows = size.n_users + size.n_items;
  if (residency == Residency::nothing) {
    add(plan, "rows of blocks", checked_product(2 * (size.largest_users + size.largest_items), row));
  } else {
    const Position records = rows * kRecord * kFloat, factors = checked_product(rows, row) - records;
    add(plan, "factors", factors);
    add(plan, "best epoch", keeps_best(config, size.n_valid) ? factors + records : 0);
    add(plan, "optimizer", records);
  }
  add(plan, "penalties", penalty_bytes(size, config, 0));
  if (is_pairwise(config.loss)) {  // rows by anchor, and where each list begins
    const Position anchors = config.loss == Loss::bpr_item ? size.n_items : size.n_users;
    add(plan, "positives", Position{sizeof(RowId)} * size.n_train + Position{sizeof(Position)} * (anchors + 1));
  }
  if (residency == Residency::everything) {
    add(plan, "ratings", kRating * (size.n_train + 2 * std::min(size.n_valid, kStagedRatings)));
  } else {
    plan.set_ratings = residency == Residency::rows ? set_ratings(size, room - room / 50 - plan.total())
                                                    : std::max<Position>(size.largest_block, 1);
    add(plan, "ratings on their way", 2 * kRating * plan.set_ratings);
    plan.bus_bytes = kRating * size.n_train;
    if (residency == Residency::nothing) plan.bus_bytes += checked_product(size.ranges * rows, row);
  }
  plan.cache_bytes = checked_product(size.n_train, kRating + 2 * row + row / 16);  // docs/gpu-model.md
  return plan;
}

/// Least squares: lists by user and by item, 8 bytes a rating and 8 a row each.
MemoryPlan plan_rows(const TrainingSize& size, const TrainConfig& config) {
  MemoryPlan plan;
  const Position factors = factor_bytes(size, Storage::fp32);
  add(plan, "factors", factors);
  const bool one_epoch = config.algorithm == Algorithm::svd || config.algorithm == Algorithm::pca;
  add(plan, "best epoch", !one_epoch && keeps_best(config, size.n_valid) ? factors : 0);
  add(plan, "ratings", 2 * checked_product(8, size.n_train) + 8 * (size.n_users + size.n_items));
  add(plan, "validation", 2 * kRating * std::min(size.n_valid, kStagedRatings));
  if (one_epoch) {
    const Position columns = (size.rank + config.oversample + 15) / 16 * 16;  // of the tables and of their successors
    add(plan, "sketch", checked_product(3 * size.n_users + 2 * size.n_items, columns) * kFloat);
  }
  const bool keeps_rests = config.algorithm == Algorithm::gd || config.algorithm == Algorithm::ccd;
  if (keeps_rests) add(plan, "rests", 2 * checked_product(size.n_train, kFloat));
  if (config.algorithm == Algorithm::gd) add(plan, "gradient and trial", 2 * factors);
  const bool fills = config.algorithm == Algorithm::nmf && config.missing == Missing::zero;
  if (fills && config.nmf_loss == NmfLoss::frobenius) {
    add(plan, "products", checked_product(std::max(size.n_users, size.n_items), size.rank) * kFloat);
  }
  const bool sums_all = config.algorithm == Algorithm::ials || fills;
  add(plan, "turned rows", checked_product(size.turned_rows, size.rank) * kFloat);
  if (sums_all) add(plan, "gram", 2 * checked_product(size.rank, size.rank) * kFloat);
  return plan;
}

/// The first of start / 2, start / 4, ... for which `fits`; 0 where none does.
template <class Fits>
Position halved(Position start, const Fits& fits) {
  for (Position value = start / 2; value >= 1; value /= 2) {
    if (fits(value)) return value;
  }
  return 0;
}

/// The first of 2, 4, ... times the ranges for which `fits`; 0 where none does. Ranges and blocks are taken to be a
/// tenth larger than their equal share.
template <class Fits>
int finer_grid(const TrainingSize& size, const Fits& fits) {
  for (int times = 2; times * size.ranges <= kMaxGrid; times *= 2) {
    const auto share = [](Position whole, Position parts) { return (whole + whole / 10) / parts + 1; };
    TrainingSize finer = size;
    finer.ranges *= times;
    finer.largest_users = share(size.n_users, finer.ranges);
    finer.largest_items = share(size.n_items, finer.ranges);
    finer.largest_block = share(size.largest_block, Position{times} * times);
    if (fits(finer)) return finer.ranges;
  }
  return 0;
}

/// What streams, and what an epoch of steps per rating takes at least.
std::string bound_text(const MemoryPlan& plan) {
  if (plan.cache_bytes == 0) return "";
  constexpr double kBus = 50e9, kCache = 5.5e12;  // bytes a second of an H100: PCIe, and its second cache, assumed
  const double bus = static_cast<double>(plan.bus_bytes) / kBus, cache = static_cast<double>(plan.cache_bytes) / kCache;
  std::ostringstream text;
  text << "; ";
  if (plan.residency == Residency::everything) text << "all stays";
  if (plan.residency == Residency::rows) text << "ratings stream, " << short_bytes(plan.bus_bytes) << " an epoch";
  if (plan.residency == Residency::nothing) {
    text << "ratings and rows stream, " << short_bytes(plan.bus_bytes) << " an epoch";
  }
  const double seconds = std::max(bus, cache);
  text << "; an epoch would take an H100 at least ";
  if (seconds < 10) text << std::setprecision(2) << seconds;
  if (seconds >= 10) text << std::llround(seconds);
  text << " s, by " << (bus > cache ? "the bus at 50 GB/s" : "the second cache at 5.5 TB/s");
  return text.str();
}

std::string limit_text(const TrainConfig& config) {
  return config.device_memory == 0 ? "" : " --device-memory " + short_bytes(config.device_memory);
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

TrainingSize size_of(const Model& model, const BlockGrid& grid, Position n_valid) {
  TrainingSize size = size_of(model, grid.n_ratings(), n_valid);
  size.ranges = grid.size();
  size.ratings_in_memory = grid.in_memory();
  for (const Block& block : grid.blocks()) {
    size.largest_block = std::max(size.largest_block, block.end - block.begin);
    size.largest_users = std::max<Position>(size.largest_users, block.users.end - block.users.begin);
    size.largest_items = std::max<Position>(size.largest_items, block.items.end - block.items.begin);
  }
  return size;
}

Position device_room(const DeviceMemory& device, const TrainConfig& config) {
  return config.device_memory > 0 ? std::min(config.device_memory, device.free) : device.free;
}

MemoryPlan plan_memory(const TrainingSize& size, const TrainConfig& config, const BatchBytes& batch_bytes,
                       Position room) {
  if (config.algorithm != Algorithm::sgd) return plan_rows(size, config);
  if (config.batch_size > 0) return plan_batches(size, config, batch_bytes);
  if (room == kNoRoomLimit) return plan_blocks(size, config, Residency::everything, room);
  for (const Residency residency : {Residency::everything, Residency::rows}) {
    if (residency == Residency::everything && !size.ratings_in_memory) continue;
    MemoryPlan plan = plan_blocks(size, config, residency, room);
    if (fits(room, plan)) return plan;
  }
  return plan_blocks(size, config, Residency::nothing, room);
}

bool holds_rows(const TrainingSize& size, const TrainConfig& config, Position rows, Position room) {
  MemoryPlan plan = plan_blocks(size, config, Residency::nothing, room);
  add(plan, "rows that stay", checked_product(rows, row_bytes(size, config.storage)));
  add(plan, "validation", 2 * kRating * std::min(size.n_valid, kStagedRatings));
  return fits(room, plan);
}

std::string describe(const MemoryPlan& plan, const DeviceMemory& device) {
  std::string text = "needs " + short_bytes(plan.total()) + " of " + short_bytes(device.total) + ", " +
                     short_bytes(device.free) + " free, on " + device.device + ":";
  for (const MemoryPlan::Part& part : plan.parts) {
    text += std::string(&part == plan.parts.data() ? " " : ", ") + part.name + ' ' + short_bytes(part.bytes);
  }
  return text + bound_text(plan);
}

void check_memory(const DeviceMemory& device, const TrainingSize& size, const TrainConfig& config,
                  const BatchBytes& batch_bytes) {
  const Position room = device_room(device, config);
  const MemoryPlan plan = plan_memory(size, config, batch_bytes, room);
  if (fits(room, plan)) return;
  const Position batch = halved(config.batch_size, [&](Position smaller) {
    TrainConfig changed = config;
    changed.batch_size = smaller;
    return fits(room, plan_memory(size, changed, batch_bytes, room));
  });
  const Position rank = halved(size.rank, [&](Position smaller) {
    TrainingSize changed = size;
    changed.rank = static_cast<int>(smaller);
    return fits(room, plan_memory(changed, config, batch_bytes, room));
  });
  const bool is_fixed = config.batch_size > 0 || config.shuffle == Shuffle::none;
  const int grid = is_fixed ? 0 : finer_grid(size, [&](const TrainingSize& finer) {
    return fits(room, plan_memory(finer, config, batch_bytes, room));
  });
  std::string cure;
  if (grid > 0) cure += "--grid " + std::to_string(grid) + " may fit; ";
  if (batch > 0) cure += "--batch-size " + std::to_string(batch) + " fits; ";
  if (rank > 0) cure += "--rank " + std::to_string(rank) + " fits; ";
  throw DeviceError("the training does not fit" + limit_text(config) + ": it " + describe(plan, device),
                    cure + "or --engine cpu");
}

}  // namespace wf
