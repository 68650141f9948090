#include "cuda/kernels/cuda_kernels.hpp"

#include "cuda/runtime/ranges.hpp"

namespace wf {

Cuda::~Cuda() {
  cudaStreamSynchronize(gpu_.compute());
  cudaStreamSynchronize(gpu_.copy());
}

/// [user | item | value] in one allocation and, if it fits a pinned chunk, in one copy, under the compute of the
/// ratings staged before.
RatingsView<Device> Cuda::stage(const RatingsView<Host>& ratings) {
  const Range range("stage");
  const Position n = ratings.size();
  slots_[static_cast<std::size_t>(slot_)].released.record(gpu_.compute());  // all work on it has been enqueued
  slot_ = 1 - slot_;
  Slot& slot = slots_[static_cast<std::size_t>(slot_)];
  slot.released.hold(gpu_.copy());
  constexpr Position kArray = sizeof(RowId);
  slot.memory.grow(checked_product(3 * kArray, n), gpu_.copy());
  transfer_.upload(
      gpu_.copy(), slot.memory.data(),
      {{ratings.user.data, n * kArray}, {ratings.item.data, n * kArray}, {ratings.value.data, n * kArray}});
  slot.filled.record(gpu_.copy());
  slot.filled.hold(gpu_.compute());
  auto* user = reinterpret_cast<RowId*>(slot.memory.data());
  auto* value = reinterpret_cast<float*>(user + 2 * n);
  return {{user, n}, {user + n, n}, {value, n}};
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
