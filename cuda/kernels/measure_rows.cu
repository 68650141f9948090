// The squared lengths of all rows, of their slow and of their other factors, into row_adagrad's state.
//
//   state[kSlowLength] = sum over f < 8 of row[f]^2;  state[kFastLength] = sum over the others
//
// shapes  table [n x rank], states [n x 4]
// launch  a thread per row: once an epoch
// moves   4 * rank + 8 bytes per row
// order   sum_in_lanes: the same bits as the cpu engine
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/sgd_rules.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    measure_rows_kernel(Rows<const float, Device> table, Rows<float, Device> states) {
  const Walk walk = thread_walk();
  for (Position r = walk.first; r < table.count; r += walk.step) measure_row(table.row(r), table.rank, states.row(r));
}

}  // namespace

void Cuda::measure_rows(Rows<const float, Device> table, Rows<float, Device> states) {
  if (table.empty()) return;
  launch(gpu_, "measure_rows", threads_over(table.count), measure_rows_kernel, table, states);
}

}  // namespace wf
