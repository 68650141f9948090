// Rows of dense optimizers and of momentum move in every step; here they are brought to where the steps they missed
// take them, when a batch touches them next or an epoch ends.
//
//   for t = last_step[row] + 1 .. step:  optimizer_rule(table[row], 0, state[row]);  momentum alone: a geometric series
//
// shapes  rows [n], kNoRow is skipped, or all rows of the table; state like the table
// launch  a warp per row, 8 rows per block
// moves   8 * rank bytes per row and kind of state, however many steps it missed
// order   every element by itself: repeatable
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <Rule rule>
__device__ void replay(const RuleSettings& settings, Position last, Position step, float& weight, float& first,
                       float& second) {
  if (settings.weight_decay == 0 && first == 0 && second == 0) return;  // nothing drives it
  if (rule == Rule::momentum && settings.weight_decay == 0) {
    return apply(momentum_series(settings, step - last), weight, first);
  }
  for (Position missed = last + 1; missed <= step; ++missed) {
    optimizer_rule<rule>(scalars_of_step(settings, missed), weight, 0.0F, first, second);
  }
}

template <Rule rule>
__global__ void __launch_bounds__(kBlockThreads)
    catch_up_kernel(RuleSettings settings, Position step, Rows<float, Device> table, Span<const RowId, Device> rows,
                    Position n_rows, OptimizerState<Device> state) {
  const Walk walk = lanes_walk();
  for (Position n = walk.first; n < n_rows; n += walk.step) {
    const Position row = rows.empty() ? n : rows[n];
    if (row == kNoRow) continue;
    const Position last = state.last_step[row];
    float unused = 0;
    for (int f = this_lane(); last < step && f < table.rank; f += kWarp) {
      float& first = state.first.empty() ? unused : state.first.row(row)[f];
      float& second = state.second.empty() ? unused : state.second.row(row)[f];
      replay<rule>(settings, last, step, table.row(row)[f], first, second);
    }
    __syncwarp();  // every lane has read last_step
    if (this_lane() == 0) state.last_step[row] = step;
  }
}

}  // namespace

void Cuda::catch_up(const RuleSettings& settings, Position step, Rows<float, Device> table,
                    Span<const RowId, Device> rows, Position n_rows, const OptimizerState<Device>& state) {
  if (state.last_step.empty() || n_rows == 0) return;
  const Range range("catch up");
  with_rule(settings.rule, [&](auto rule) {
    launch(gpu_, "catch_up", lanes_over(n_rows), catch_up_kernel<decltype(rule)::value>, settings, step, table, rows,
           n_rows, state);
  });
}

void Cuda::catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Device> table,
                         Span<const RowId, Device> rows, const OptimizerState<Device>& state) {
  catch_up(settings, step, table, rows, rows.size, state);
}

void Cuda::catch_up_table(const RuleSettings& settings, Position step, Rows<float, Device> table,
                          const OptimizerState<Device>& state) {
  catch_up(settings, step, table, {}, table.count, state);
}

}  // namespace wf
