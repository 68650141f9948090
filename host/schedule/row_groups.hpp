// A batch grouped by row: which distinct rows it touches, and where in the batch each of them occurs.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/view.hpp"

namespace wf {

/// Members of a group that one running sum takes: the sum of a row's gradient is the sum of its chunks' sums, in order,
/// on every engine. Chunks of one hot row can then be worked on at once without a bit changing.
inline constexpr RowId kSumChunk = 256;

/// An entry of RowGroups::rows that names no row: spans on a device are as long as the batch allows.
inline constexpr RowId kNoRow = -1;

/// The ratings of one batch, grouped by the row of one side. A device keeps its own form (cuda/kernels).
template <class Space>
struct RowGroups {
  Span<const RowId, Space> rows;     ///< [distinct], in order of first appearance
  Span<const RowId, Space> starts;   ///< [distinct + 1] into members
  Span<const RowId, Space> members;  ///< [batch] positions in the batch, ascending within a group
};

/// Builds RowGroups in time and traffic that depend on the batch alone: a table of 4 bytes a row is filled once and
/// then only touched, and mended, where the batch has rows. No allocation once the largest batch has been seen.
class RowGrouper {
 public:
  /// Rows must lie in 0 .. n_rows - 1. The result is valid until the next call.
  RowGroups<Host> group(Span<const RowId, Host> rows, Position n_rows);

 private:
  HostBuffer<RowId> group_of_row_;  // kNone, or the group of a row in the batch at hand
  HostBuffer<RowId> group_;         // [batch]
  HostBuffer<RowId> rows_, starts_, members_;
};

}  // namespace wf
