// What each user has rated, as a set: items that are left out of a user's list, or looked for in it.
#pragma once
#include "host/base/scratch_file.hpp"
#include "host/ratings/rating_source.hpp"
#include "host/ratings/ratings.hpp"

#include <string>
#include <utility>

namespace wf {

/// For each user a set of items, ascending: 4 bytes a rating and 8 a user.
class ItemSets {
 public:
  ItemSets() = default;  ///< of any number of users, all empty

  /// The items of the ratings. Ratings of rows beyond n_users or n_items are left out. `threads` 0: all.
  ItemSets(const RatingSource& ratings, Position n_users, Position n_items, int threads = 0);
  ItemSets(const RatingsView<Host>& ratings, Position n_users, Position n_items, int threads = 0)
      : ItemSets(RatingsInMemory(ratings), n_users, n_items, threads) {}

  /// Those of user u are items[starts[u]] .. items[starts[u + 1] - 1], ascending and without duplicates.
  ItemSets(HostBuffer<Position> starts, HostBuffer<RowId> items)
      : starts_(std::move(starts)), items_(std::move(items)) {}

  /// Of no user at all, which is not the same as of users who have none.
  bool empty() const { return starts_.empty(); }

  /// Ascending, without duplicates.
  Span<const RowId, Host> of(RowId user) const {
    if (starts_.empty()) return {};
    return items_.span().part(starts_[user], starts_[user + 1] - starts_[user]);
  }
  Span<const Position, Host> starts() const { return starts_.span(); }  ///< [n_users + 1]
  Span<const RowId, Host> items() const { return items_.span(); }

  /// That making the sets of so many ratings takes.
  static Position bytes(Position n_ratings, Position n_users) {
    return checked_product(n_ratings, sizeof(RowId)) + checked_product(n_users, 2 * sizeof(Position));
  }

  /// counts[i]: the sets that item i is in, [n_items].
  HostBuffer<Position> counts(Position n_items) const;

 private:
  void close_gaps(const HostBuffer<Position>& ends);

  HostBuffer<Position> starts_;
  HostBuffer<RowId> items_;
};

/// Sets that wait in a file without a name, and take no memory meanwhile.
class StoredItemSets {
 public:
  /// Throws FailedError where the folder has no room.
  StoredItemSets(const ItemSets& sets, std::string folder);
  ItemSets read() const;

 private:
  Position n_starts_, n_items_;
  ScratchFile file_;
};

}  // namespace wf
