// nn.Embedding's max_norm on the distinct rows of a batch, in place, before anybody reads them.
//
//   row *= max_norm / (|row| + 1e-7)  where |row| > max_norm
//
// shapes  rows [groups], kNoRow is skipped; table [count x rank]
// launch  two lanes per row, 128 rows per block
// moves   8 * rank bytes per row, 4 more for each that is shortened
// order   norms in sum_in_lanes' order, in double: the same bits as the cpu engine for norms 1, 2 and infinity
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    renormalise_rows_kernel(Rows<float, Device> table, Span<const RowId, Device> rows, NormLimit limit) {
  for (PairWalk walk = pair_walk(rows.size); walk.warp_has_work(); walk.piece += walk.step) {
    const bool here = walk.has_piece() && rows[walk.piece] != kNoRow;
    float* row = here ? table.row(rows[walk.piece]) : nullptr;
    const float factor = renorm_factor(pair_norm(here, row, table.rank, limit.norm_type), limit);
    __syncwarp();  // both have read the row before either writes it
    for (int f = this_half(); here && f < table.rank; f += kPair) row[f] *= factor;
  }
}

}  // namespace

void Cuda::renormalise_rows(Rows<float, Device> table, Span<const RowId, Device> rows, const NormLimit& limit) {
  if (rows.empty()) return;
  const Range range("renormalise rows");
  launch(gpu_, "renormalise_rows", pairs_over(rows.size), renormalise_rows_kernel, table, rows, limit);
}

}  // namespace wf
