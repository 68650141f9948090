#include "host/schedule/row_groups.hpp"

#include <algorithm>
#include <limits>

namespace wf {
namespace {

constexpr RowId kNever = -1;  // less than any batch's first number

/// For any batch of n ratings. One row more than there can be: loops without branches write behind the last.
void resize(RowGroupBuffers& memory, Position n, Position group_of, Position group_of_row) {
  memory.rows.resize(n + 1);
  memory.starts.resize(n + 1);
  memory.members.resize(n);
  memory.group_of.resize(group_of);
  memory.group_of_row.resize(group_of_row);
}

RowGroups<Host> groups_in(const RowGroupBuffers& memory, RowId distinct, RowId repeated) {
  return {memory.rows.span().part(0, distinct),
          memory.starts.span().part(0, distinct + 1),
          memory.members.span(),
          memory.group_of.span(),
          memory.group_of_row.span(),
          repeated,
          memory.ratings.span()};
}

/// For loops over a batch's ratings, which were never in a cache: hardware follows a stream only to the end of its
/// page, 1024 of them. 1.1 of 24 ns a rating of a batch of 65,536 (0011).
template <class T>
void prefetch_stream(const T* at) {
  constexpr int kAhead = 2048 / sizeof(T);
  __builtin_prefetch(at + kAhead);
}

/// Deals the members out: places[key_of(m)] is where the next of m's group goes. Calls then(m), the last to need
/// key_of(m).
template <class KeyOf, class Then>
void place_members(const KeyOf& key_of, RowId* places, const GroupedValues& values, RowGroupBuffers& memory,
                   const Then& then) {
  constexpr Position kAhead = 16;  // places are lines all over the second cache: each store would wait for its own
  const Position n = memory.members.size();
  RowId* const members = memory.members.data();
  memory.ratings.resize(values.partners.size);
  GroupedRating* const ratings = memory.ratings.data();
  const auto place_all = [&](const auto& prefetch, const auto& place_rating) {
    for (Position m = 0; m < n; ++m) {
      const RowId ahead = places[key_of(std::min(m + kAhead, n - 1))];
      __builtin_prefetch(members + ahead, 1);
      prefetch(m, ahead);
      const RowId place = places[key_of(m)]++;
      members[place] = static_cast<RowId>(m);
      place_rating(m, place);
      then(m);
    }
  };
  const auto nothing = [](Position, RowId) {};
  if (values.partners.empty()) return place_all(nothing, nothing);
  place_all(
      [&](Position m, RowId ahead) {
        __builtin_prefetch(ratings + ahead, 1);
        prefetch_stream(&values.partners[m]);
        prefetch_stream(&values.values[m]);
      },
      [&](Position m, RowId place) {
        ratings[place] = {values.partners[m], values.values[m]};
      });
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
  resize(memory, n, n, 0);
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
    prefetch_stream(&rows[m]);
    const RowId row = rows[m];
    const RowId known = numbers[row] - first;  // negative: no group yet
    const RowId is_new = known >> 31;          // all bits or none, where a comparison would become a branch
    const RowId group = (distinct & is_new) | (known & ~is_new);
    numbers[row] = first + group;
    appeared[distinct] = row;
    distinct -= is_new;
    group_of[m] = group;
  }
  // in a loop of its own: a count that is set to 0 and then raised would wait for its own store
  std::fill_n(counts, distinct, 0);
  for (Position m = 0; m < rows.size; ++m) ++counts[group_of[m]];
  first_number_ += distinct;
  return distinct;
}

/// Names the groups in their order and says where they start. Returns how many have more than one member.
RowId RowGrouper::order_groups(RowId distinct, GroupOrder order, RowGroupBuffers& memory) {
  const RowId all_alike = order == GroupOrder::appearance ? -1 : 0;
  const auto comes_first = [&](RowId g) { return all_alike | (1 - counts_[g]) >> 31; };  // all bits or none
  RowId repeated = 0, in_repeated = 0;                                                   // groups, and their members
  for (RowId g = 0; g < distinct; ++g) {
    repeated -= comes_first(g);
    in_repeated += counts_[g] & comes_first(g);
  }
  RowId name = 0, single_name = repeated, place = 0, single_place = in_repeated;
  for (RowId g = 0; g < distinct; ++g) {
    const RowId first = comes_first(g), count = counts_[g];
    const RowId own = (name & first) | (single_name & ~first);
    const RowId start = (place & first) | (single_place & ~first);
    name_of_[g] = own;
    memory.rows[own] = appeared_[g];
    memory.starts[own] = places_[g] = start;
    name -= first;
    place += count & first;
    single_name += 1 + first;
    single_place += 1 + first;
  }
  return repeated;
}

RowGroups<Host> RowGrouper::group_by_appearance(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                                RowGroupBuffers& memory, const GroupedValues& values) {
  const Position n = rows.size;
  prepare(n, n_rows, memory);
  const RowId distinct = number_groups(rows, memory);
  const RowId repeated = order_groups(distinct, order, memory);
  memory.starts[distinct] = static_cast<RowId>(n);
  RowId* const group_of = memory.group_of.data();
  const RowId* const name_of = name_of_.data();
  place_members([&](Position m) { return group_of[m]; }, places_.data(), values, memory,
                [&](Position m) { group_of[m] = name_of[group_of[m]]; });
  return groups_in(memory, distinct, order == GroupOrder::repeated_first ? repeated : 0);
}

RowGroups<Host> RowGrouper::group_by_row(Span<const RowId, Host> rows, Position n_rows, RowGroupBuffers& memory,
                                         const GroupedValues& values) {
  const Position n = rows.size;
  for (HostBuffer<RowId>* by_row : {&counts_, &places_}) by_row->resize(n_rows);
  resize(memory, n, 0, n_rows);
  std::fill_n(counts_.data(), n_rows, 0);
  for (const RowId& row : rows) {
    prefetch_stream(&row);
    ++counts_[row];
  }
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
    memory.group_of_row[row] = own;
    memory.rows[own] = static_cast<RowId>(row);
    memory.starts[own] = places_[row] = count > 1 ? place : single_place;
    name += count > 1 ? 1 : 0;
    place += count > 1 ? count : 0;
    single_name += count == 1 ? 1 : 0;
    single_place += count == 1 ? 1 : 0;
  }
  memory.starts[single_name] = static_cast<RowId>(n);
  place_members([&](Position m) { return rows[m]; }, places_.data(), values, memory, [](Position) {});
  return groups_in(memory, single_name, repeated);
}

RowGroups<Host> RowGrouper::group(Span<const RowId, Host> rows, Position n_rows, GroupOrder order,
                                  RowGroupBuffers& memory, const GroupedValues& values) {
  const bool long_batch = n_rows / 2 <= rows.size;
  if (order == GroupOrder::repeated_first && long_batch) return group_by_row(rows, n_rows, memory, values);
  return group_by_appearance(rows, n_rows, order, memory, values);
}

}  // namespace wf
