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

/// What a loop over groups reads of a rating: as one stream in the order of the groups, not from two arrays at random.
struct GroupedRating {
  RowId partner = 0;  ///< its row on the other side
  float value = 0;
};

/// The ratings of one batch, grouped by the row of one side. A device keeps its own form (cuda/kernels).
template <class Space>
struct RowGroups {
  Span<const RowId, Space> rows;     ///< [distinct], in order of first appearance or as GroupOrder says
  Span<const RowId, Space> starts;   ///< [distinct + 1] into members
  Span<const RowId, Space> members;  ///< [batch] positions in the batch, ascending within a group
  // where RowGrouper made them
  Span<const RowId, Space> group_of;         ///< [batch] the group of each member; empty where group_of_row is not
  Span<const RowId, Space> group_of_row;     ///< [rows of the table] the group of each that is there, of a long batch
  RowId repeated = 0;                        ///< of GroupOrder::repeated_first: the groups of more than one member
  Span<const GroupedRating, Space> ratings;  ///< [batch] of each of `members`, or empty where nobody asked for them
};

/// repeated_first: groups of more than one member, then those of one, each in order of first appearance or, in a batch
/// that is long for its table, in the order of rows. Loops over groups of one kind do not have to guess; and a worker
/// that takes the same share of each batch meets the popular rows or the rare ones, so that the popular are in its
/// cache.
enum class GroupOrder { appearance, repeated_first };

/// Memory of a RowGroups, kept from batch to batch.
struct RowGroupBuffers {
  HostBuffer<RowId> rows, starts, members, group_of, group_of_row;
  HostBuffer<GroupedRating> ratings;
};

/// Of the ratings that are grouped, what RowGroups::ratings takes: [batch] each.
struct GroupedValues {
  Span<const RowId, Host> partners;
  Span<const float, Host> values;
};

/// Builds RowGroups in time and traffic that depend on the batch alone: a table of 4 bytes a row is filled once and
/// then only touched where the batch has rows. Where the order may be that of rows and a batch is no shorter than half
/// of the table, all rows are counted, which takes fewer instructions (0011). No allocation once the largest batch has
/// been seen.
class RowGrouper {
 public:
  /// Rows must lie in 0 .. n_rows - 1. The result lies in `memory`.
  RowGroups<Host> group(Span<const RowId, Host> rows, Position n_rows, GroupOrder order, RowGroupBuffers& memory,
                        const GroupedValues& values = {});
  /// In order of first appearance and memory of its own: valid until the next call.
  RowGroups<Host> group(Span<const RowId, Host> rows, Position n_rows) {
    return group(rows, n_rows, GroupOrder::appearance, own_);
  }

 private:
  RowGroups<Host> group_by_appearance(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                      RowGroupBuffers& memory, const GroupedValues& values);
  RowGroups<Host> group_by_row(Span<const RowId, Host> rows, Position n_rows, RowGroupBuffers& memory,
                               const GroupedValues& values);
  void prepare(Position n, Position n_rows, RowGroupBuffers& memory);
  RowId number_groups(Span<const RowId, Host> rows, RowGroupBuffers& memory);
  RowId order_groups(RowId distinct, GroupOrder order, RowGroupBuffers& memory);

  // Of each row: first_number_ + its group in the batch at hand, or less where the row is not in it. Batches have
  // numbers of their own, so that nothing has to be mended between them.
  HostBuffer<RowId> number_of_row_;
  RowId first_number_ = 0;
  // [distinct], by order of first appearance; of group_by_row, [rows]
  HostBuffer<RowId> appeared_, counts_, name_of_;
  HostBuffer<RowId> places_;  // where the group's next member goes
  RowGroupBuffers own_;
};

}  // namespace wf
