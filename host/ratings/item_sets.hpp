// What each user has rated, as a set: items that are left out of a user's list, or looked for in it.
#pragma once
#include "host/ratings/ratings.hpp"

namespace wf {

/// For each user a set of items, ascending: 4 bytes a rating and 8 a user.
class ItemSets {
 public:
  ItemSets() = default;  ///< of any number of users, all empty

  /// The items of the ratings. Ratings of rows beyond n_users or n_items are left out. `threads` 0: all.
  ItemSets(const RatingsView<Host>& ratings, Position n_users, Position n_items, int threads = 0);

  /// Ascending, without duplicates.
  Span<const RowId, Host> of(RowId user) const {
    if (begin_.empty()) return {};
    return items_.span().part(begin_[user], end_[user] - begin_[user]);
  }
  /// counts[i]: the sets that item i is in, [n_items].
  HostBuffer<Position> counts(Position n_items) const;

 private:
  HostBuffer<Position> begin_, end_;
  HostBuffer<RowId> items_;
};

}  // namespace wf
