// Weighted sums of a table's columns.
//
//   sums[f] = sum over the rows r of table: weight[r] (empty: 1) * r[f]
//
// shapes  table [n x rank]; weights [n] or empty; sums [rank]
// launch  a block per 4096 rows and 32 columns, a warp for each eighth row; then a thread per column adds up the pieces
// moves   4 * rank + 4 bytes a row
// order   a warp's rows, warps, pieces, in double: on any device the same bits
#include "cuda/device/list_sums.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    column_pieces_kernel(Rows<const float, Device> table, Span<const float, Device> weights, int strips,
                         Position pieces, double* parts) {
  WF_SHARED(double, room, [kBlockWarps][kWarp]);
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = this_lane();
  for (Position at = blockIdx.x; at < pieces * strips; at += gridDim.x) {
    const Position piece = at / strips;
    const int column = static_cast<int>(at % strips) * kWarp + lane;
    const Position end = min((piece + 1) * kSummedAtOnce, table.count);
    double sum = 0;
    for (Position row = piece * kSummedAtOnce + warp; row < end && column < table.rank; row += kBlockWarps) {
      const double value = static_cast<double>(__ldg(table.row(row) + column));
      sum += weights.empty() ? value : static_cast<double>(weights[row]) * value;
    }
    room[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && column < table.rank) {
      double total = 0;
      for (int w = 0; w < kBlockWarps; ++w) total += room[w][lane];
      parts[piece * table.rank + column] = total;
    }
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    add_column_pieces_kernel(const double* parts, Position pieces, Span<float, Device> sums) {
  const Walk walk = thread_walk();
  for (Position f = walk.first; f < sums.size; f += walk.step) {
    double sum = 0;
    for (Position piece = 0; piece < pieces; ++piece) sum += parts[piece * sums.size + f];
    sums[f] = static_cast<float>(sum);
  }
}

}  // namespace

void Cuda::column_sums(Rows<const float, Device> table, Span<const float, Device> weights, Span<float, Device> sums) {
  const Range range("column sums");
  const Position pieces = (table.count + kSummedAtOnce - 1) / kSummedAtOnce;
  const int strips = (table.rank + kWarp - 1) / kWarp;
  column_parts_.grow(checked_product(pieces, table.rank), gpu_.compute());
  if (pieces > 0) {
    launch(gpu_, "column_sums", grid_over(pieces * strips, 1, kBlockThreads), column_pieces_kernel, table, weights,
           strips, pieces, column_parts_.data());
  }
  launch(gpu_, "column_sums", threads_over(table.rank), add_column_pieces_kernel, column_parts_.data(), pieces,
         Span<float, Device>{sums.data, table.rank});
}

}  // namespace wf
