// What steps have left in the records, into the rows; the rows' squared lengths into the records.
//
//   row[f] *= scale of its part; scale = 1; length = sum over the part of row[f]^2
//
// shapes  tables.user [n_users x rank], .item [n_items x rank], with records
// launch  a thread per row: once an epoch
// moves   12 * rank + 32 bytes per row; 4 * rank fewer where scales are 1, as always with factors of 16 bits
// order   sum_in_lanes: the same bits as the cpu engine
#include "cuda/device/half.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/sgd_rules.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads) settle_rows_kernel(Rows<float, Device> table) {
  const Walk walk = thread_walk();
  for (Position r = walk.first; r < table.count; r += walk.step) settle_row(table.row(r), table.rank);
}

/// Of factors of 16 bits, whose scales are always 1.
__global__ void __launch_bounds__(kBlockThreads) measure_rows_kernel(Rows<float, Device> table, Storage storage) {
  const Walk walk = thread_walk();
  for (Position r = walk.first; r < table.count; r += walk.step) {
    float* const row = table.row(r);
    measure_row(row, table.rank, [=](int f) {
      const float2 pair = from_pair(storage, reinterpret_cast<const unsigned*>(row)[f / 2]);
      return f % 2 == 0 ? pair.x : pair.y;
    });
  }
}

}  // namespace

void Cuda::settle_rows(const SgdTables<Device>& tables) {
  for (const Rows<float, Device>& table : {tables.user, tables.item}) {
    if (table.empty()) continue;
    const Shape shape = threads_over(table.count);
    if (tables.storage == Storage::fp32) {
      launch(gpu_, "settle_rows", shape, settle_rows_kernel, table);
    } else {
      launch(gpu_, "settle_rows", shape, measure_rows_kernel, table, tables.storage);
    }
  }
}

}  // namespace wf
