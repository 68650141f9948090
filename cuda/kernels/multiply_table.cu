// A tall table times a small one.
//
//   out[r][c] = sum over f of left[r][f] * right[f][c]
//
// shapes  left [n x rank]; right [rank x columns]; out [n x columns]
// launch  a thread per column and four rows: the small table comes from the cache, once for four rows
// moves   4 * (rank + columns) bytes a row; 2 * rank * columns operations. cuBLAS would do them in an order that
//         depends on the device
// order   f ascending: on any device the same bits
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

constexpr int kRowsAtOnce = 4;

__global__ void __launch_bounds__(kBlockThreads)
    multiply_table_kernel(Rows<const float, Device> left, Rows<const float, Device> right, Rows<float, Device> out) {
  const Walk walk = thread_walk();
  const Position groups = (left.count + kRowsAtOnce - 1) / kRowsAtOnce;
  for (Position at = walk.first; at < groups * right.rank; at += walk.step) {
    const Position first = at / right.rank * kRowsAtOnce;
    const int column = static_cast<int>(at % right.rank);
    const float* rows[kRowsAtOnce];
    for (int r = 0; r < kRowsAtOnce; ++r) rows[r] = left.row(min(first + r, left.count - 1));
    float sums[kRowsAtOnce] = {};
    for (int f = 0; f < left.rank; ++f) {
      const float factor = __ldg(right.row(f) + column);
#pragma unroll
      for (int r = 0; r < kRowsAtOnce; ++r) sums[r] += __ldg(rows[r] + f) * factor;
    }
    for (int r = 0; r < kRowsAtOnce && first + r < left.count; ++r) out.row(first + r)[column] = sums[r];
  }
}

}  // namespace

void Cuda::multiply_table(Rows<const float, Device> left, Rows<const float, Device> right, Rows<float, Device> out) {
  if (left.count == 0) return;
  const Range range("multiply table");
  const Position groups = (left.count + kRowsAtOnce - 1) / kRowsAtOnce;
  launch(gpu_, "multiply_table", threads_over(checked_product(groups, right.rank)), multiply_table_kernel, left, right,
         out);
}

}  // namespace wf
