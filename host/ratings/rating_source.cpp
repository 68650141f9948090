#include "host/ratings/rating_source.hpp"

#include <algorithm>

namespace wf {

void RatingsInMemory::for_parts(ThreadPool& pool, int shares, const Visit& visit) const {
  constexpr Position kPart = Position{1} << 16;
  share_out(pool, shares, [&](int share, std::atomic<Position>& next) {
    for (Position first = kPart * next++; first < size(); first = kPart * next++) {
      visit(share, {first, ratings_.part(first, std::min(kPart, size() - first))});
    }
  });
}

int shares_with_tables(int shares, Position ratings, Position rows) {
  return static_cast<int>(std::clamp<Position>(ratings / (4 * std::max<Position>(rows, 1)), 1, shares));
}

RowCounts row_counts(const RatingSource& ratings, Position n_users, Position n_items, ThreadPool& pool) {
  const int shares = shares_with_tables(pool.size(), ratings.size(), n_users + n_items);
  HostBuffer<Position> tables(checked_product(shares, n_users + n_items), 0);
  ratings.for_parts(pool, shares, [&](int share, const RatingPart& part) {
    Position* const users = tables.data() + share * (n_users + n_items);
    Position* const items = users + n_users;
    for (const RowId user : part.ratings.user) ++users[user];
    for (const RowId item : part.ratings.item) ++items[item];
  });
  RowCounts counts{HostBuffer<Position>(n_users, 0), HostBuffer<Position>(n_items, 0)};
  for (int share = 0; share < shares; ++share) {
    const Position* const users = tables.data() + share * (n_users + n_items);
    for (Position row = 0; row < n_users; ++row) counts.user[row] += users[row];
    for (Position row = 0; row < n_items; ++row) counts.item[row] += users[n_users + row];
  }
  ratings.ranks().sum(counts.user.span());
  ratings.ranks().sum(counts.item.span());
  return counts;
}

}  // namespace wf
