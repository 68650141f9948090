// Reads random rows and does next to nothing with them.
//
//   sums[n] = sum of table.row(rows[n])
//
// shapes  rows, sums [n]; table [count x rank], rank and pitch divisible by 4
// launch  eight lanes per row, 32 rows per block
// moves   4 * rank + 8 bytes per row
#include "bench/gather_rows.hpp"
#include "cuda/device/pair.cuh"

namespace wf {
namespace {

constexpr int kLanes = 8;  // 128 bytes at a time, the longest piece that a row of rank 32 has

__global__ void __launch_bounds__(kBlockThreads)
    gather_rows_kernel(Rows<const float, Device> table, Span<const RowId, Device> rows, Span<float, Device> sums) {
  const Walk walk = lanes_walk<kLanes>();
  const int lane = this_lane<kLanes>();
  for (Position first = walk.first; first - walk.first % (kWarp / kLanes) < rows.size; first += walk.step) {
    float sum = 0;
    if (first < rows.size) {
      const float* row = table.row(rows[first]);
#pragma unroll 4
      for (int f = 4 * lane; f < table.rank; f += 4 * kLanes) {
        const float4 x = load4(row + f);
        sum += x.x + x.y + x.z + x.w;
      }
    }
    for (int other = kLanes / 2; other > 0; other /= 2) sum += __shfl_xor_sync(kAllLanes, sum, other);
    if (lane == 0 && first < rows.size) sums[first] = sum;
  }
}

}  // namespace

void gather_rows(const Context& gpu, Rows<const float, Device> table, Span<const RowId, Device> rows,
                 Span<float, Device> sums) {
  launch(gpu, "gather_rows", lanes_over<kLanes>(rows.size), gather_rows_kernel, table, rows, sums);
}

}  // namespace wf
