// The inner loops of mini-batches, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/simd.hpp"
#include "host/kernels/op_types.hpp"

namespace wf {

/// Gradients of one side's groups: out[g] = sum over members m of slopes[m] * partner_table[partners[m]], and options.
struct GradientTask {
  RowGroups<Host> groups;
  Span<const RowId, Host> partners;
  Rows<const float, Host> partner_table, own_table;
  GradientOptions<Host> options;
};

/// Where slopes come from while gradients are summed.
struct ScoreTask {
  ModelView<const float, Host> model;
  RatingsView<Host> batch;
  Loss loss = Loss::mse;
  float scale = 1;
  Span<float, Host> slopes;  ///< out
};

/// One optimizer step of table[rows[g]].
struct StepTask {
  Rule rule = Rule::sgd;
  StepScalars scalars;
  Position step = 0;
  Rows<float, Host> table;
  Span<const RowId, Host> rows;
  RowId skip = -1;
  OptimizerState<Host> state;
};

/// Each works on groups begin .. end - 1, writes what belongs to them alone, and allocates nothing.
struct BatchLoops {
  /// The gradient of group g into row g of `out`.
  void (*gradients)(const GradientTask& task, Span<const float, Host> slopes, Position begin, Position end,
                    const Rows<float, Host>& out);
  /// The same of users, whose groups' ratings are scored on the way; returns their errors, in the order of members.
  ErrorSums (*scored_gradients)(const GradientTask& task, const ScoreTask& scores, Position begin, Position end,
                                const Rows<float, Host>& out);
  /// The step of group g's row by row g of `gradients`.
  void (*steps)(const StepTask& task, const Rows<const float, Host>& gradients, Position begin, Position end);
  /// Gradients and at once the steps: a gradient never leaves the first cache.
  void (*gradient_steps)(const GradientTask& task, Span<const float, Host> slopes, const StepTask& step, Position begin,
                         Position end);
};

/// For an instruction set that usable_simd() has.
const BatchLoops& batch_loops(Simd simd);

const BatchLoops& batch_loops_portable();
#if defined(__x86_64__)
const BatchLoops& batch_loops_avx2();
const BatchLoops& batch_loops_avx512();
#endif

}  // namespace wf
