#include "cuda/kernels/cuda_kernels.hpp"

#include "cuda/runtime/ranges.hpp"

namespace wf {

Cuda::~Cuda() {
  nccl_.reset();  // first: what its stream waits for may never come
  cudaStreamSynchronize(gpu_.copy_back());
  cudaStreamSynchronize(gpu_.compute());
  cudaStreamSynchronize(gpu_.copy());
}

/// [user | item | value] in one allocation, filled under the compute of the ratings staged before.
template <class Fill>
RatingsView<Device> Cuda::fill_slot(Position ratings, const Fill& fill) {
  const Range range("stage");
  slots_[static_cast<std::size_t>(slot_)].released.record(gpu_.compute());  // all work on it has been enqueued
  slot_ = 1 - slot_;
  Slot& slot = slots_[static_cast<std::size_t>(slot_)];
  slot.released.hold(gpu_.copy());
  slot.memory.grow(checked_product(3 * Position{sizeof(RowId)}, ratings), gpu_.copy());
  fill(slot.memory.data());
  slot.filled.record(gpu_.copy());
  slot.filled.hold(gpu_.compute());
  auto* user = reinterpret_cast<RowId*>(slot.memory.data());
  return {{user, ratings}, {user + ratings, ratings}, {reinterpret_cast<float*>(user + 2 * ratings), ratings}};
}

/// In one copy, if it fits a pinned chunk.
RatingsView<Device> Cuda::stage(const RatingsView<Host>& ratings) {
  const Position bytes = ratings.size() * Position{sizeof(RowId)};
  return fill_slot(ratings.size(), [&](char* to) {
    transfer_.upload(gpu_.copy(), to,
                     {{ratings.user.data, bytes}, {ratings.item.data, bytes}, {ratings.value.data, bytes}});
  });
}

StagedBlocks<Device> Cuda::stage_blocks(const RatingsView<Host>& ratings, Span<const Block, Host> blocks) {
  std::vector<HostBytes> parts;
  const auto add = [&](const auto& values) {
    for (const Block& block : blocks) {
      parts.push_back({values.data + block.begin, (block.end - block.begin) * Position{sizeof(*values.data)}});
    }
  };
  add(ratings.user);
  add(ratings.item);
  add(ratings.value);
  staged_blocks_.assign(blocks.begin(), blocks.end());
  Position count = 0;
  for (Block& block : staged_blocks_) {
    const Position of_block = block.end - block.begin;
    block.begin = count;
    block.end = count += of_block;
  }
  const Span<const HostBytes, Host> all{parts.data(), static_cast<Position>(parts.size())};
  const RatingsView<Device> staged = fill_slot(count, [&](char* to) {
    constexpr Position kWorthACopy = 1 << 16;  // ratings: 256 KB; the bus reaches its rate with a megabyte
    const bool large = count >= kWorthACopy * blocks.size;
    if (large && is_pinned(ratings.user.data)) return Transfer::upload_pinned(gpu_.copy(), to, all);
    transfer_.upload(gpu_.copy(), to, all);
  });
  return {staged, {staged_blocks_.data(), blocks.size}};
}

/// The arrays of Side and extra_sums_, by name; Thrust's sort takes another key and value per rating and a histogram.
Position Cuda::batch_bytes(Position n_users, Position n_items, int rank, Position batch) const {
  constexpr Position kId = sizeof(RowId);
  Position bytes = 0;
  for (const Position rows : {n_users, n_items}) {
    const Position groups = std::min(rows, batch);
    if (order_ == Order::racing) {
      bytes += kId * (rows + 2 * groups + batch);
    } else {
      constexpr Position kSortArrays = 2, kHistogram = Position{1} << 20;
      bytes += kId * (4 * groups + (3 + kSortArrays) * batch) + kHistogram;
    }
  }
  if (order_ == Order::repeatable && batch > kSumChunk) {
    bytes += checked_product(batch / kSumChunk, rank) * Position{sizeof(float)};
  }
  return bytes;
}

/// Chunks: items of a range that fit half of the second cache, whose other half holds copies. Tiles: a block of the
/// grid for each multiprocessor, and items that fit shared memory, give or take an eighth: ranges have equal counts of
/// ratings, not of items.
GridWish Cuda::grid_wish() const {
  if (order_ == Order::repeatable) return {.in_block = BlockOrder::interleaved};
  if (plan_ == SgdPlan::chunks) return {.in_block = BlockOrder::by_user, .cache = gpu_.second_cache() / 2};
  return {.in_block = BlockOrder::by_user,
          .least_ranges = gpu_.multiprocessors(),
          .cache = gpu_.tile_bytes() - gpu_.tile_bytes() / 8};
}

ErrorSums* Cuda::error_partials(Position blocks) {
  if (blocks > errors_.size()) {
    DeviceBuffer<ErrorSums> larger(blocks, gpu_.compute());
    clear(larger.data(), larger.bytes());
    if (!errors_.empty()) {
      check_cuda(cudaMemcpyAsync(larger.data(), errors_.data(), static_cast<std::size_t>(errors_.bytes()),
                                 cudaMemcpyDeviceToDevice, gpu_.compute()),
                 "cudaMemcpyAsync on the device");
    }
    errors_ = std::move(larger);
  }
  error_blocks_ = std::max(error_blocks_, blocks);
  return errors_.data();
}

ErrorSums Cuda::take_errors() {
  ErrorSums sums;
  if (error_blocks_ == 0) return sums;
  const Range range("take errors");
  HostBuffer<ErrorSums> partials(error_blocks_);
  fetch(std::as_const(errors_).span().part(0, error_blocks_), partials.span());
  for (const ErrorSums& part : partials) sums += part;
  clear(errors_.data(), error_blocks_ * Position{sizeof(ErrorSums)});
  error_blocks_ = 0;
  return sums;
}

}  // namespace wf
