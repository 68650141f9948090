// What is rated, as lists by row: where losses of pairs look up what is not.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/thread_pool.hpp"
#include "host/base/view.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// For each row of one side the rows of the other side that it has ratings with, ascending and each once.
template <class Space>
struct Positives {
  Span<const Position, Space> starts;  ///< [rows + 1]
  Span<const RowId, Space> partners;   ///< of row r: starts[r] .. starts[r + 1] - 1
};

/// Owner of Positives: 4 bytes a rating and 8 a row.
struct PositiveLists {
  HostBuffer<Position> starts;
  HostBuffer<RowId> partners;
  Positives<Host> view() const { return {starts.span(), partners.span()}; }
};

/// The lists of `rows`, in 0 .. n_rows - 1; `partners` is the other side of the same ratings. A function of the set of
/// ratings.
PositiveLists positive_lists(Span<const RowId, Host> rows, Span<const RowId, Host> partners, Position n_rows,
                             ThreadPool& pool);

}  // namespace wf
