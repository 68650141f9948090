// How a device groups a batch by row: without telling the host how many rows there are, so that nobody waits.
#pragma once
#include "host/schedule/row_groups.hpp"

namespace wf {

/// `groups` = min(rows of the table, length of the batch) entries; those that name no row hold kNoRow in `rows`.
template <>
struct RowGroups<Device> {
  Span<const RowId, Device> rows;    ///< [groups], in no order that would matter
  Span<const RowId, Device> counts;  ///< [groups] members of each

  Span<const RowId, Device> group_of;  ///< [batch] group of each rating; racing sets only

  // repeatable sets only
  Span<const RowId, Device> starts;      ///< [groups] into members
  Span<const RowId, Device> members;     ///< [batch] positions in the batch, ascending within a group
  Span<const RowId, Device> extra_ends;  ///< [groups] chunks of kSumChunk beyond the first of groups 0 .. g; empty
                                         ///< where no group can have one
};

}  // namespace wf
