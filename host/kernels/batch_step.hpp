// Ops that a kernel set may have beside the contract's, where a whole batch at once is faster than its ops in sequence.
#pragma once
#include "host/kernels/contract.hpp"

namespace wf {

/// One side of a batch that is stepped as a whole.
template <class Space>
struct SideStep {
  RowGroups<Space> groups;
  GradientOptions<Space> options;
  RowId padding = -1;  ///< a row that is not stepped
  OptimizerState<Space> state;
};

template <class Space>
struct BatchStep {
  ModelView<float, Space> model;
  RatingsView<Space> batch;
  Loss loss = Loss::mse;
  float scale = 1;            ///< of the slopes
  Span<float, Space> slopes;  ///< [batch], out where the model has biases: scale * loss' of each rating before the step
  RuleSettings rule;
  Position step = 0;
  SideStep<Space> user, item;
  Rows<float, Space> item_rows;  ///< [distinct items x rank] to work with
};

/// step_batch(s) gives the bits of loss_slopes, then row_gradients of both sides, then optimizer_step of both factor
/// tables, up to the order in which errors are added. Biases are read, not stepped. The groups must be group_batch's.
template <class K>
concept StepsBatches = KernelSet<K> && requires(K k, BatchStep<typename K::Space> step) {
  k.step_batch(step);
};

/// After start_batches(n_users, n_items), group_batch(batch, next) groups a batch, in any order of rows, valid until
/// the call after the next. `next`, which may be empty, is what the next call will ask for: step_batch may group it
/// beside its own work, so it must stay what it is until then or until start_batches.
template <class K>
concept GroupsAhead = KernelSet<K> && requires(K k, RatingsView<typename K::Space> ratings, Position size) {
  k.start_batches(size, size);
  { k.group_batch(ratings, ratings) } -> std::same_as<BatchGroups<typename K::Space>>;
};

}  // namespace wf
