// The CUDA engine's kernel set behind host views, so that every test of the contract runs on it as it stands: arguments
// travel to the device, results come back, padding included.
#pragma once
#include "cuda/kernels/cuda_kernels.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <vector>

namespace wf::test {

/// A host table on the device for the duration of one op.
class Visitor {
 public:
  Visitor(Cuda& kernels, const Rows<const float, Host>& table)
      : kernels_(kernels),
        table_(table),
        values_(kernels.borrow(Span<const float, Host>{table.data, table.count * table.pitch})) {}

  Rows<float, Device> view() { return {values_.data(), table_.count, table_.rank, table_.pitch}; }
  void bring_back(Rows<float, Host> to) {
    kernels_.fetch(std::as_const(values_).span(), Span<float, Host>{to.data, to.count * to.pitch});
  }

 private:
  Cuda& kernels_;
  Rows<const float, Host> table_;
  DeviceBuffer<float> values_;
};

/// The same for rows with records, which stand in front of them.
class RecordVisitor {
 public:
  RecordVisitor(Cuda& kernels, const Rows<const float, Host>& table) : there_(kernels, whole(table)) {}

  Rows<float, Device> view() {
    const Rows<float, Device> all = there_.view();
    return {all.data + kRecord, all.count, static_cast<int>(all.rank - kRecord), all.pitch};
  }
  void bring_back(const Rows<float, Host>& to) { there_.bring_back(whole(to)); }

 private:
  template <class Float>
  static Rows<Float, Host> whole(const Rows<Float, Host>& table) {
    return {record_of(table.data), table.count, table.rank + kRecord, table.pitch};
  }

  Visitor there_;
};

class ModelVisitor {
 public:
  ModelVisitor(Cuda& kernels, const ModelView<const float, Host>& model)
      : user_factors_(kernels, model.user_factors),
        item_factors_(kernels, model.item_factors),
        user_biases_(kernels, model.user_biases),
        item_biases_(kernels, model.item_biases),
        mean_(model.global_mean) {}

  ModelView<float, Device> view() {
    return {user_factors_.view(), item_factors_.view(), user_biases_.view(), item_biases_.view(), mean_};
  }
  void bring_back(const ModelView<float, Host>& to) {
    user_factors_.bring_back(to.user_factors);
    item_factors_.bring_back(to.item_factors);
    user_biases_.bring_back(to.user_biases);
    item_biases_.bring_back(to.item_biases);
  }

 private:
  Visitor user_factors_, item_factors_, user_biases_, item_biases_;
  float mean_;
};

/// The optimizer's state on the device for the duration of one op.
class StateVisitor {
 public:
  StateVisitor(Cuda& kernels, const OptimizerState<Host>& state)
      : kernels_(kernels),
        state_(state),
        first_(kernels, state.first),
        second_(kernels, state.second),
        last_step_(kernels.borrow(Span<const Position, Host>(state.last_step))) {}

  OptimizerState<Device> view() { return {first_.view(), second_.view(), last_step_.span()}; }
  void bring_back() {
    first_.bring_back(state_.first);
    second_.bring_back(state_.second);
    kernels_.fetch(std::as_const(last_step_).span(), state_.last_step);
  }

 private:
  Cuda& kernels_;
  OptimizerState<Host> state_;
  Visitor first_, second_;
  DeviceBuffer<Position> last_step_;
};

template <Order order>
class CudaOnHost {
 public:
  static constexpr const char* kName = order == Order::racing ? "cuda" : "cuda_repeatable";

  ErrorSums take_errors() { return cuda_.take_errors(); }

  void predict(const ModelView<const float, Host>& model, const ScoreOptions& options, Span<const RowId, Host> user,
               Span<const RowId, Host> item, Span<float, Host> scores) {
    ModelVisitor there(cuda_, model);
    const auto users = cuda_.borrow(user), items = cuda_.borrow(item);
    auto out = cuda_.output(scores);
    cuda_.predict(there.view(), options, users.span(), items.span(), out.span());
    cuda_.finish(out, scores);
  }
  void rating_errors(const ModelView<const float, Host>& model, const ScoreOptions& options,
                     const RatingsView<Host>& ratings) {
    ModelVisitor there(cuda_, model);
    cuda_.rating_errors(there.view(), options, cuda_.stage(ratings));
  }
  void score_items(const ModelView<const float, Host>& model, const ScoreOptions& options,
                   Span<const RowId, Host> users, Rows<float, Host> scores) {
    ModelVisitor there(cuda_, model);
    Visitor out(cuda_, scores);
    const auto rows = cuda_.borrow(users);
    cuda_.score_items(there.view(), options, rows.span(), out.view());
    out.bring_back(scores);
  }

