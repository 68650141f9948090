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
  Span<float, Space> slopes;  ///< [batch], out: scale * loss' of each rating before the step
  RuleSettings rule;
  Position step = 0;
  SideStep<Space> user, item;
  Rows<float, Space> user_gradients;  ///< [distinct users x rank] to work with
};

/// step_batch(s) gives the bits of loss_slopes, then row_gradients of both sides, then optimizer_step of both factor
/// tables, up to the order in which errors are added. Biases are read, not stepped.
template <class K>
concept StepsBatches = KernelSet<K> && requires(K k, BatchStep<typename K::Space> step) {
  k.step_batch(step);
};

/// group_ahead(ratings, batch size, n_users, n_items) groups consecutive batches, in any order of rows;
/// grouped_ahead(b) is batch b of them. Valid until the next call: short batches leave too little to share out one by
/// one.
template <class K>
concept GroupsAhead = KernelSet<K> && requires(K k, RatingsView<typename K::Space> ratings, Position size) {
  k.group_ahead(ratings, size, size, size);
  { k.grouped_ahead(size) } -> std::same_as<BatchGroups<typename K::Space>>;
};

}  // namespace wf
