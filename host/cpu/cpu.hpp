// The CPU engine: all cores, float sums in one fixed order, the same bits for any number of threads.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/cpu/batch_loops.hpp"
#include "host/cpu/list_loops.hpp"
#include "host/cpu/nmf_loops.hpp"
#include "host/cpu/simd.hpp"
#include "host/cpu/solve_loops.hpp"
#include "host/kernels/batch_step.hpp"
#include "host/kernels/contract.hpp"
#include "host/kernels/host_memory.hpp"
#include "host/ranks/ranks.hpp"

namespace wf {

/// Each op is documented in host/kernels/contract.hpp.
class Cpu : public HostMemory {
 public:
  static constexpr const char* kName = "cpu";

  /// threads 0: all CPUs that this process may run on. The results depend on none of these but through the size of a
  /// grid that nobody has set.
  explicit Cpu(int threads = 0, Simd simd = usable_simd().back(), const GridWish& wish = {})
      : pool_(threads), simd_(simd), loops_(batch_loops(simd)), wish_(wish) {}

  /// Whole vectors of eight.
  static int padded_rank(int rank) { return (rank + 7) / 8 * 8; }

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

  // what MiniBatch uses where it can: host/kernels/batch_step.hpp
  void step_batch(const BatchStep<Host>& step);
  void start_batches(Position n_users, Position n_items);
  BatchGroups<Host> group_batch(const RatingsView<Host>& batch, const RatingsView<Host>& next);

  GridWish grid_wish() const { return wish_; }
  void settle_rows(const SgdTables<Host>& tables);
  void sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Host>& penalties);
  /// Of the last sgd_update or rank_update, by its blocks.
  Span<const ErrorSums, Host> block_errors() const { return partial_.span(); }
  void rank_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                   const SgdSettings& settings, const RowPenalties<Host>& penalties, const Positives<Host>& positives);

  void gram(Rows<const float, Host> table, Rows<float, Host> sums);
  /// Of a table of n_rows rows that ranks have between them, to the same bits: `pieces` are some of its rows, whole
  /// pieces of kGramRows but for the table's last one. For all ranks together.
  void gram(Rows<const float, Host> pieces, Position n_rows, Ranks& ranks, Rows<float, Host> sums);
  void solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                  const SolveSettings& settings);
  void list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                   const SolveSettings& settings);
  /// list_errors, of each row by itself: of_rows[lists.rows()].
  void list_row_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                       const SolveSettings& settings, Span<ErrorSums, Host> of_rows);

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
  /// A row whose ratings are shared out among all workers.
  void move_long_row(const NmfTask& task, Position row);

  struct GroupedBatch {
    RatingsView<Host> batch;
    bool done = false;  ///< the groups are the batch's
    RowGroupBuffers user, item;
    BatchGroups<Host> groups;
  };

  static constexpr Position kSides = 2;
  void group_side(Position side, GroupOrder order, GroupedBatch& grouped);
  void group_now(GroupOrder order, GroupedBatch& grouped);

  /// Adds the errors of f(begin, end) over chunks in the order of the chunks, whoever computed them, one by one: what
  /// is done in one call or in two adds up to the same bits.
  template <class F>
  void add_over_chunks(Position n, Position chunk, const F& f) {
    partial_.resize((n + chunk - 1) / chunk);
    pool_.for_chunks(n, chunk, [&](Position begin, Position end) { partial_[begin / chunk] = f(begin, end); });
    for (const ErrorSums& part : partial_) add_errors(part);
  }

  ThreadPool pool_;
  Simd simd_;
  const BatchLoops& loops_;
  GridWish wish_;
  Position n_users_ = 0, n_items_ = 0;  // of the tables whose rows are grouped
  RowGrouper user_grouper_, item_grouper_;
  GroupedBatch alone_, current_, next_;
  HostBuffer<ErrorSums> partial_;
  HostBuffer<UserSlope> user_slopes_;  // of the batch at hand
};

static_assert(StepsBatches<Cpu> && GroupsAhead<Cpu>);

}  // namespace wf
