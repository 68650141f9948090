// The gradient of each distinct row of a batch.
//
//   gradients[g] = sum over members m of group g of slopes[m] * partner_table[partners[m]]
//   then, as the options say:  / count(g);  + count(g) * penalty_scale * penalties[row] * own_table[row]
//
// shapes  slopes, partners [n]; gradients [groups x rank]; bias_gradients: rank 1, partner 1
// racing      launch  gradient rows cleared; then lanes per rating that each hold four elements, `red` by vectors on
// sm_90
//             moves   12 * rank + 12 bytes per rating, 4 * rank per distinct row
//             order   atomics race: the same up to rounding
// repeatable  launch  lanes per chunk of kSumChunk members; then chunks beyond the first are added to their row
//             moves   4 * rank + 12 bytes per rating, 4 * rank per distinct row, no atomics
//             order   members in batch order within a chunk, chunks in order: the cpu engine's bits
#include "cuda/device/pair.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

/// Four consecutive elements, added one by one by whoever comes: as one instruction where the device has it.
__device__ inline void atomic_add4(float* to, float4 values) {
#if WF_ARCH >= 900
  atomicAdd(reinterpret_cast<float4*>(to), values);
#else
  atomicAdd(to, values.x);
  atomicAdd(to + 1, values.y);
  atomicAdd(to + 2, values.z);
  atomicAdd(to + 3, values.w);
#endif
}

