#include "host/schedule/row_groups.hpp"

#include <algorithm>

namespace wf {
namespace {

constexpr RowId kNone = -1;

}  // namespace

RowGroups<Host> RowGrouper::group(Span<const RowId, Host> rows, Position n_rows) {
  const Position n = rows.size;
  if (group_of_row_.size() < n_rows) {
    const Position old = group_of_row_.size();
    group_of_row_.resize(n_rows);
    std::fill(group_of_row_.begin() + old, group_of_row_.end(), kNone);
  }
  group_.resize(n);
  rows_.resize(n);
  starts_.resize(n + 1);
  members_.resize(n);

  RowId distinct = 0;
  for (Position m = 0; m < n; ++m) {
    RowId& group = group_of_row_[rows[m]];
    if (group == kNone) {
      group = distinct;
      rows_[distinct] = rows[m];
      starts_[distinct] = 0;
      ++distinct;
    }
    group_[m] = group;
    ++starts_[group];
  }
  RowId end = 0;  // counts -> ends of the groups; filling backwards turns them into starts
  for (RowId g = 0; g < distinct; ++g) starts_[g] = end += starts_[g];
  starts_[distinct] = end;
  for (Position m = n - 1; m >= 0; --m) members_[--starts_[group_[m]]] = static_cast<RowId>(m);
  for (RowId g = 0; g < distinct; ++g) group_of_row_[rows_[g]] = kNone;
  return {rows_.span().part(0, distinct), starts_.span().part(0, distinct + 1), members_.span().part(0, n)};
}

}  // namespace wf
