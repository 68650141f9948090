// The reference: one thread, plain loops, sums in double. It says whether the other engines are right.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/kernels/host_memory.hpp"

namespace wf {

/// Each op is documented in host/kernels/contract.hpp.
class Reference : public HostMemory {
 public:
  static constexpr const char* kName = "reference";

  void predict(const ModelView<const float, Host>& model, const ScoreOptions& options, Span<const RowId, Host> user,
               Span<const RowId, Host> item, Span<float, Host> scores);
  void rating_errors(const ModelView<const float, Host>& model, const ScoreOptions& options,
                     const RatingsView<Host>& ratings);
  void score_items(const ModelView<const float, Host>& model, const ScoreOptions& options,
                   Span<const RowId, Host> users, Rows<float, Host> scores);

  BatchGroups<Host> group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items);
  void renormalise_rows(Rows<float, Host> table, Span<const RowId, Host> rows, const NormLimit& limit);
  void loss_slopes(const ModelView<const float, Host>& model, const RatingsView<Host>& batch, Loss loss, float scale,
                   Span<float, Host> slopes);
  void row_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes, Span<const RowId, Host> partners,
                     Rows<const float, Host> partner_table, Rows<const float, Host> own_table,
                     const GradientOptions<Host>& options, Rows<float, Host> gradients);
  void bias_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes, Rows<const float, Host> own_table,
                      const GradientOptions<Host>& options, Rows<float, Host> gradients);
  void optimizer_step(const RuleSettings& settings, Position step, Rows<float, Host> table,
                      Span<const RowId, Host> rows, Rows<const float, Host> gradients, RowId skip,
                      const OptimizerState<Host>& state);
  void catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Host> table, Span<const RowId, Host> rows,
                     const OptimizerState<Host>& state);
  void catch_up_table(const RuleSettings& settings, Position step, Rows<float, Host> table,
                      const OptimizerState<Host>& state);

  void settle_rows(const SgdTables<Host>&) {}  // it has rows and their lengths as they are at any time
  void sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Host>& penalties);
  void rank_update(const SgdTables<Host>& all, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                   const SgdSettings& settings, const RowPenalties<Host>& penalties, const Positives<Host>& positives);

  void gram(Rows<const float, Host> table, Rows<float, Host> sums);
  void solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                  const SolveSettings& settings);
  void list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                   const SolveSettings& settings);

  void multiply_rows(const RowListsView<Host>& lists, Rows<const float, Host> table, const RowShift<Host>& shift,
                     Rows<float, Host> out);
  void multiply_table(Rows<const float, Host> left, Rows<const float, Host> right, Rows<float, Host> out);
  void column_sums(Rows<const float, Host> table, Span<const float, Host> weights, Span<float, Host> sums);
  void nmf_rows(const RowListsView<Host>& lists, Rows<const float, Host> partners, Rows<const float, Host> shared,
                Rows<const float, Host> products, Rows<float, Host> factors, const NmfSettings& settings);
  void list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                   const NmfSettings& settings);

  void penalise_rows(const RowListsView<Host>& lists, Rows<const float, Host> own, const SolveSettings& settings,
                     Rows<float, Host> gradients);
  void row_penalties(const RowListsView<Host>& lists, Rows<const float, Host> table, const SolveSettings& settings);
  void move_rows(Rows<const float, Host> from, Rows<const float, Host> along, float rate, Rows<float, Host> to);
  void list_rests(const RowListsView<Host>& lists, const ModelView<const float, Host>& model, RowSide side,
                  Span<float, Host> rests);
  void descend_column(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step,
                      const SolveSettings& settings);

 private:
  RowGrouper user_grouper_, item_grouper_;
};

static_assert(KernelSet<Reference>);

}  // namespace wf
