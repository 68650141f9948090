// What the ops of the contract take and give.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/error_sums.hpp"
#include "host/kernels/nmf_rules.hpp"
#include "host/kernels/rules.hpp"
#include "host/kernels/score.hpp"
#include "host/kernels/sgd_rules.hpp"
#include "host/kernels/solve_rules.hpp"
#include "host/model/model.hpp"
#include "host/ratings/ratings.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/positives.hpp"
#include "host/schedule/row_groups.hpp"
#include "host/schedule/row_lists.hpp"

namespace wf {

/// Ratings in the memory of a kernel set, and where blocks are in them.
template <class Space>
struct StagedBlocks {
  RatingsView<Space> ratings;
  Span<const Block, Host> blocks;
};

/// Whose rows.
enum class RowSide { user, item };

/// Both sides of one batch.
template <class Space>
struct BatchGroups {
  RowGroups<Space> user, item;
};

/// The optimizer's memory of one table [count x rank].
template <class Space>
struct OptimizerState {
  Rows<float, Space> first, second;  ///< empty where the rule keeps less
  Span<Position, Space>
      last_step;  ///< [count]: the step a row is up to date with; empty where rows rest without gradient
};

/// A row of the optimizer's memory; nullptr where the rule keeps none.
template <class Space>
WF_HD inline float* state_row(const Rows<float, Space>& table, Position row) {
  return table.empty() ? nullptr : table.row(row);
}

/// What multiply_rows takes from each sum: its row's number (empty: 1) times its column's (empty: nothing is taken).
template <class Space>
struct RowShift {
  Span<const float, Space> of_rows, of_columns;
};

/// What descend_column goes by: columns of both sides, side by side. First the rests of ratings learn what the other
/// side's column has changed by since they were brought up to date; then each row's own number moves.
template <class Space>
struct ColumnStep {
  Span<const float, Space> pending_own, pending_change;  ///< of rows, of partners, maybe of the column before; or empty
  Span<const float, Space> partner;                      ///< [partners]
  Span<float, Space> own, change;                        ///< [rows]; what it moved by
};

/// What a row's gradient takes beside the plain sum.
template <class Space>
struct GradientOptions {
  bool scale_grad_by_freq = false;     ///< divides the sum by the row's count in the batch
  Span<const float, Space> penalties;  ///< [rows of the table] or empty; see RowPenalties
  float penalty_scale = 0;             ///< adds penalty_scale * penalties[row] * count * row
};

}  // namespace wf
