#include "host/kernels/descent_rules.hpp"
#include "host/reference/reference.hpp"

namespace wf {
namespace {

double rest_of(const RowListsView<Host>& lists, const ModelView<const float, Host>& model, bool of_users, Position row,
               Position n) {
  const auto own = static_cast<RowId>(row);
  const RowId partner = lists.partner[n];
  const double one = of_users ? score<double>(model, {}, own, partner) : score<double>(model, {}, partner, own);
  return static_cast<double>(lists.value[n]) - one;
}

}  // namespace

void Reference::penalise_rows(const RowListsView<Host>& lists, Rows<const float, Host> own,
                              const SolveSettings& settings, Rows<float, Host> gradients) {
  for (Position row = 0; row < lists.rows(); ++row) {
    const double ridge = settings.lambda * row_scale(settings, lists.count(row));
    for (int f = 0; f < own.rank; ++f) {
      gradients.row(row)[f] = static_cast<float>(ridge * own.row(row)[f] - gradients.row(row)[f]);
    }
  }
}

void Reference::row_penalties(const RowListsView<Host>& lists, Rows<const float, Host> table,
                              const SolveSettings& settings) {
  ErrorSums sums;
  for (Position row = 0; row < lists.rows(); ++row) {
    const float* const x = table.row(row);
    sums.loss += settings.lambda * row_scale(settings, lists.count(row)) * dot<double>(x, x, table.rank);
  }
  add_errors(sums);
}

void Reference::move_rows(Rows<const float, Host> from, Rows<const float, Host> along, float rate,
                          Rows<float, Host> to) {
  for (Position row = 0; row < to.count; ++row) {
    for (int f = 0; f < to.rank; ++f) {
      to.row(row)[f] = from.row(row)[f] + (along.empty() ? 0.0F : rate * along.row(row)[f]);
    }
  }
}

void Reference::list_rests(const RowListsView<Host>& lists, const ModelView<const float, Host>& model, RowSide side,
                           Span<float, Host> rests) {
  for (Position row = 0; row < lists.rows(); ++row) {
    for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
      rests[n] = static_cast<float>(rest_of(lists, model, side == RowSide::user, row, n));
    }
  }
}

void Reference::descend_column(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step,
                               const SolveSettings& settings) {
  for (Position row = 0; row < lists.rows(); ++row) {
    double slope = 0, curvature = 0;
    for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
      if (!step.pending_own.empty()) rests[n] -= step.pending_own[row] * step.pending_change[lists.partner[n]];
      const double v = step.partner[lists.partner[n]];
      slope += static_cast<double>(rests[n]) * v;
      curvature += v * v;
    }
    const double ridge = settings.lambda * row_scale(settings, lists.count(row));
    const auto now =
        static_cast<float>(descended(static_cast<double>(step.own[row]), slope, curvature, ridge, lists.count(row)));
    step.change[row] = now - step.own[row];
    step.own[row] = now;
    for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
      rests[n] -= step.change[row] * step.partner[lists.partner[n]];
    }
  }
}

}  // namespace wf