  /// Grouped on the device, checked against the host's grouping, which is what the test then works with.
  BatchGroups<Host> group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items) {
    const RatingsView<Device> there = cuda_.stage(batch);
    const BatchGroups<Device> groups = cuda_.group_rows(there, n_users, n_items);
    BatchGroups<Host> expected{user_grouper_.group(batch.user, n_users), item_grouper_.group(batch.item, n_items)};
    check_groups(user_, groups.user, expected.user);
    check_groups(item_, groups.item, expected.item);
    return expected;
  }
  void renormalise_rows(Rows<float, Host> table, Span<const RowId, Host> rows, const NormLimit& limit) {
    Visitor there(cuda_, table);
    cuda_.renormalise_rows(there.view(), cuda_.borrow(rows).span(), limit);
    there.bring_back(table);
  }
  void loss_slopes(const ModelView<const float, Host>& model, const RatingsView<Host>& batch, Loss loss, float scale,
                   Span<float, Host> slopes) {
    ModelVisitor there(cuda_, model);
    auto out = cuda_.output(slopes);
    cuda_.loss_slopes(there.view(), cuda_.stage(batch), loss, scale, out.span());
    cuda_.finish(out, slopes);
  }
  void row_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes, Span<const RowId, Host> partners,
                     Rows<const float, Host> partner_table, Rows<const float, Host> own_table,
                     const GradientOptions<Host>& options, Rows<float, Host> gradients) {
    const Grouped& grouped = side_of(groups);
    Visitor partner(cuda_, partner_table), own(cuda_, own_table);
    with_gradients(grouped, gradients, [&](const Rows<float, Device>& out) {
      const auto penalties = cuda_.borrow(options.penalties);
      cuda_.row_gradients(grouped.there, cuda_.borrow(slopes).span(), cuda_.borrow(partners).span(), partner.view(),
                          own.view(), {options.scale_grad_by_freq, penalties.span(), options.penalty_scale}, out);
    });
  }
  void bias_gradients(const RowGroups<Host>& groups, Span<const float, Host> slopes, Rows<const float, Host> own_table,
                      const GradientOptions<Host>& options, Rows<float, Host> gradients) {
    const Grouped& grouped = side_of(groups);
    Visitor own(cuda_, own_table);
    with_gradients(grouped, gradients, [&](const Rows<float, Device>& out) {
      const auto penalties = cuda_.borrow(options.penalties);
      cuda_.bias_gradients(grouped.there, cuda_.borrow(slopes).span(), own.view(),
                           {options.scale_grad_by_freq, penalties.span(), options.penalty_scale}, out);
    });
  }
  void optimizer_step(const RuleSettings& settings, Position step, Rows<float, Host> table,
                      Span<const RowId, Host> rows, Rows<const float, Host> gradients, RowId skip,
                      const OptimizerState<Host>& state) {
    Visitor there(cuda_, table), gradient(cuda_, gradients);
    StateVisitor memory(cuda_, state);
    cuda_.optimizer_step(settings, step, there.view(), cuda_.borrow(rows).span(), gradient.view(), skip, memory.view());
    there.bring_back(table);
    memory.bring_back();
  }
  void catch_up_rows(const RuleSettings& settings, Position step, Rows<float, Host> table, Span<const RowId, Host> rows,
                     const OptimizerState<Host>& state) {
    Visitor there(cuda_, table);
    StateVisitor memory(cuda_, state);
    cuda_.catch_up_rows(settings, step, there.view(), cuda_.borrow(rows).span(), memory.view());
    there.bring_back(table);
    memory.bring_back();
  }
  void catch_up_table(const RuleSettings& settings, Position step, Rows<float, Host> table,
                      const OptimizerState<Host>& state) {
    Visitor there(cuda_, table);
    StateVisitor memory(cuda_, state);
    cuda_.catch_up_table(settings, step, there.view(), memory.view());
    there.bring_back(table);
    memory.bring_back();
  }
  GridWish grid_wish() const { return cuda_.grid_wish(); }
  static int padded_rank(int rank) { return Cuda::padded_rank(rank); }
  void settle_rows(const SgdTables<Host>& tables) {
    RecordVisitor users(cuda_, tables.user), items(cuda_, tables.item);
    cuda_.settle_rows({users.view(), items.view()});
    users.bring_back(tables.user);
    items.bring_back(tables.item);
  }
  void sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                  const SgdSettings& settings, const RowPenalties<Host>& penalties) {
    RecordVisitor users(cuda_, tables.user), items(cuda_, tables.item);
    const auto user = cuda_.borrow(penalties.user), item = cuda_.borrow(penalties.item);
    cuda_.sgd_update({users.view(), items.view(), tables.biases, tables.global_mean}, cuda_.stage(ratings), blocks,
                     settings, {user.span(), item.span(), {}, {}});
    users.bring_back(tables.user);
    items.bring_back(tables.item);
  }
  void rank_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings, Span<const Block, Host> blocks,
                   const SgdSettings& settings, const RowPenalties<Host>& penalties, const Positives<Host>& positives) {
    RecordVisitor users(cuda_, tables.user), items(cuda_, tables.item);
    const auto user = cuda_.borrow(penalties.user), item = cuda_.borrow(penalties.item);
    const auto starts = cuda_.borrow(positives.starts);
    const auto partners = cuda_.borrow(positives.partners);
    cuda_.rank_update({users.view(), items.view(), tables.biases, tables.global_mean}, cuda_.stage(ratings), blocks,
                      settings, {user.span(), item.span(), {}, {}}, {starts.span(), partners.span()});
    users.bring_back(tables.user);
    items.bring_back(tables.item);
  }
  void gram(Rows<const float, Host> table, Rows<float, Host> sums) {
    Visitor there(cuda_, table), out(cuda_, sums);
    cuda_.gram(there.view(), out.view());
    out.bring_back(sums);
  }
  void solve_rows(const RowListsView<Host>& lists, const SolveSides<Host>& sides, Rows<const float, Host> gram,
                  const SolveSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    Visitor partners(cuda_, sides.partner_factors), partner_biases(cuda_, sides.partner_biases);
    Visitor own(cuda_, sides.factors), biases(cuda_, sides.biases), base(cuda_, gram);
    cuda_.solve_rows({begin.span(), partner.span(), value.span()},
                     {partners.view(), partner_biases.view(), own.view(), biases.view()}, base.view(), settings);
    own.bring_back(sides.factors);
    biases.bring_back(sides.biases);
  }
  void list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                   const SolveSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    ModelVisitor there(cuda_, model);
    cuda_.list_errors({begin.span(), partner.span(), value.span()}, there.view(), settings);
  }
  SolvedRows take_solved() { return cuda_.take_solved(); }

  void multiply_rows(const RowListsView<Host>& lists, Rows<const float, Host> table, const RowShift<Host>& shift,
                     Rows<float, Host> out) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    const auto of_rows = cuda_.borrow(shift.of_rows), of_columns = cuda_.borrow(shift.of_columns);
    Visitor from(cuda_, table), to(cuda_, out);
    cuda_.multiply_rows({begin.span(), partner.span(), value.span()}, from.view(), {of_rows.span(), of_columns.span()},
                        to.view());
    to.bring_back(out);
  }
  void multiply_table(Rows<const float, Host> left, Rows<const float, Host> right, Rows<float, Host> out) {
    Visitor a(cuda_, left), b(cuda_, right), to(cuda_, out);
    cuda_.multiply_table(a.view(), b.view(), to.view());
    to.bring_back(out);
  }
  void column_sums(Rows<const float, Host> table, Span<const float, Host> weights, Span<float, Host> sums) {
    Visitor from(cuda_, table);
    const auto of_rows = cuda_.borrow(weights);
    auto to = cuda_.output(sums);
    cuda_.column_sums(from.view(), of_rows.span(), to.span());
    cuda_.finish(to, sums);
  }
  void nmf_rows(const RowListsView<Host>& lists, Rows<const float, Host> partners, Rows<const float, Host> shared,
                Rows<const float, Host> products, Rows<float, Host> factors, const NmfSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    Visitor others(cuda_, partners), common(cuda_, shared), of_rows(cuda_, products), own(cuda_, factors);
    cuda_.nmf_rows({begin.span(), partner.span(), value.span()}, others.view(), common.view(), of_rows.view(),
                   own.view(), settings);
    own.bring_back(factors);
  }
  void list_errors(const RowListsView<Host>& lists, const ModelView<const float, Host>& model,
                   const NmfSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    ModelVisitor there(cuda_, model);
    cuda_.list_errors({begin.span(), partner.span(), value.span()}, there.view(), settings);
  }
  void list_rests(const RowListsView<Host>& lists, const ModelView<const float, Host>& model, RowSide side,
                  Span<float, Host> rests) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto value = cuda_.borrow(lists.value);
    ModelVisitor there(cuda_, model);
    auto to = cuda_.output(rests);
    cuda_.list_rests({begin.span(), partner.span(), value.span()}, there.view(), side, to.span());
    cuda_.finish(to, rests);
  }
  void penalise_rows(const RowListsView<Host>& lists, Rows<const float, Host> own, const SolveSettings& settings,
                     Rows<float, Host> gradients) {
    const auto begin = cuda_.borrow(lists.begin);
    Visitor from(cuda_, own), to(cuda_, gradients);
    cuda_.penalise_rows({begin.span(), {}, {}}, from.view(), settings, to.view());
    to.bring_back(gradients);
  }
  void row_penalties(const RowListsView<Host>& lists, Rows<const float, Host> table, const SolveSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    Visitor rows(cuda_, table);
    cuda_.row_penalties({begin.span(), {}, {}}, rows.view(), settings);
  }
  void move_rows(Rows<const float, Host> from, Rows<const float, Host> along, float rate, Rows<float, Host> to) {
    Visitor start(cuda_, from), way(cuda_, along), there(cuda_, to);
    cuda_.move_rows(start.view(), along.empty() ? Rows<float, Device>{} : way.view(), rate, there.view());
    there.bring_back(to);
  }
  void descend_column(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step,
                      const SolveSettings& settings) {
    const auto begin = cuda_.borrow(lists.begin);
    const auto partner = cuda_.borrow(lists.partner);
    const auto pending_own = cuda_.borrow(step.pending_own), pending_change = cuda_.borrow(step.pending_change);
    const auto partners = cuda_.borrow(step.partner);
    auto left = cuda_.borrow(Span<const float, Host>(rests)), own = cuda_.borrow(Span<const float, Host>(step.own));
    auto change = cuda_.output(step.change);
    cuda_.descend_column({begin.span(), partner.span(), {}}, left.span(),
                         {pending_own.span(), pending_change.span(), partners.span(), own.span(), change.span()},
                         settings);
    cuda_.finish(left, rests);
    cuda_.finish(own, step.own);
    cuda_.finish(change, step.change);
  }

 private:
  /// One side of the last batch, on the device and here.
  struct Grouped {
    RowGroups<Device> there;
    RowGroups<Host> here;
    std::vector<RowId> ours;  // of the device's groups: which of ours each is, or kNoRow
  };

  void check_groups(Grouped& side, const RowGroups<Device>& there, const RowGroups<Host>& here) {
    side = {there, here, {}};
    const std::vector<RowId> rows = fetched(there.rows), counts = fetched(there.counts);
    std::vector<RowId> found;
    for (std::size_t g = 0; g < rows.size(); ++g) {
      const auto at = std::find(here.rows.begin(), here.rows.end(), rows[g]);
      side.ours.push_back(rows[g] == kNoRow ? kNoRow : static_cast<RowId>(at - here.rows.begin()));
      if (rows[g] == kNoRow) continue;
      ASSERT_NE(at, here.rows.end()) << "row " << rows[g] << " is not in the batch";
      found.push_back(rows[g]);
      const RowId mine = side.ours.back();
      EXPECT_EQ(counts[g], here.starts[mine + 1] - here.starts[mine]) << "of row " << rows[g];
    }
    EXPECT_EQ(static_cast<Position>(found.size()), here.rows.size) << "distinct rows";
    check_members(side, rows, counts);
  }
  void check_members(const Grouped& side, const std::vector<RowId>& rows, const std::vector<RowId>& counts) {
    const std::vector<RowId> group_of = fetched(side.there.group_of), members = fetched(side.there.members);
    const std::vector<RowId> starts = fetched(side.there.starts);
    for (std::size_t g = 0; g < rows.size(); ++g) {
      if (rows[g] == kNoRow) continue;
      const RowId ours = side.ours[g];
      for (RowId m = 0; m < counts[g]; ++m) {
        const RowId member = side.here.members[side.here.starts[ours] + m];
        if (order == Order::racing) {
          EXPECT_EQ(group_of[static_cast<std::size_t>(member)], static_cast<RowId>(g));
        } else {
          EXPECT_EQ(members[static_cast<std::size_t>(starts[g] + m)], member) << "of row " << rows[g];
        }
      }
    }
  }
  std::vector<RowId> fetched(Span<const RowId, Device> values) {
    std::vector<RowId> copy(static_cast<std::size_t>(values.size));
    cuda_.fetch(values, Span<RowId, Host>{copy.data(), values.size});
    return copy;
  }
  const Grouped& side_of(const RowGroups<Host>& groups) const {
    return groups.rows.data == user_.here.rows.data ? user_ : item_;
  }
  /// Runs f on a device table of gradients, poisoned as `gradients` is, and brings its rows back in our order.
  template <class F>
  void with_gradients(const Grouped& side, Rows<float, Host> gradients, const F& f) {
    const Position groups = static_cast<Position>(side.ours.size());
    HostBuffer<float> values(groups * gradients.pitch, std::nanf(""));
    const Rows<float, Host> all{values.data(), groups, gradients.rank, gradients.pitch};
    Visitor out(cuda_, all);
    f(out.view());
    out.bring_back(all);
    for (Position g = 0; g < groups; ++g) {
      const RowId ours = side.ours[static_cast<std::size_t>(g)];
      if (ours != kNoRow) std::copy_n(all.row(g), gradients.rank, gradients.row(ours));
    }
  }

  Cuda cuda_{order};
  RowGrouper user_grouper_, item_grouper_;
  Grouped user_, item_;
};

}  // namespace wf::test
