// The inner loops of mini-batches, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/simd.hpp"
#include "host/kernels/op_types.hpp"

namespace wf {

/// Gradients of one side's groups: out[g] = sum over members of slope * the partner's row, and options.
struct GradientTask {
  RowGroups<Host> groups;
  Rows<const float, Host> partner_table, own_table;
  GradientOptions<Host> options;
};

/// The slope of each member of the batch, and its partner's row.
struct MemberSlopes {
  Span<const float, Host> slopes;
  Span<const RowId, Host> partners;
};

/// What the first pass over a batch leaves of a rating to the second: in one place, as the second comes at random.
/// The partner is the row of the item's group.
struct UserSlope {
  float slope = 0;
  RowId item_group = 0;
};

/// Where slopes come from while gradients are summed.
struct ScoreTask {
  ModelView<const float, Host> model;
  Loss loss = Loss::mse;
  float scale = 1;
  Span<UserSlope, Host> user_slopes;  ///< [batch] out
  Span<float, Host> slopes;           ///< [batch] out, where the model has biases
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

/// The first pass over a batch, by items: scores, the steps of items and, at once, those of users that the batch has
/// once. No other rating needs such a user's row; users that it has more often are left as they are.
struct PairTask {
  GradientTask item;
  StepTask item_step;
  ScoreTask scores;
  RowGroups<Host> users;
  GradientOptions<Host> user_options;
  StepTask user_step;
  Rows<float, Host> kept;  ///< out: row g is item group g's row before its step, where a repeated user rated it
};

/// Each works on groups begin .. end - 1, writes what belongs to them alone, and allocates nothing.
struct BatchLoops {
  /// The gradient of group g into row g of `out`.
  void (*gradients)(const GradientTask& task, const MemberSlopes& slopes, Position begin, Position end,
                    const Rows<float, Host>& out);
  /// The step of group g's row by row g of `gradients`.
  void (*steps)(const StepTask& task, const Rows<const float, Host>& gradients, Position begin, Position end);
  /// Gradients and at once the steps: a gradient never leaves the first cache.
  void (*gradient_steps)(const GradientTask& task, const Span<const UserSlope, Host>& slopes, const StepTask& step,
                         Position begin, Position end);
  /// PairTask for groups of items; returns the errors of their ratings.
  ErrorSums (*pair_steps)(const PairTask& task, Position begin, Position end);
};

/// For an instruction set that usable_simd() has.
const BatchLoops& batch_loops(Simd simd);

const BatchLoops& batch_loops_portable();
#if defined(__x86_64__)
const BatchLoops& batch_loops_avx2();
const BatchLoops& batch_loops_avx512();
#endif

}  // namespace wf
