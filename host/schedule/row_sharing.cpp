#include "host/schedule/row_sharing.hpp"

#include "host/schedule/hand_over.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

/// starts[ranks + 1] of consecutive rows. A row costs `row_cost` ratings beside its own: each rank has its share of the
/// cost, give or take the half of one row's.
HostBuffer<RowId> starts_by_cost(const HostBuffer<Position>& counts, int ranks, Position row_cost) {
  Position total = 0;
  for (const Position count : counts) total += count + row_cost;
  HostBuffer<RowId> starts(ranks + 1, static_cast<RowId>(counts.size()));
  starts[0] = 0;
  Position before = 0;
  int rank = 0;
  for (Position row = 0; row < counts.size(); ++row) {
    const Position cost = counts[row] + row_cost;
    const Position owner = std::min<Position>((before + cost / 2) * ranks / std::max<Position>(total, 1), ranks - 1);
    while (rank < owner) starts[++rank] = static_cast<RowId>(row);
    before += cost;
  }
  return starts;
}

/// Rows beyond all, unknown ids, are with the last of all: that rank has biases to score them with.
int owner_of(const HostBuffer<RowId>& starts, RowId row) {
  const RowId known = std::min(row, static_cast<RowId>(*(starts.end() - 1) - 1));
  return static_cast<int>(std::upper_bound(starts.begin(), starts.end(), known) - starts.begin()) - 1;
}

void mark(const HostBuffer<RowId>& rows, HostBuffer<std::uint8_t>& marks) {
  for (const RowId row : rows) {
    if (row < marks.size()) marks[row] = 1;
  }
}

/// To rows of a table, counted from `first`. What was beyond all rows is then beyond the table's, as far as before.
void rename(HostBuffer<RowId>& rows, const SharedRows& to, const HostBuffer<RowId>& table_rows, RowId first) {
  const auto beyond = static_cast<RowId>(to.n_all() - to.n_here());
  for (RowId& row : rows) row = (row < table_rows.size() ? table_rows[row] : row - beyond) - first;
}

RowLists lists_of(ThreadPool& pool, const Ratings& ratings, const RowRange& own, Position n_partners) {
  return list_by_user(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_partners), own.end - own.begin);
}

}  // namespace

SharedRows::SharedRows(Position n_rows)
    : n_all_(n_rows), starts_(2, 0), held_(2, 0), wanted_(1), pieces_{0, static_cast<RowId>(n_rows)} {
  starts_[1] = held_[1] = static_cast<RowId>(n_rows);
}

SharedRows::SharedRows(Ranks& ranks, HostBuffer<RowId> starts, HostBuffer<std::uint8_t> needed, bool whole_pieces)
    : n_all_(needed.size()), rank_(ranks.rank()), starts_(std::move(starts)), held_(starts_.size()) {
  const auto whole = [&](Position row) { return std::min((row + kGramRows - 1) / kGramRows * kGramRows, n_all_); };
  const Position first = starts_[rank_], end = starts_[rank_ + 1], first_piece = whole(first);
  const Position end_here = whole_pieces && first_piece < end ? whole(end) : end;
  std::fill(needed.begin() + first, needed.begin() + end_here, std::uint8_t{1});
  for (int r = 0; r < ranks.size(); ++r) {
    held_[r] = static_cast<RowId>(names_.size());
    for (RowId row = starts_[r]; row < starts_[r + 1]; ++row) {
      if (needed[row] != 0) names_.push_back(row);
    }
  }
  held_[ranks.size()] = static_cast<RowId>(names_.size());
  const RowId to_table = held_[rank_] - starts_[rank_];
  if (first_piece < end) {
    pieces_ = {static_cast<RowId>(first_piece) + to_table, static_cast<RowId>(end_here) + to_table};
  }

  std::vector<HostBuffer<RowId>> copies(static_cast<std::size_t>(ranks.size()));
  for (int r = 0; r < ranks.size(); ++r) {
    if (r == rank_) continue;
    HostBuffer<RowId>& of_rank = copies[static_cast<std::size_t>(r)];
    of_rank.resize(held_[r + 1] - held_[r]);
    std::copy(names_.begin() + held_[r], names_.begin() + held_[r + 1], of_rank.begin());
  }
  wanted_ = ranks.exchange(copies);
  for (HostBuffer<RowId>& rows : wanted_) {
    for (RowId& row : rows) row += to_table;
  }
}

