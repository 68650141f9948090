#include "host/schedule/positives.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

/// Partners by row, in the order of the ratings.
PositiveLists gathered(Span<const RowId, Host> rows, Span<const RowId, Host> partners, Position n_rows) {
  PositiveLists lists{HostBuffer<Position>(n_rows + 1, 0), HostBuffer<RowId>(rows.size)};
  for (const RowId row : rows) ++lists.starts[Position{row} + 1];
  for (Position row = 0; row < n_rows; ++row) lists.starts[row + 1] += lists.starts[row];
  HostBuffer<Position> next = lists.starts.clone();
  for (Position n = 0; n < rows.size; ++n) lists.partners[next[rows[n]]++] = partners[n];
  return lists;
}

}  // namespace

PositiveLists positive_lists(Span<const RowId, Host> rows, Span<const RowId, Host> partners, Position n_rows,
                             ThreadPool& pool) {
  PositiveLists lists = gathered(rows, partners, n_rows);
  HostBuffer<Position> distinct(n_rows);
  constexpr Position kRows = 1024;
  pool.for_chunks(n_rows, kRows, [&](Position begin, Position end) {
    for (Position row = begin; row < end; ++row) {
      RowId* const first = lists.partners.data() + lists.starts[row];
      RowId* const last = lists.partners.data() + lists.starts[row + 1];
      std::sort(first, last);
      distinct[row] = std::unique(first, last) - first;
    }
  });
  Position kept = 0;
  for (Position row = 0; row < n_rows; ++row) {  // lists move towards the front
    const Position from = lists.starts[row];
    if (kept != from) std::copy_n(lists.partners.data() + from, distinct[row], lists.partners.data() + kept);
    lists.starts[row] = kept;
    kept += distinct[row];
  }
  lists.starts[n_rows] = kept;
  lists.partners.resize(kept);
  return lists;
}

}  // namespace wf
