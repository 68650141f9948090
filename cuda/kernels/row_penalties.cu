// The penalties of a table's rows.
//
//   sums.loss += lambda s(r) |r|^2 over all rows
//
// shapes  table [m x rank]; lists of m rows, for their lengths; one ErrorSums per block
// launch  a warp per row
// moves   4 * rank + 16 bytes a row
// order   a lane's elements, then a fixed tree that depends on m alone, in double: repeatable
#include "cuda/device/errors.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    row_penalties_kernel(RowListsView<Device> lists, Rows<const float, Device> table, SolveSettings settings,
                         ErrorSums* sums_of_block) {
  ErrorSums sums;
  const Walk walk = lanes_walk();
  for (Position row = walk.first; row < table.count; row += walk.step) {
    const double ridge = settings.lambda * row_scale(settings, lists.count(row));
    for (int f = this_lane(); f < table.rank; f += kWarp) {
      const auto value = static_cast<double>(table.row(row)[f]);
      sums.loss += ridge * value * value;
    }
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

void Cuda::row_penalties(const RowListsView<Device>& lists, Rows<const float, Device> table,
                         const SolveSettings& settings) {
  if (table.count == 0) return;
  const Range range("row penalties");
  const Shape shape = lanes_over(table.count);
  launch(gpu_, "row_penalties", shape, row_penalties_kernel, lists, table, settings, error_partials(shape.blocks));
}

}  // namespace wf