RowId SharedRows::name_of(Position row) const {
  if (names_.empty() && n_here() > 0) return static_cast<RowId>(row);
  return row < n_here() ? names_[row] : static_cast<RowId>(row - n_here() + n_all_);
}

HostBuffer<RowId> SharedRows::table_rows() const {
  HostBuffer<RowId> rows(n_all_, -1);
  for (Position n = 0; n < names_.size(); ++n) rows[names_[n]] = static_cast<RowId>(n);
  return rows;
}

Position SharedRows::bring(Ranks& ranks, const Rows<float, Host>& table) const {
  std::vector<std::unique_ptr<Message>> messages;
  for (int r = 0; r < ranks.size(); ++r) {
    const Position count = held_[r + 1] - held_[r];
    if (r == rank_ || count == 0) continue;
    messages.push_back(
        ranks.start_receive(r, writable_bytes_of(Span<float, Host>{table.row(held_[r]), count * table.rank})));
  }
  std::vector<HostBuffer<float>> leaving(wanted_.size());
  Position sent = 0;
  for (int r = 0; r < ranks.size(); ++r) {
    const HostBuffer<RowId>& rows = wanted_[static_cast<std::size_t>(r)];
    if (rows.empty()) continue;
    HostBuffer<float>& packed = leaving[static_cast<std::size_t>(r)];
    packed.resize(checked_product(rows.size(), table.rank));
    for (Position n = 0; n < rows.size(); ++n) {
      std::copy_n(table.row(rows[n]), table.rank, packed.data() + n * table.rank);
    }
    messages.push_back(ranks.start_send(r, bytes_of(std::as_const(packed).span())));
    sent += packed.size() * Position{sizeof(float)};
  }
  for (const auto& message : messages) message->wait();
  return sent;
}

std::shared_ptr<const RowSharing> whole_tables(const RatingLists& lists) {
  return std::make_shared<RowSharing>(RowSharing{Ranks::alone(), SharedRows(lists.user.rows()),
                                                 SharedRows(lists.item.rows()), RowCounts{}, lists.size()});
}

SharedRatings share_by_row(ThreadPool& pool, const RatingSource& train, const RatingSource& valid, Position n_users,
                           Position n_items, int rank, bool whole_pieces) {
  Ranks& ranks = train.ranks();
  const Position n_ratings = train.total();
  RowCounts counts = row_counts(train, n_users, n_items, pool);
  HostBuffer<RowId> user_starts = starts_by_cost(counts.user, ranks.size(), rank / 2);
  HostBuffer<RowId> item_starts = starts_by_cost(counts.item, ranks.size(), rank / 2);
  const auto by_user = [&](RowId user, RowId) { return owner_of(user_starts, user); };
  Ratings of_users = hand_over(train, by_user);
  Ratings of_items = hand_over(train, [&](RowId, RowId item) { return owner_of(item_starts, item); });
  SharedRatings result;
  result.valid = hand_over(valid, by_user);

  HostBuffer<std::uint8_t> users_needed(n_users, 0), items_needed(n_items, 0);
  mark(of_items.user, users_needed);
  mark(of_users.item, items_needed);
  mark(result.valid.item, items_needed);
  auto sharing = std::make_shared<RowSharing>(RowSharing{
      ranks, SharedRows(ranks, std::move(user_starts), std::move(users_needed), whole_pieces),
      SharedRows(ranks, std::move(item_starts), std::move(items_needed), whole_pieces), std::move(counts), n_ratings});
  const SharedRows &users = sharing->users, &items = sharing->items;
  {
    const HostBuffer<RowId> user_rows = users.table_rows(), item_rows = items.table_rows();
    rename(of_users.user, users, user_rows, users.own().begin);
    rename(of_users.item, items, item_rows, 0);
    rename(of_items.user, users, user_rows, 0);
    rename(of_items.item, items, item_rows, items.own().begin);
    rename(result.valid.user, users, user_rows, 0);
    rename(result.valid.item, items, item_rows, 0);
  }
  result.lists.user = lists_of(pool, of_users, users.own(), items.n_here());
  of_users = {};
  std::swap(of_items.user, of_items.item);
  result.lists.item = lists_of(pool, of_items, items.own(), users.n_here());
  result.lists.sharing = std::move(sharing);
  return result;
}

}  // namespace wf
