// A table by another one, or a copy of it.
//
//   to = from + rate * along        along empty: to = from
//
// shapes  from, along, to [m x rank], each of its own pitch: one may be a column of a table
// launch  a thread per element
// moves   12 bytes an element
// order   of one element: none
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    move_rows_kernel(Rows<const float, Device> from, Rows<const float, Device> along, float rate,
                     Rows<float, Device> to) {
  const Walk walk = thread_walk();
  for (Position at = walk.first; at < to.count * to.rank; at += walk.step) {
    const Position row = at / to.rank, f = at % to.rank;
    const float way = along.empty() ? 0.0F : rate * along.row(row)[f];
    to.row(row)[f] = from.row(row)[f] + way;
  }
}

}  // namespace

void Cuda::move_rows(Rows<const float, Device> from, Rows<const float, Device> along, float rate,
                     Rows<float, Device> to) {
  if (to.count == 0) return;
  const Range range("move rows");
  launch(gpu_, "move_rows", threads_over(checked_product(to.count, to.rank)), move_rows_kernel, from, along, rate, to);
}

}  // namespace wf
