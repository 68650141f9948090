#include "host/schedule/row_groups.hpp"

#include <algorithm>
#include <limits>

namespace wf {
namespace {

constexpr RowId kNever = -1;  // less than any batch's first number

/// For any batch of n ratings. One row more than there can be: loops without branches write behind the last.
void resize(RowGroupBuffers& memory, Position n) {
  memory.rows.resize(n + 1);
  memory.starts.resize(n + 1);
  memory.members.resize(n);
  memory.group_of.resize(n);
}

RowGroups<Host> groups_in(const RowGroupBuffers& memory, RowId distinct, Position n, RowId repeated) {
  return {memory.rows.span().part(0, distinct), memory.starts.span().part(0, distinct + 1),
          memory.members.span().part(0, n), memory.group_of.span().part(0, n), repeated};
}

}  // namespace

void RowGrouper::prepare(Position n, Position n_rows, RowGroupBuffers& memory) {
  if (number_of_row_.size() < n_rows) {
    const Position old = number_of_row_.size();
    number_of_row_.resize(n_rows);
    std::fill(number_of_row_.begin() + old, number_of_row_.end(), kNever);
  }
  if (first_number_ > std::numeric_limits<RowId>::max() - n) {
    std::fill(number_of_row_.begin(), number_of_row_.end(), kNever);
    first_number_ = 0;
  }
  appeared_.resize(n + 1);  // one more than there can be: number_groups writes behind the last
  for (HostBuffer<RowId>* by_group : {&counts_, &name_of_, &places_}) by_group->resize(n);
  resize(memory, n);
}

/// Without a branch: whether a row is new is anybody's guess, and a wrong one would cost more than all the rest.
RowId RowGrouper::number_groups(Span<const RowId, Host> rows, RowGroupBuffers& memory) {
  const RowId first = first_number_;
  RowId* const numbers = number_of_row_.data();
  RowId* const appeared = appeared_.data();
  RowId* const counts = counts_.data();
  RowId* const group_of = memory.group_of.data();
  RowId distinct = 0;
  for (Position m = 0; m < rows.size; ++m) {
    const RowId row = rows[m];
    const RowId number = numbers[row];
    const bool is_new = number < first;
    const RowId group = is_new ? distinct : number - first;
    numbers[row] = first + group;
    appeared[distinct] = row;
    counts[distinct] = 0;  // until the row that was new has a successor
    distinct += is_new ? 1 : 0;
    group_of[m] = group;
    ++counts[group];
  }
  first_number_ += distinct;
  return distinct;
}

/// Names the groups in their order and says where they start. Returns how many have more than one member.
RowId RowGrouper::order_groups(RowId distinct, GroupOrder order, RowGroupBuffers& memory) {
  const bool all_alike = order == GroupOrder::appearance;
  RowId repeated = 0, in_repeated = 0;  // groups, and their members
  for (RowId g = 0; g < distinct; ++g) {
    const bool comes_first = all_alike || counts_[g] > 1;
    repeated += comes_first ? 1 : 0;
    in_repeated += comes_first ? counts_[g] : 0;
  }
  RowId name = 0, single_name = repeated, place = 0, single_place = in_repeated;
  for (RowId g = 0; g < distinct; ++g) {
    const RowId count = counts_[g];
    const bool comes_first = all_alike || count > 1;
    const RowId own = comes_first ? name : single_name;
    const RowId start = comes_first ? place : single_place;
    name_of_[g] = own;
    memory.rows[own] = appeared_[g];
    memory.starts[own] = places_[own] = start;
    name += comes_first ? 1 : 0;
    place += comes_first ? count : 0;
    single_name += comes_first ? 0 : 1;
    single_place += comes_first ? 0 : 1;
  }
  return repeated;
}

RowGroups<Host> RowGrouper::group_by_appearance(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                                RowGroupBuffers& memory) {
  const Position n = rows.size;
  prepare(n, n_rows, memory);
  const RowId distinct = number_groups(rows, memory);
  const RowId repeated = order_groups(distinct, order, memory);
  memory.starts[distinct] = static_cast<RowId>(n);
  for (Position m = 0; m < n; ++m) {
    const RowId name = name_of_[memory.group_of[m]];
    memory.group_of[m] = name;
    memory.members[places_[name]++] = static_cast<RowId>(m);
  }
  return groups_in(memory, distinct, n, order == GroupOrder::repeated_first ? repeated : 0);
}

RowGroups<Host> RowGrouper::group_by_row(Span<const RowId, Host> rows, Position n_rows, RowGroupBuffers& memory) {
  const Position n = rows.size;
  for (HostBuffer<RowId>* by_row : {&counts_, &name_of_, &places_}) by_row->resize(n_rows);
  resize(memory, n);
  std::fill_n(counts_.data(), n_rows, 0);
  for (const RowId row : rows) ++counts_[row];
  RowId repeated = 0, in_repeated = 0;  // groups, and their members
  for (Position row = 0; row < n_rows; ++row) {
    repeated += counts_[row] > 1 ? 1 : 0;
    in_repeated += counts_[row] > 1 ? counts_[row] : 0;
  }
  // without a branch, as above: a row that is absent is written where the next single goes, and written over
  RowId name = 0, single_name = repeated, place = 0, single_place = in_repeated;
  for (Position row = 0; row < n_rows; ++row) {
    const RowId count = counts_[row];
    const RowId own = count > 1 ? name : single_name;
    name_of_[row] = own;
    memory.rows[own] = static_cast<RowId>(row);
    memory.starts[own] = places_[row] = count > 1 ? place : single_place;
    name += count > 1 ? 1 : 0;
    place += count > 1 ? count : 0;
    single_name += count == 1 ? 1 : 0;
    single_place += count == 1 ? 1 : 0;
  }
  memory.starts[single_name] = static_cast<RowId>(n);
  for (Position m = 0; m < n; ++m) {
    const RowId row = rows[m];
    memory.group_of[m] = name_of_[row];
    memory.members[places_[row]++] = static_cast<RowId>(m);
  }
  return groups_in(memory, single_name, n, repeated);
}

RowGroups<Host> RowGrouper::group(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                  RowGroupBuffers& memory) {
  const bool long_batch = n_rows / 2 <= rows.size;
  if (order == GroupOrder::repeated_first && long_batch) return group_by_row(rows, n_rows, memory);
  return group_by_appearance(rows, n_rows, order, memory);
}

}  // namespace wf