__global__ void __launch_bounds__(kBlockThreads)
    clear_gradients_kernel(Span<const RowId, Device> rows, Rows<float, Device> gradients) {
  const Walk walk = lanes_walk();
  for (Position g = walk.first; g < rows.size; g += walk.step) {
    if (rows[g] == kNoRow) continue;
    for (int f = this_lane(); f < gradients.rank; f += kWarp) gradients.row(g)[f] = 0;
  }
}

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    scatter_gradients_kernel(Span<const RowId, Device> group_of, Span<const float, Device> slopes,
                             Span<const RowId, Device> partners, Rows<const float, Device> partner_table,
                             Rows<float, Device> gradients, Rank rank) {
  constexpr int kLanes = Rank::kLanes;
  const Walk walk = lanes_walk<kLanes>();
  const int lane = this_lane<kLanes>();
  for (Position n = walk.first; n < slopes.size; n += walk.step) {
    const float slope = slopes[n];
    const float* partner = partner_table.row(partners[n]);
    float* gradient = gradients.row(group_of[n]);
    if constexpr (Rank::kVector) {
      for (int f = 4 * lane; f < rank.count(); f += 4 * kLanes) {
        const float4 q = load4(partner + f);
        atomic_add4(gradient + f, make_float4(slope * q.x, slope * q.y, slope * q.z, slope * q.w));
      }
    } else {
      for (int f = lane; f < rank.count(); f += kLanes) atomicAdd(gradient + f, slope * __ldg(partner + f));
    }
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    scatter_bias_gradients_kernel(Span<const RowId, Device> group_of, Span<const float, Device> slopes,
                                  Rows<float, Device> gradients) {
  const Walk walk = thread_walk();
  for (Position n = walk.first; n < slopes.size; n += walk.step) atomicAdd(gradients.row(group_of[n]), slopes[n]);
}

/// Members begin .. end - 1 of group `group`, and the row that takes their sum.
struct Chunk {
  Position begin, end;
  float* sum;
};

/// Piece `at` of the work: first the groups' first chunks, then the chunks beyond, which know their group by bisection.
__device__ inline Chunk chunk_of(const RowGroups<Device>& groups, Position at, Rows<float, Device> gradients,
                                 Rows<float, Device> extra_sums) {
  if (at < groups.rows.size) {
    if (groups.rows[at] == kNoRow) return {0, 0, nullptr};
    const Position begin = groups.starts[at];
    return {begin, begin + min(groups.counts[at], kSumChunk), gradients.row(at)};
  }
  const Position extra = at - groups.rows.size;
  if (groups.extra_ends.empty() || extra >= groups.extra_ends[groups.rows.size - 1]) return {0, 0, nullptr};
  Position low = 0, high = groups.rows.size - 1;  // the first group whose chunks end beyond `extra`
  while (low < high) {
    const Position middle = (low + high) / 2;
    if (groups.extra_ends[middle] > extra)
      high = middle;
    else
      low = middle + 1;
  }
  const Position before = low == 0 ? 0 : groups.extra_ends[low - 1];
  const Position first = (1 + extra - before) * kSumChunk;
  const Position begin = groups.starts[low];
  return {begin + first, begin + min(Position{groups.counts[low]}, first + kSumChunk), extra_sums.row(extra)};
}

// 4 blocks a multiprocessor: 64 registers, so that the loads of four members are in flight at once
template <class Rank>
__global__ void __launch_bounds__(kBlockThreads, 4)
    sum_chunks_kernel(RowGroups<Device> groups, Position pieces, Span<const float, Device> slopes,
                      Span<const RowId, Device> partners, Rows<const float, Device> partner_table,
                      Rows<float, Device> gradients, Rows<float, Device> extra_sums, Rank rank) {
  constexpr int kLanes = Rank::kLanes;
  const Walk walk = lanes_walk<kLanes>();
  const int lane = this_lane<kLanes>();
  for (Position at = walk.first; at < pieces; at += walk.step) {
    const Chunk chunk = chunk_of(groups, at, gradients, extra_sums);
    if constexpr (Rank::kVector) {
      for (int f = 4 * lane; chunk.sum != nullptr && f < rank.count(); f += 4 * kLanes) {
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 4
        for (Position m = chunk.begin; m < chunk.end; ++m) {
          const RowId member = groups.members[m];
          const float slope = slopes[member];
          const float4 q = load4(partner_table.row(partners[member]) + f);
          sum = make_float4(sum.x + slope * q.x, sum.y + slope * q.y, sum.z + slope * q.z, sum.w + slope * q.w);
        }
        *reinterpret_cast<float4*>(chunk.sum + f) = sum;
      }
    } else {
      for (int f = lane; chunk.sum != nullptr && f < rank.count(); f += kLanes) {
        float sum = 0;
#pragma unroll 4
        for (Position m = chunk.begin; m < chunk.end; ++m) {
          const RowId member = groups.members[m];
          sum += slopes[member] * __ldg(partner_table.row(partners[member]) + f);
        }
        chunk.sum[f] = sum;
      }
    }
  }
}

/// A warp per group: lanes take chunks in turn, then their sums are added in order.
__global__ void __launch_bounds__(kBlockThreads)
    sum_bias_chunks_kernel(RowGroups<Device> groups, Span<const float, Device> slopes, Rows<float, Device> gradients) {
  const Walk walk = lanes_walk();
  for (Position g = walk.first; g < groups.rows.size; g += walk.step) {
    if (groups.rows[g] == kNoRow) continue;
    const Position end = Position{groups.starts[g]} + groups.counts[g];
    float sum = 0;
    for (Position first = groups.starts[g]; first < end; first += kWarp * kSumChunk) {
      const Position begin = first + this_lane() * kSumChunk;
      float chunk = 0;
      for (Position m = begin; m < min(end, begin + kSumChunk); ++m) chunk += slopes[groups.members[m]];
      for (int lane = 0; lane < kWarp; ++lane) {
        const float next = __shfl_sync(kAllLanes, chunk, lane);
        if (first + lane * kSumChunk < end) sum += next;
      }
    }
    if (this_lane() == 0) *gradients.row(g) = sum;
  }
}

/// What follows the sums of first chunks or of atomics: a warp per group.
__global__ void __launch_bounds__(kBlockThreads)
    finish_gradients_kernel(RowGroups<Device> groups, Rows<const float, Device> extra_sums,
                            Rows<const float, Device> own_table, GradientOptions<Device> options,
                            Rows<float, Device> gradients) {
  const Walk walk = lanes_walk();
  for (Position g = walk.first; g < groups.rows.size; g += walk.step) {
    const RowId row = groups.rows[g];
    if (row == kNoRow) continue;
    const Position first_extra = groups.extra_ends.empty() || g == 0 ? 0 : groups.extra_ends[g - 1];
    const Position last_extra = groups.extra_ends.empty() ? 0 : groups.extra_ends[g];
    const auto count = static_cast<float>(groups.counts[g]);
    const float decay = count * options.penalty_scale * penalty_of(options.penalties, row);
    for (int f = this_lane(); f < gradients.rank; f += kWarp) {
      float sum = gradients.row(g)[f];
      for (Position extra = first_extra; extra < last_extra; ++extra) sum += extra_sums.row(extra)[f];
      if (options.scale_grad_by_freq) sum /= count;
      if (decay != 0) sum += decay * own_table.row(row)[f];
      gradients.row(g)[f] = sum;
    }
  }
}

}  // namespace

void Cuda::clear_gradients(const RowGroups<Device>& groups, Rows<float, Device> gradients) {
  launch(gpu_, "row_gradients", lanes_over(groups.rows.size), clear_gradients_kernel, groups.rows, gradients);
}

void Cuda::finish_gradients(const RowGroups<Device>& groups, Rows<const float, Device> extra_sums,
                            Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                            Rows<float, Device> gradients) {
  if (extra_sums.empty() && !options.scale_grad_by_freq && options.penalties.empty()) return;
  RowGroups<Device> summed = groups;
  if (extra_sums.empty()) summed.extra_ends = {};
  launch(gpu_, "row_gradients", lanes_over(groups.rows.size), finish_gradients_kernel, summed, extra_sums, own_table,
         options, gradients);
}

void Cuda::row_gradients(const RowGroups<Device>& groups, Span<const float, Device> slopes,
                         Span<const RowId, Device> partners, Rows<const float, Device> partner_table,
                         Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                         Rows<float, Device> gradients) {
  if (slopes.empty()) return;
  const Range range("row gradients");
  const int rank = gradients.rank;
  Rows<float, Device> extra_sums{nullptr, 0, rank, rank};
  if (!groups.extra_ends.empty()) {
    extra_sums.count = slopes.size / kSumChunk;  // a group of c members has (c - 1) / kSumChunk chunks beyond the first
    extra_sums_.grow(checked_product(extra_sums.count, rank), gpu_.compute());
    extra_sums.data = extra_sums_.data();
  }
  const bool vector = has_vector_rows(partner_table) && has_vector_rows(gradients);
  if (order_ == Order::racing) clear_gradients(groups, gradients);
  with_rank(rank, vector, [&](auto of) {
    using Rank = decltype(of);
    if (order_ == Order::racing) {
      launch(gpu_, "row_gradients", lanes_over<Rank::kLanes>(slopes.size), scatter_gradients_kernel<Rank>,
             groups.group_of, slopes, partners, partner_table, gradients, of);
    } else {
      const Position pieces = groups.rows.size + extra_sums.count;
      launch(gpu_, "row_gradients", lanes_over<Rank::kLanes>(pieces), sum_chunks_kernel<Rank>, groups, pieces, slopes,
             partners, partner_table, gradients, extra_sums, of);
    }
  });
  finish_gradients(groups, extra_sums, own_table, options, gradients);
}

void Cuda::bias_gradients(const RowGroups<Device>& groups, Span<const float, Device> slopes,
                          Rows<const float, Device> own_table, const GradientOptions<Device>& options,
                          Rows<float, Device> gradients) {
  if (slopes.empty()) return;
  const Range range("bias gradients");
  if (order_ == Order::racing) {
    clear_gradients(groups, gradients);
    launch(gpu_, "bias_gradients", threads_over(slopes.size), scatter_bias_gradients_kernel, groups.group_of, slopes,
           gradients);
  } else {
    launch(gpu_, "bias_gradients", lanes_over(groups.rows.size), sum_bias_chunks_kernel, groups, slopes, gradients);
  }
  finish_gradients(groups, {}, own_table, options, gradients);
}

}  // namespace wf
