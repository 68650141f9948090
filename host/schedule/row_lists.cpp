#include "host/schedule/row_lists.hpp"

#include "host/schedule/row_sharing.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace wf {
namespace {

RowLists empty_lists(const HostBuffer<Position>& counts) {
  RowLists lists;
  lists.begin.resize(counts.size() + 1);
  lists.begin[0] = 0;
  for (Position row = 0; row < counts.size(); ++row) lists.begin[row + 1] = lists.begin[row] + counts[row];
  lists.partner.resize(lists.begin[counts.size()]);
  lists.value.resize(lists.begin[counts.size()]);
  return lists;
}

/// `to` from the lists of the other side, its rows' ratings in the order of the other side's rows. Each worker reads
/// all and writes what is of its own range of rows: no counters for each of them, and the same order for any number.
void transpose(ThreadPool& pool, const RowLists& from, RowLists& to) {
  const HostBuffer<Position> cuts = cut_lists(to.begin.span(), pool.size(), 0);
  pool.for_each(cuts.size() - 1, [&](Position part) {
    const Position first = cuts[part], end = cuts[part + 1];
    HostBuffer<Position> next(end - first);
    std::copy(to.begin.begin() + first, to.begin.begin() + end, next.begin());
    for (Position row = 0; row < from.rows(); ++row) {
      for (Position n = from.begin[row]; n < from.begin[row + 1]; ++n) {
        const Position own = from.partner[n];
        if (own < first || own >= end) continue;
        const Position at = next[own - first]++;
        to.partner[at] = static_cast<RowId>(row);
        to.value[at] = from.value[n];
      }
    }
  });
}

/// Values of ratings with the same partner come in an order that depends on the source's.
void order_repeated(ThreadPool& pool, RowLists& lists) {
  constexpr Position kRowsAtOnce = 1024;
  pool.for_chunks(lists.rows(), kRowsAtOnce, [&](Position first_row, Position end_row) {
    for (Position row = first_row; row < end_row; ++row) {
      const Position end = lists.begin[row + 1];
      for (Position n = lists.begin[row], same = n; n < end; n = same) {
        while (same < end && lists.partner[same] == lists.partner[n]) ++same;
        if (same - n > 1) std::sort(lists.value.data() + n, lists.value.data() + same);
      }
    }
  });
}

bool names_cells_once(const RowLists& lists) {
  bool once = true;
  for (Position row = 0; row < lists.rows(); ++row) {
    for (Position n = lists.begin[row] + 1; n < lists.begin[row + 1]; ++n) {
      once &= lists.partner[n] != lists.partner[n - 1];
    }
  }
  return once;
}

void sum_repeated(RowLists& lists) {
  Position to = 0;
  for (Position row = 0, from = 0; row < lists.rows(); ++row) {
    const Position end = lists.begin[row + 1];
    lists.begin[row] = to;
    while (from < end) {
      const RowId partner = lists.partner[from];
      double sum = 0;
      for (; from < end && lists.partner[from] == partner; ++from) sum += static_cast<double>(lists.value[from]);
      lists.partner[to] = partner;
      lists.value[to++] = static_cast<float>(sum);
    }
  }
  lists.begin[lists.rows()] = to;
  lists.partner.resize(to);
  lists.value.resize(to);
}

}  // namespace

Position RatingLists::n_all_ratings() const {
  return sharing ? sharing->n_ratings : size();
}

Ranks& RatingLists::ranks() const {
  return sharing ? sharing->ranks : Ranks::alone();
}

RowLists list_by_item(ThreadPool& pool, const RatingSource& ratings, Position n_items) {
  HostBuffer<Position> next(n_items, 0);
  const auto count = [](Position& of_row) { return std::atomic_ref(of_row).fetch_add(1, std::memory_order_relaxed); };
  ratings.for_parts(pool, [&](int, const RatingPart& part) {
    for (const RowId item : part.ratings.item) count(next[item]);
  });
  RowLists lists = empty_lists(next);
  std::copy_n(lists.begin.begin(), n_items, next.begin());
  ratings.for_parts(pool, [&](int, const RatingPart& part) {
    for (Position n = 0; n < part.ratings.size(); ++n) {
      const Position at = count(next[part.ratings.item[n]]);
      lists.partner[at] = part.ratings.user[n];
      lists.value[at] = part.ratings.value[n];
    }
  });
  return lists;
}

RowLists list_by_user(ThreadPool& pool, const RowLists& by_item, Position n_users) {
  HostBuffer<Position> counts(n_users, 0);
  for (const RowId user : by_item.partner) ++counts[user];
  RowLists by_user = empty_lists(counts);
  transpose(pool, by_item, by_user);  // now a user's are by item
  order_repeated(pool, by_user);
  return by_user;
}

RatingLists list_both(ThreadPool& pool, RowLists by_item, Position n_users) {
  RowLists by_user = list_by_user(pool, by_item, n_users);
  RatingLists lists{std::move(by_user), std::move(by_item)};
  transpose(pool, lists.user, lists.item);
  return lists;
}

void sum_repeated(RatingLists& lists) {
  if (names_cells_once(lists.user)) return;
  sum_repeated(lists.user);
  sum_repeated(lists.item);
}

double sum_of_squares(const RowLists& lists) {
  constexpr Position kSums = 8;  // at once: of one alone, each addition waits for the one before
  double sums[kSums] = {};
  for (Position n = 0; n < lists.value.size(); ++n) {
    const auto value = static_cast<double>(lists.value[n]);
    sums[n % kSums] += value * value;
  }
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

HostBuffer<Position> cut_lists(Span<const Position, Host> begin, Position parts, Position row_cost) {
  const Position rows = begin.size - 1;
  const Position total = begin[rows] + rows * row_cost;
  HostBuffer<Position> cuts;
  cuts.push_back(0);
  for (Position part = 1, row = 0; part < parts; ++part) {
    const Position share = total / parts * part + total % parts * part / parts;
    while (row < rows && begin[row] + row * row_cost < share) ++row;
    if (row > cuts[cuts.size() - 1] && row < rows) cuts.push_back(row);
  }
  if (rows > 0) cuts.push_back(rows);
  return cuts;
}

}  // namespace wf
