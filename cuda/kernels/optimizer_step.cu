// One optimizer step on the distinct rows of a batch.
//
//   table[rows[g]], state[rows[g]] = optimizer_rule(table[rows[g]], gradients[g], state[rows[g]])
//
// shapes  rows [groups], kNoRow and the padding row are skipped; gradients [groups x rank]; state like the table
// launch  a warp per row, 8 rows per block
// moves   12 * rank bytes per row, 8 * rank more per kind of state
// order   every element by itself: repeatable; plain sgd has the cpu engine's bits
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <Rule rule>
__global__ void __launch_bounds__(kBlockThreads)
    optimizer_step_kernel(StepScalars scalars, Position step, Rows<float, Device> table, Span<const RowId, Device> rows,
                          Rows<const float, Device> gradients, RowId skip, OptimizerState<Device> state) {
  const Walk walk = lanes_walk();
  for (Position g = walk.first; g < rows.size; g += walk.step) {
    const RowId row = rows[g];
    if (row == kNoRow || row == skip) continue;
    float unused = 0;
    for (int f = this_lane(); f < table.rank; f += kWarp) {
      float& first = state.first.empty() ? unused : state.first.row(row)[f];
      float& second = state.second.empty() ? unused : state.second.row(row)[f];
      optimizer_rule<rule>(scalars, table.row(row)[f], gradients.row(g)[f], first, second);
    }
    if (this_lane() == 0 && !state.last_step.empty()) state.last_step[row] = step;
  }
}

}  // namespace

void Cuda::optimizer_step(const RuleSettings& settings, Position step, Rows<float, Device> table,
                          Span<const RowId, Device> rows, Rows<const float, Device> gradients, RowId skip,
                          const OptimizerState<Device>& state) {
  if (rows.empty()) return;
  const Range range("optimizer step");
  const StepScalars scalars = scalars_of_step(settings, step);
  with_rule(settings.rule, [&](auto rule) {
    launch(gpu_, "optimizer_step", lanes_over(rows.size), optimizer_step_kernel<decltype(rule)::value>, scalars, step,
           table, rows, gradients, skip, state);
  });
}

}  // namespace wf
