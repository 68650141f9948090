// Weighted sums of the partners of a list, by a block: its warps take ratings in turn, a lane some columns.
#pragma once
#include "cuda/device/walk.cuh"
#include "host/base/view.hpp"

namespace wf {

inline constexpr int kBlockWarps = kBlockThreads / kWarp;
inline constexpr int kLaneColumns = 4;
inline constexpr int kColumnsAtOnce = kLaneColumns * kWarp;

/// Terms that a lane adds to one running sum, before that is added to the sum of the sums: the rounding of 2^8 terms.
inline constexpr int kLaneTerms = 256;

/// Sums by warp of some columns.
struct WarpSums {
  float values[kBlockWarps][kColumnsAtOnce];
};

/// use(column, sum) with sum of weight(n) * row(n)[column] over n = first .. end - 1, for each of `columns` columns by
/// one thread. weight and row are called by whole warps. Order: a warp's terms, then warps. Callers: all threads of
/// the block; a barrier is behind.
template <class Weight, class RowOf, class Use>
__device__ void sum_list(Position first, Position end, int columns, const Weight& weight, const RowOf& row,
                         WarpSums& room, const Use& use) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  for (int from = 0; from < columns; from += kColumnsAtOnce) {
    float total[kLaneColumns] = {};
    for (Position n = first + warp; n < end; n += kBlockWarps * kLaneTerms) {
      float sum[kLaneColumns] = {};
      for (Position at = n; at < min(n + kBlockWarps * kLaneTerms, end); at += kBlockWarps) {
        const float factor = weight(at);
        const float* const values = row(at) + from;
#pragma unroll
        for (int j = 0; j < kLaneColumns; ++j) {
          const int f = this_lane() + j * kWarp;
          if (from + f < columns) sum[j] += factor * __ldg(values + f);
        }
      }
#pragma unroll
      for (int j = 0; j < kLaneColumns; ++j) total[j] += sum[j];
    }
#pragma unroll
    for (int j = 0; j < kLaneColumns; ++j) room.values[warp][this_lane() + j * kWarp] = total[j];
    __syncthreads();
    const int f = static_cast<int>(threadIdx.x);
    if (f < kColumnsAtOnce && from + f < columns) {
      float sum = 0;
      for (int w = 0; w < kBlockWarps; ++w) sum += room.values[w][f];
      use(from + f, sum);
    }
    __syncthreads();
  }
}

}  // namespace wf
