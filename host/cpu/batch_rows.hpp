// The bodies of BatchLoops, to be inlined into functions that are compiled for one instruction set.
#pragma once
#include "host/cpu/batch_loops.hpp"
#include "host/cpu/row_sum.hpp"
#include "host/cpu/rows.hpp"

#include <algorithm>

namespace wf {

inline constexpr Position kMembersAhead = 16;  // rows are asked for so many members before they are used: some 80 ns
inline constexpr Position kGroupsAhead = 3;

/// Asks for a row's cache lines, of long rows for the first: hardware follows a line that it has seen.
/// kWrite 1: to write them, which takes them from other cores' caches at once; a line that was only read would have to
/// be asked for twice. The instruction does nothing on processors that lack it.
template <int kRank, int kWrite = 0>
WF_INLINE void prefetch_row(const float* row, int any_rank) {
  constexpr int kLine = 64 / sizeof(float);
  const int rank = kRank > 0 ? kRank : std::min(any_rank, 16 * kLine);
#pragma GCC unroll 8
  for (int f = 0; f < rank; f += kLine) __builtin_prefetch(row + f, kWrite);
}

struct SlopeAndRow {
  float slope;
  RowId row;  // of the partners' table
};

WF_INLINE SlopeAndRow slope_and_row(const MemberSlopes& of, RowId member) {
  return {of.slopes[member], of.partners[member]};
}
WF_INLINE void prefetch_slope(const MemberSlopes&, RowId) {}

/// Long batches have more of these than the first cache holds.
WF_INLINE SlopeAndRow slope_and_row(const Span<const UserSlope, Host>& of, RowId member) {
  return {of[member].slope, of[member].item_group};
}
WF_INLINE void prefetch_slope(const Span<const UserSlope, Host>& of, RowId member) {
  __builtin_prefetch(of.data + member);
}

/// The gradient of group g. Slopes: of the members, in one of the two forms above.
template <class Vector, int kRank, class Slopes>
WF_INLINE void sum_group(const GradientTask& task, Position g, const Slopes& slopes, float* out) {
  using Sum = lanes::RowSum<Vector, kRank>;
  const int rank = task.partner_table.rank;
  const Span<const RowId, Host> members = task.groups.members;
  const Position first = task.groups.starts[g];
  const Position last = task.groups.starts[g + 1];
  const auto use_member = [&](Position m, auto&& use) WF_INLINE_LAMBDA {
    if (m + kMembersAhead < members.size) {
      prefetch_slope(slopes, members[std::min(m + 2 * kMembersAhead, members.size - 1)]);
      prefetch_row<kRank>(task.partner_table.row(slope_and_row(slopes, members[m + kMembersAhead]).row), rank);
    }
    const SlopeAndRow member = slope_and_row(slopes, members[m]);
    use(member.slope, task.partner_table.row(member.row));
  };
  const auto sum_chunk = [&](Position from, Sum& sum) WF_INLINE_LAMBDA {
    use_member(from, [&](float slope, const float* row) WF_INLINE_LAMBDA { sum.set_scaled(slope, row); });
    const Position end = std::min(last, from + kSumChunk);
    for (Position m = from + 1; m < end; ++m) {
      use_member(m, [&](float slope, const float* row) WF_INLINE_LAMBDA { sum.add_scaled(slope, row); });
    }
  };

  Sum sum(out, rank);
  sum_chunk(first, sum);
  for (Position from = first + kSumChunk; from < last; from += kSumChunk) {
    alignas(64) float memory[kRank > 0 ? kRank : kMaxRank];
    Sum chunk(memory, rank);
    sum_chunk(from, chunk);
    sum.add(chunk);
  }
  const auto count = static_cast<float>(last - first);
  if (task.options.scale_grad_by_freq) sum.divide(count);
  const RowId row = task.groups.rows[g];
  const float decay = count * task.options.penalty_scale * penalty_of(task.options.penalties, row);
  if (decay != 0) sum.add_scaled(decay, task.own_table.row(row));
  sum.store();
}

template <int kRank, int kWrite>
WF_INLINE void prefetch_own_row(const GradientTask& task, Position g) {
  if (g + kGroupsAhead >= task.groups.rows.size) return;
  prefetch_row<kRank, kWrite>(task.own_table.row(task.groups.rows[g + kGroupsAhead]), task.own_table.rank);
}

/// Calls f with the rank as a compile-time constant where sums fit into registers: 0 for all other ranks.
template <class F>
WF_INLINE decltype(auto) with_rank(int rank, const F& f) {
  switch (rank) {
    case 16:
      return f(std::integral_constant<int, 16>{});
    case 32:
      return f(std::integral_constant<int, 32>{});
    case 64:
      return f(std::integral_constant<int, 64>{});
    case 128:
      return f(std::integral_constant<int, 128>{});
    default:
      return f(std::integral_constant<int, 0>{});
  }
}

template <class Vector, int kRank, class Slopes>
WF_INLINE void sum_groups(const GradientTask& task, const Slopes& slopes, Position begin, Position end, float* out,
                          Position pitch) {
  for (Position g = begin; g < end; ++g) {
    prefetch_own_row<kRank, 1>(task, g);
    sum_group<Vector, kRank>(task, g, slopes, out + (g - begin) * pitch);
  }
}

template <class Vector>
WF_INLINE void gradients_body(const GradientTask& task, const MemberSlopes& slopes, Position begin, Position end,
                              const Rows<float, Host>& out) {
  with_rank(task.partner_table.rank, [&](auto rank) WF_INLINE_LAMBDA {
    sum_groups<Vector, rank()>(task, slopes, begin, end, out.row(begin), out.pitch);
  });
}

template <Rule rule>
WF_INLINE void step_table_row(const StepTask& task, RowId row, const float* gradient) {
  if (row == task.skip) return;
  step_row<rule>(task.scalars, task.table.row(row), gradient, state_row(task.state.first, row),
                 state_row(task.state.second, row), task.table.rank);
  if (!task.state.last_step.empty()) task.state.last_step[row] = task.step;
}

/// `gradients`: of group `begin` and the following, `pitch` floats from one to the next.
WF_INLINE void step_groups(const StepTask& task, const float* gradients, Position pitch, Position begin, Position end) {
  with_rule(task.rule, [&](auto rule) WF_INLINE_LAMBDA {
    for (Position g = begin; g < end; ++g) {
      if (g + kGroupsAhead < end) prefetch_row<0, 1>(task.table.row(task.rows[g + kGroupsAhead]), task.table.rank);
      step_table_row<rule()>(task, task.rows[g], gradients + (g - begin) * pitch);
    }
  });
}

template <class Vector>
WF_INLINE void gradient_steps_body(const GradientTask& task, const Span<const UserSlope, Host>& slopes,
                                   const StepTask& step, Position begin, Position end) {
  alignas(64) float gradients[kMaxRank];
  const int rank = step.table.rank;  // at most kMaxRank
  const Position rows = kMaxRank / rank;
  for (Position from = begin; from < end; from += rows) {
    const Position to = std::min(end, from + rows);
    with_rank(rank, [&](auto fixed)
                        WF_INLINE_LAMBDA { sum_groups<Vector, fixed()>(task, slopes, from, to, gradients, rank); });
    step_groups(step, gradients, rank, from, to);
  }
}

}  // namespace wf
