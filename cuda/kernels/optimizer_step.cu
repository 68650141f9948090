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
    float* weights = table.row(row);
    const float* gradient = gradients.row(g);
    float* firsts = state.first.empty() ? nullptr : state.first.row(row);
    float* seconds = state.second.empty() ? nullptr : state.second.row(row);
    for (int f = this_lane(); f < table.rank; f += kWarp) {
      // values, not references: an address taken is a place in local memory
      float weight = weights[f];
      float first = firsts != nullptr ? firsts[f] : 0;
      float second = seconds != nullptr ? seconds[f] : 0;
      optimizer_rule<rule>(scalars, weight, gradient[f], first, second);
      weights[f] = weight;
      if (firsts != nullptr) firsts[f] = first;
      if (seconds != nullptr) seconds[f] = second;
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
