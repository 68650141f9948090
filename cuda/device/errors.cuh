// The error sums of a block, added up in a fixed tree.
#pragma once
#include "cuda/device/pair.cuh"
#include "host/kernels/error_sums.hpp"

namespace wf {

__device__ inline ErrorSums shuffled_down(const ErrorSums& sums, int lanes) {
  return {__shfl_down_sync(kAllLanes, sums.loss, lanes), __shfl_down_sync(kAllLanes, sums.squared, lanes),
          __shfl_down_sync(kAllLanes, sums.absolute, lanes), __shfl_down_sync(kAllLanes, sums.count, lanes),
          __shfl_down_sync(kAllLanes, sums.skipped, lanes)};
}

/// The sums of a few ratings: in float, as doubles are slow on many cards.
struct FewErrors {
  using Real = float;
  float loss = 0, squared = 0, absolute = 0;
  int count = 0;
};
__device__ inline void add(ErrorSums& to, const FewErrors& sums) {
  to.loss += static_cast<double>(sums.loss);
  to.squared += static_cast<double>(sums.squared);
  to.absolute += static_cast<double>(sums.absolute);
  to.count += sums.count;
}

__device__ inline void add(ErrorSums& to, const ErrorSums& sums) {
  to.loss += sums.loss;
  to.squared += sums.squared;
  to.absolute += sums.absolute;
  to.count += sums.count;
  to.skipped += sums.skipped;
}

/// Adds the sums of all threads of the block to *to. Callers: every thread, once; at most 1024 threads. One barrier.
__device__ inline void add_block_errors(ErrorSums sums, ErrorSums* to) {
  WF_SHARED(double, of_warp, [kWarp][3]);  // shared memory takes no type with a constructor
  WF_SHARED(Position, counts, [kWarp][2]);
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) add(sums, shuffled_down(sums, lanes));
  const unsigned warp = threadIdx.x / kWarp;
  if (threadIdx.x % kWarp == 0) {
    of_warp[warp][0] = sums.loss;
    of_warp[warp][1] = sums.squared;
    of_warp[warp][2] = sums.absolute;
    counts[warp][0] = sums.count;
    counts[warp][1] = sums.skipped;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned w = 1; w < blockDim.x / kWarp; ++w) {
    add(sums, ErrorSums{of_warp[w][0], of_warp[w][1], of_warp[w][2], counts[w][0], counts[w][1]});
  }
  add(*to, sums);
}

}  // namespace wf
