// One number of each row to where the explicit objective is lowest, what is left of the ratings being kept.
//
//   rest -= pending of the row * pending of the partner
//   own <- own + (sum of rest v - ridge own) / (sum of v^2 + ridge)    v: the partners' numbers
//   rest -= change of own * v
//   Yu, Hsieh, Si, Dhillon: Scalable coordinate descent approaches to parallel matrix factorization for recommender
//   systems. ICDM 2012
//
// shapes  lists of n ratings and m rows; rests [n]; columns [m] or [partners]
// launch  a block of 256 threads per row
// moves   24 bytes per rating, and the partners' numbers, from a cache
// order   a thread's ratings, then a fixed tree, in double: on any device the same bits
#include "cuda/device/list_sums.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/descent_rules.hpp"

namespace wf {
namespace {

struct SlopeRoom {
  double slopes[kBlockWarps], curvatures[kBlockWarps];
  float change;
};

__global__ void __launch_bounds__(kBlockThreads)
    descend_column_kernel(RowListsView<Device> lists, Span<float, Device> rests, ColumnStep<Device> step,
                          SolveSettings settings) {
  WF_SHARED(SlopeRoom, room);
  const int thread = static_cast<int>(threadIdx.x);
  for (Position row = blockIdx.x; row < lists.rows(); row += gridDim.x) {
    const Position first = lists.begin[row] + thread, end = lists.begin[row + 1];
    const float pending = step.pending_own.empty() ? 0.0F : step.pending_own[row];
    double slope = 0, curvature = 0;
    for (Position n = first; n < end; n += kBlockThreads) {
      const RowId partner = lists.partner[n];
      float rest = rests[n];
      if (pending != 0) {
        rest -= pending * step.pending_change[partner];
        rests[n] = rest;
      }
      const auto v = static_cast<double>(step.partner[partner]);
      slope += static_cast<double>(rest) * v;
      curvature += v * v;
    }
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
      slope += __shfl_down_sync(kAllLanes, slope, lanes);
      curvature += __shfl_down_sync(kAllLanes, curvature, lanes);
    }
    if (this_lane() == 0) {
      room.slopes[thread / kWarp] = slope;
      room.curvatures[thread / kWarp] = curvature;
    }
    __syncthreads();
    if (thread == 0) {
      slope = curvature = 0;
      for (int warp = 0; warp < kBlockWarps; ++warp) {
        slope += room.slopes[warp];
        curvature += room.curvatures[warp];
      }
      const double ridge = settings.lambda * row_scale(settings, lists.count(row));
      const auto now =
          static_cast<float>(descended(static_cast<double>(step.own[row]), slope, curvature, ridge, lists.count(row)));
      room.change = now - step.own[row];
      step.change[row] = room.change;
      step.own[row] = now;
    }
    __syncthreads();
    for (Position n = first; n < end; n += kBlockThreads) rests[n] -= room.change * step.partner[lists.partner[n]];
    __syncthreads();
  }
}

}  // namespace

void Cuda::descend_column(const RowListsView<Device>& lists, Span<float, Device> rests, const ColumnStep<Device>& step,
                          const SolveSettings& settings) {
  if (lists.rows() == 0) return;
  const Range range("descend column");
  launch(gpu_, "descend_column", grid_over(lists.rows(), 1, kBlockThreads), descend_column_kernel, lists, rests, step,
         settings);
}

}  // namespace wf
