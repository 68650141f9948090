#include "host/cpu/cpu.hpp"
#include "host/kernels/descent_rules.hpp"

namespace wf {
namespace {

constexpr Position kRows = 4096;          // of a table that are a task
constexpr Position kTasksEach = 32;       // of lists: the last ones even out what the first ones took
constexpr Position kPartRatings = 16384;  // of a long row that are a task: 20 us of work
constexpr Position kLongest = 4 * kPartRatings;
constexpr int kSums = 4;  // running sums of a row's ratings: additions of one wait for each other

double ridge_of(const RowListsView<Host>& lists, const SolveSettings& settings, Position row) {
  return settings.lambda * row_scale(settings, lists.count(row));
}

/// What a row's step needs of its ratings.
struct ColumnSums {
  double slope = 0, curvature = 0;
};

ColumnSums sum_column(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step,
                      Position row, Position first, Position end) {
  const RowId* const partners = lists.partner.data;
  const float pending = step.pending_own.empty() ? 0.0F : step.pending_own[row];
  double slope[kSums]{}, curvature[kSums]{};
  const auto take = [&](Position n, int lane) {
    if (pending != 0) rests[n] -= pending * step.pending_change[partners[n]];
    const auto v = static_cast<double>(step.partner[partners[n]]);
    slope[lane] += static_cast<double>(rests[n]) * v;
    curvature[lane] += v * v;
  };
  Position n = first;
  for (; n + kSums <= end; n += kSums) {
    for (int lane = 0; lane < kSums; ++lane) take(n + lane, lane);
  }
  for (int lane = 0; n < end; ++n, ++lane) take(n, lane);
  const auto sum = [](const double(&parts)[kSums]) { return (parts[0] + parts[1]) + (parts[2] + parts[3]); };
  return {sum(slope), sum(curvature)};
}

void move_own(const RowListsView<Host>& lists, const ColumnStep<Host>& step, const SolveSettings& settings,
              Position row, const ColumnSums& sums) {
  const auto now = static_cast<float>(descended(static_cast<double>(step.own[row]), sums.slope, sums.curvature,
                                                ridge_of(lists, settings, row), lists.count(row)));
  step.change[row] = now - step.own[row];
  step.own[row] = now;
}

void move_rests(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step, Position row,
                Position first, Position end) {
  const float change = step.change[row];
  for (Position n = first; n < end; ++n) rests[n] -= change * step.partner[lists.partner[n]];
}

/// A row whose ratings are shared out among all workers; parts are summed in their order.
void descend_long_row(ThreadPool& pool, const RowListsView<Host>& lists, Span<float, Host> rests,
                      const ColumnStep<Host>& step, const SolveSettings& settings, Position row) {
  const Position begin = lists.begin[row], end = lists.begin[row + 1];
  HostBuffer<ColumnSums> of_parts((end - begin + kPartRatings - 1) / kPartRatings);
  pool.for_chunks(end - begin, kPartRatings, [&](Position first, Position last) {
    const FlushToZero scope;
    of_parts[first / kPartRatings] = sum_column(lists, rests, step, row, begin + first, begin + last);
  });
  ColumnSums sums;
  for (const ColumnSums& part : of_parts) {
    sums.slope += part.slope;
    sums.curvature += part.curvature;
  }
  move_own(lists, step, settings, row, sums);
  pool.for_chunks(end - begin, kPartRatings, [&](Position first, Position last) {
    const FlushToZero scope;
    move_rests(lists, rests, step, row, begin + first, begin + last);
  });
}

}  // namespace

void Cpu::list_rests(const RowListsView<Host>& lists, const ModelView<const float, Host>& model, RowSide side,
                     Span<float, Host> rests) {
  const SideRows<const float, Host> rows = side_rows(model, side == RowSide::user);
  const ListLoops& loops = list_loops(simd_);
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), 1);
  pool_.for_each(cuts.size() - 1, [&](Position part) {
    const FlushToZero scope;
    HostBuffer<float> x((model.rank() + 7) / 8 * 8, 0);
    loops.list_rests(lists, rows.own, rows.partner, cuts[part], cuts[part + 1], x.data(), rests.data);
    if (!model.has_biases()) return;
    for (Position row = cuts[part]; row < cuts[part + 1]; ++row) {
      const float own = *rows.own_biases.row(row) + model.global_mean;
      for (Position n = lists.begin[row]; n < lists.begin[row + 1]; ++n) {
        rests[n] -= own + *rows.partner_biases.row(lists.partner[n]);
      }
    }
  });
}

void Cpu::penalise_rows(const RowListsView<Host>& lists, Rows<const float, Host> own, const SolveSettings& settings,
                        Rows<float, Host> gradients) {
  pool_.for_chunks(own.count, kRows, [&](Position first, Position end) {
    for (Position row = first; row < end; ++row) {
      const auto ridge = static_cast<float>(ridge_of(lists, settings, row));
      const float* const from = own.row(row);
      float* const to = gradients.row(row);
      for (int f = 0; f < own.rank; ++f) to[f] = ridge * from[f] - to[f];
    }
  });
}

void Cpu::row_penalties(const RowListsView<Host>& lists, Rows<const float, Host> table, const SolveSettings& settings) {
  add_over_chunks(table.count, kRows, [&](Position first, Position end) {
    ErrorSums sums;
    for (Position row = first; row < end; ++row) {
      const float* const x = table.row(row);
      sums.loss += ridge_of(lists, settings, row) * dot<double>(x, x, table.rank);
    }
    return sums;
  });
}

void Cpu::move_rows(Rows<const float, Host> from, Rows<const float, Host> along, float rate, Rows<float, Host> to) {
  pool_.for_chunks(to.count, kRows, [&](Position first, Position end) {
    const FlushToZero scope;
    for (Position row = first; row < end; ++row) {
      const float* const start = from.row(row);
      float* const out = to.row(row);
      if (along.empty()) {
        std::copy_n(start, to.rank, out);
        continue;
      }
      const float* const way = along.row(row);
      for (int f = 0; f < to.rank; ++f) out[f] = start[f] + rate * way[f];
    }
  });
}

void Cpu::descend_column(const RowListsView<Host>& lists, Span<float, Host> rests, const ColumnStep<Host>& step,
                         const SolveSettings& settings) {
  const HostBuffer<Position> cuts = cut_lists(lists.begin, kTasksEach * pool_.size(), 4);
  pool_.for_each(cuts.size() - 1, [&](Position part) {
    const FlushToZero scope;
    for (Position row = cuts[part]; row < cuts[part + 1]; ++row) {
      const Position first = lists.begin[row], end = lists.begin[row + 1];
      if (end - first > kLongest) continue;
      move_own(lists, step, settings, row, sum_column(lists, rests, step, row, first, end));
      move_rests(lists, rests, step, row, first, end);
    }
  });
  for (Position row = 0; row < lists.rows(); ++row) {  // those that one worker would be left alone with
    if (lists.count(row) > kLongest) descend_long_row(pool_, lists, rests, step, settings, row);
  }
}

}  // namespace wf
