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
  Span<const RowId, Space> rows;     ///< [distinct], in order of first appearance or as GroupOrder says
  Span<const RowId, Space> starts;   ///< [distinct + 1] into members
  Span<const RowId, Space> members;  ///< [batch] positions in the batch, ascending within a group
};

/// Rows are dealt out to so many homes. Where a batch's groups are in the order of their rows' homes, a worker that
/// takes the same share of each batch's groups meets the same rows: they are in its cache, and in no other's.
inline constexpr int kRowHomes = 32;

enum class GroupOrder { appearance, home };

/// Memory of a RowGroups, kept from batch to batch.
struct RowGroupBuffers {
  HostBuffer<RowId> rows, starts, members;
};

/// Builds RowGroups in time and traffic that depend on the batch alone: a table of 4 bytes a row is filled once and
/// then only touched, and mended, where the batch has rows. No allocation once the largest batch has been seen.
class RowGrouper {
 public:
  /// Rows must lie in 0 .. n_rows - 1. The result lies in `memory`.
  RowGroups<Host> group(Span<const RowId, Host> rows, Position n_rows, GroupOrder order, RowGroupBuffers& memory);
  /// In order of first appearance and memory of its own: valid until the next call.
  RowGroups<Host> group(Span<const RowId, Host> rows, Position n_rows) {
    return group(rows, n_rows, GroupOrder::appearance, own_);
  }

 private:
  void prepare(Position n, Position n_rows, RowGroupBuffers& memory);
  RowId number_groups(Span<const RowId, Host> rows, RowGroupBuffers& memory);
  void order_by_home(RowId distinct, RowGroupBuffers& memory);

  HostBuffer<RowId> group_of_row_;  // kNone, or the group of a row in the batch at hand
  HostBuffer<RowId> group_;         // [batch]
  HostBuffer<RowId> new_name_;      // [distinct] of groups that were put in another order
  RowGroupBuffers own_, ordered_;
};

}  // namespace wf
