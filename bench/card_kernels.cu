// Visits random rows and does next to nothing with them.
//
//   read: sums[n] = sum of table.row(rows[n]); write, add: table.row(rows[n]) += 1
//
// shapes  rows [n]; sums [n]; table [count x rank], rank 32, 64 or 128, pitch = rank
// launch  rank / 4 lanes a row, 16 bytes each
// moves   4 * rank + 4 bytes a visit, and as many again where rows are written
// order   none: of two writes of a row at one time one is lost; additions are not
#include "bench/card_kernels.hpp"
#include "cuda/device/pair.cuh"

namespace wf {
namespace {

template <int kLanes, Visit kVisit>
__global__ void __launch_bounds__(kBlockThreads)
    visit_rows_kernel(Rows<float, Device> table, Span<const RowId, Device> rows, Span<float, Device> sums) {
  const Walk walk = lanes_walk<kLanes>();
  const int lane = this_lane<kLanes>();
  for (Position n = walk.first; n - walk.first % (kWarp / kLanes) < rows.size; n += walk.step) {
    const bool active = n < rows.size;
    auto* const vector = active ? reinterpret_cast<float4*>(table.row(rows[n])) + lane : nullptr;
    if constexpr (kVisit == Visit::add) {
      if (!active) continue;
#if WF_ARCH >= 900
      atomicAdd(vector, float4{1, 1, 1, 1});
#else
      for (int f = 0; f < 4; ++f) atomicAdd(reinterpret_cast<float*>(vector) + f, 1.0F);
#endif
    } else {
      const float4 x = active ? __ldcg(vector) : float4{0, 0, 0, 0};
      if constexpr (kVisit == Visit::write) {
        if (active) __stcg(vector, float4{x.x + 1, x.y + 1, x.z + 1, x.w + 1});
      } else {
        float sum = x.x + x.y + x.z + x.w;
        for (int other = kLanes / 2; other > 0; other /= 2) sum += __shfl_xor_sync(kAllLanes, sum, other);
        if (active && lane == 0) sums[n] = sum;
      }
    }
  }
}

template <int kLanes>
void visit_rows_by(const Context& gpu, Visit visit, Rows<float, Device> table, Span<const RowId, Device> rows,
                   Span<float, Device> sums) {
  const auto kernel = visit == Visit::read    ? visit_rows_kernel<kLanes, Visit::read>
                      : visit == Visit::write ? visit_rows_kernel<kLanes, Visit::write>
                                              : visit_rows_kernel<kLanes, Visit::add>;
  if (visit == Visit::write) allow_races(table.data);
  launch(gpu, "visit_rows", lanes_over<kLanes>(rows.size), kernel, table, rows, sums);
}

}  // namespace

void visit_rows(const Context& gpu, Visit visit, Rows<float, Device> table, Span<const RowId, Device> rows,
                Span<float, Device> sums) {
  if (table.rank == 32) return visit_rows_by<8>(gpu, visit, table, rows, sums);
  if (table.rank == 64) return visit_rows_by<16>(gpu, visit, table, rows, sums);
  if (table.rank == 128) return visit_rows_by<32>(gpu, visit, table, rows, sums);
  throw std::logic_error("visit_rows: rows of 32, 64 or 128 values");
}

}  // namespace wf
