#include "host/schedule/row_groups.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace wf {
namespace {

constexpr RowId kNone = -1;

std::size_t home_of(RowId row) {
  return static_cast<std::size_t>(row) % kRowHomes;
}

}  // namespace

void RowGrouper::prepare(Position n, Position n_rows, RowGroupBuffers& memory) {
  if (group_of_row_.size() < n_rows) {
    const Position old = group_of_row_.size();
    group_of_row_.resize(n_rows);
    std::fill(group_of_row_.begin() + old, group_of_row_.end(), kNone);
  }
  group_.resize(n);
  memory.rows.resize(n + 1);  // one more than there can be: number_groups writes behind the last
  memory.starts.resize(n + 1);
  memory.members.resize(n);
}

/// Without a branch: whether a row is new is anybody's guess, and a wrong one would cost more than all the rest.
RowId RowGrouper::number_groups(Span<const RowId, Host> rows, RowGroupBuffers& memory) {
  RowId* distinct_rows = memory.rows.data();
  RowId* counts = memory.starts.data();
  RowId distinct = 0;
  for (Position m = 0; m < rows.size; ++m) {
    const RowId row = rows[m];
    RowId& entry = group_of_row_[row];
    const bool is_new = entry == kNone;
    const RowId group = is_new ? distinct : entry;
    entry = group;
    distinct_rows[distinct] = row;
    distinct += is_new ? 1 : 0;
    group_[m] = group;
    counts[group] = (is_new ? 0 : counts[group]) + 1;
  }
  for (RowId g = 0; g < distinct; ++g) group_of_row_[distinct_rows[g]] = kNone;
  return distinct;
}

void RowGrouper::order_by_home(RowId distinct, RowGroupBuffers& memory) {
  std::array<RowId, kRowHomes + 1> next{};
  for (RowId g = 0; g < distinct; ++g) ++next[home_of(memory.rows[g]) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  ordered_.rows.resize(distinct + 1);
  ordered_.starts.resize(memory.starts.size());
  new_name_.resize(distinct);
  for (RowId g = 0; g < distinct; ++g) {
    const RowId name = next[home_of(memory.rows[g])]++;
    new_name_[g] = name;
    ordered_.rows[name] = memory.rows[g];
    ordered_.starts[name] = memory.starts[g];
  }
  std::swap(ordered_.rows, memory.rows);
  std::swap(ordered_.starts, memory.starts);
}

RowGroups<Host> RowGrouper::group(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                  RowGroupBuffers& memory) {
  const Position n = rows.size;
  prepare(n, n_rows, memory);
  const RowId distinct = number_groups(rows, memory);
  if (order == GroupOrder::home) order_by_home(distinct, memory);
  RowId* starts = memory.starts.data();
  RowId end = 0;  // counts -> ends of the groups; filling backwards turns them into starts
  for (RowId g = 0; g < distinct; ++g) starts[g] = end += starts[g];
  starts[distinct] = end;
  const auto put_members = [&](const auto& name_of) {
    for (Position m = n - 1; m >= 0; --m) memory.members[--starts[name_of(group_[m])]] = static_cast<RowId>(m);
  };
  if (order == GroupOrder::home) {
    put_members([this](RowId g) { return new_name_[g]; });
  } else {
    put_members([](RowId g) { return g; });
  }
  return {memory.rows.span().part(0, distinct), memory.starts.span().part(0, distinct + 1),
          memory.members.span().part(0, n)};
}

}  // namespace wf
