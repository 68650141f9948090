// What steps have left in the records, into the rows; the rows' squared lengths into the records.
//
//   row[f] *= scale of its part; scale = 1; length = sum over the part of row[f]^2
//
// shapes  table [n x rank] with records
// launch  a thread per row: once an epoch
// moves   12 * rank + 32 bytes per row; 4 * rank fewer where scales are 1
// order   sum_in_lanes: the same bits as the cpu engine
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/sgd_rules.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads) settle_rows_kernel(Rows<float, Device> table) {
  const Walk walk = thread_walk();
  for (Position r = walk.first; r < table.count; r += walk.step) settle_row(table.row(r), table.rank);
}

}  // namespace

void Cuda::settle_rows(Rows<float, Device> table) {
  if (table.empty()) return;
  launch(gpu_, "settle_rows", threads_over(table.count), settle_rows_kernel, table);
}

}  // namespace wf
