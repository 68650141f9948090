// Rows of dense optimizers and of momentum move in every step; here they are brought to where the steps they missed
// take them, when a batch touches them next or an epoch ends.
//
//   for t = last_step[row] + 1 .. step:  optimizer_rule(table[row], 0, state[row]);  momentum alone: a geometric series
//
// shapes  rows [n], kNoRow is skipped, or all rows of the table; state like the table
// launch  a warp per row, 8 rows per block
// moves   8 * rank bytes per row and kind of state for every 32 steps it missed
// order   every element by itself: repeatable
#include "cuda/device/pair.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

/// The scalars of the step that `lane` computed. Only the bias corrections differ from step to step; their powers in
/// double are the dearest part of a replay, so every lane computes those of one step for all.
__device__ inline StepScalars scalars_of(const StepScalars& mine, int lane) {
  StepScalars scalars = mine;
  scalars.step_size = __shfl_sync(kAllLanes, mine.step_size, lane);
  scalars.root_correction2 = __shfl_sync(kAllLanes, mine.root_correction2, lane);
  return scalars;
}

/// One row by a warp: kWarp missed steps at a time, and within them each element from its first to its last step.
template <Rule rule>
__device__ void replay(const RuleSettings& settings, Position last, Position step, int rank, float* weights,
                       float* firsts, float* seconds) {
  for (Position before = last; before < step; before += kWarp) {
    const int steps = static_cast<int>(min(step - before, Position{kWarp}));
    const StepScalars mine = scalars_of_step(settings, before + 1 + this_lane());
    for (int base = 0; base < rank; base += kWarp) {
      const int f = base + this_lane();
      const bool here = f < rank;
      float weight = here ? weights[f] : 0;
      float first = here && firsts != nullptr ? firsts[f] : 0;
      float second = here && seconds != nullptr ? seconds[f] : 0;
      const bool driven = settings.weight_decay != 0 || first != 0 || second != 0;
      for (int t = 0; t < steps; ++t) {
        const StepScalars scalars = scalars_of(mine, t);
        if (driven) optimizer_rule<rule>(scalars, weight, 0.0F, first, second);
      }
      if (!here) continue;
      weights[f] = weight;
      if (firsts != nullptr) firsts[f] = first;
      if (seconds != nullptr) seconds[f] = second;
    }
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
    float* firsts = state_row(state.first, row);
    float* seconds = state_row(state.second, row);
    if (rule == Rule::momentum && settings.weight_decay == 0) {
      const MomentumSeries series = momentum_series(settings, step - last);
      for (int f = this_lane(); last < step && f < table.rank; f += kWarp) apply(series, table.row(row)[f], firsts[f]);
    } else {
      replay<rule>(settings, last, step, table.rank, table.row(row), firsts, seconds);
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
