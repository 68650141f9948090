#include "host/cpu/cpu.hpp"

#include <vector>

namespace wf {
namespace {

/// Rows that are a task, and ratings whose sums are one part of a long row's. Parts are added in their order, whoever
/// computed them.
constexpr Position kPartRows = 4096;
constexpr Position kPartRatings = 65536;

/// Are there enough ratings in what a row's list has of a range? Not by tasks: sums must not depend on threads.
bool goes_by_range(const RowListsView<Host>& lists, const Rows<const float, Host>& table) {
  constexpr Position kRatings = 8;
  if (table.rank < ListLoops::kStripColumns / 2 || table.count <= ListLoops::kRangeRows) return false;
  const Position ranges = (table.count + ListLoops::kRangeRows - 1) / ListLoops::kRangeRows;
  return lists.partner.size / ranges >= kRatings * lists.rows();
}

void take_shift(const RowShift<Host>& shift, Position first, Position end, const Rows<float, Host>& out) {
  if (shift.of_columns.empty()) return;
  for (Position row = first; row < end; ++row) {
    const float weight = shift.of_rows.empty() ? 1.0F : shift.of_rows[row];
    float* const at = out.row(row);
    for (int f = 0; f < out.rank; ++f) at[f] -= weight * shift.of_columns[f];
  }
}

}  // namespace

const ListLoops& list_loops(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return list_loops_avx512();
  if (simd == Simd::avx2) return list_loops_avx2();
#endif
  static_cast<void>(simd);
  return list_loops_portable();
}

void Cpu::multiply_rows(const RowListsView<Host>& lists, Rows<const float, Host> table, const RowShift<Host>& shift,
                        Rows<float, Host> out) {
  const ListLoops& loops = list_loops(simd_);
  const bool by_range = goes_by_range(lists, table);
  // the last tasks even out what the first ones took; by range, each fetches the whole table
  const Position tasks_each = by_range ? 6 : 32;
  const HostBuffer<Position> cuts = cut_lists(lists.begin, tasks_each * pool_.size(), 1);
  pool_.for_each(cuts.size() - 1, [&](Position part) {
    const FlushToZero scope;
    const Position first = cuts[part], end = cuts[part + 1];
    if (by_range) {
      HostBuffer<Position> next(end - first);
      loops.multiply_rows_by_range(lists, table, out, first, end, 2 * kPartRatings, next.data());
    } else {
      loops.multiply_rows(lists, table, out, first, end, 2 * kPartRatings);
    }
  });
  for (Position row = 0; row < lists.rows(); ++row) {  // those that one worker would be left alone with
    const Position first = lists.begin[row], end = lists.begin[row + 1];
    if (end - first <= 2 * kPartRatings) continue;
    const Position parts = (end - first + kPartRatings - 1) / kPartRatings;
    HostBuffer<float> sums(checked_product(parts, table.rank));
    pool_.for_each(parts, [&](Position part) {
      const FlushToZero scope;
      const Position from = first + part * kPartRatings;
      loops.sum_ratings(lists, table, from, std::min(from + kPartRatings, end), sums.data() + part * table.rank);
    });
    for (int f = 0; f < table.rank; ++f) {
      double sum = 0;
      for (Position part = 0; part < parts; ++part) sum += static_cast<double>(sums[part * table.rank + f]);
      out.row(row)[f] = static_cast<float>(sum);
    }
  }
  pool_.for_chunks(out.count, kPartRows, [&](Position first, Position end) { take_shift(shift, first, end, out); });
}

void Cpu::multiply_table(Rows<const float, Host> left, Rows<const float, Host> right, Rows<float, Host> out) {
  const ListLoops& loops = list_loops(simd_);
  const PaddedTable padded(right);
  constexpr Position kRows = 512;
  pool_.for_chunks(left.count, kRows, [&](Position first, Position end) {
    const FlushToZero scope;
    loops.multiply_table(left, padded, out, first, end);
  });
}

void Cpu::column_sums(Rows<const float, Host> table, Span<const float, Host> weights, Span<float, Host> sums) {
  const Position parts = (table.count + kPartRows - 1) / kPartRows;
  HostBuffer<double> of_parts(checked_product(parts, table.rank), 0);
  pool_.for_each(parts, [&](Position part) {
    double* const to = of_parts.data() + part * table.rank;
    for (Position row = part * kPartRows; row < std::min((part + 1) * kPartRows, table.count); ++row) {
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[row]);
      const float* const from = table.row(row);
      for (int f = 0; f < table.rank; ++f) to[f] += weight * static_cast<double>(from[f]);
    }
  });
  for (int f = 0; f < table.rank; ++f) {
    double sum = 0;
    for (Position part = 0; part < parts; ++part) sum += of_parts[part * table.rank + f];
    sums[f] = static_cast<float>(sum);
  }
}

}  // namespace wf
