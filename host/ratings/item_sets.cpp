#include "host/ratings/item_sets.hpp"

#include "host/base/thread_pool.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

constexpr Position kUsers = 256;  // of a task: some 20,000 ratings to sort

}  // namespace

ItemSets::ItemSets(const RatingSource& ratings, Position n_users, Position n_items, int threads)
    : starts_(n_users + 1, 0) {
  ThreadPool pool(useful_threads(threads, (n_users + kUsers - 1) / kUsers));
  const auto for_counted = [&](const auto& take) {  // one share: in the order of the data
    ratings.for_parts(pool, 1, [&](int, const RatingPart& part) {
      for (Position n = 0; n < part.ratings.size(); ++n) {
        const RowId user = part.ratings.user[n], item = part.ratings.item[n];
        if (user < n_users && item < n_items) take(user, item);
      }
    });
  };
  for_counted([this](RowId user, RowId) { ++starts_[user + 1]; });
  for (Position user = 0; user < n_users; ++user) starts_[user + 1] += starts_[user];
  items_.resize(starts_[n_users]);
  HostBuffer<Position> ends(n_users);
  std::copy_n(starts_.begin(), n_users, ends.begin());
  for_counted([&](RowId user, RowId item) { items_[ends[user]++] = item; });
  pool.for_chunks(n_users, kUsers, [&](Position first, Position end) {
    for (Position user = first; user < end; ++user) {
      RowId* const from = items_.data() + starts_[user];
      RowId* const to = items_.data() + ends[user];
      std::sort(from, to);
      ends[user] = std::unique(from, to) - items_.data();
    }
  });
  close_gaps(ends);
}

/// Of what duplicates left between ends[u] and starts[u + 1].
void ItemSets::close_gaps(const HostBuffer<Position>& ends) {
  Position kept = 0;
  for (Position user = 0; user < ends.size(); ++user) {
    const Position begin = std::exchange(starts_[user], kept);
    if (begin != kept) std::copy(items_.begin() + begin, items_.begin() + ends[user], items_.begin() + kept);
    kept += ends[user] - begin;
  }
  starts_[ends.size()] = kept;
  items_.resize(kept);
}

HostBuffer<Position> ItemSets::counts(Position n_items) const {
  HostBuffer<Position> result(n_items, 0);
  for (const RowId item : items_) ++result[item];
  return result;
}

StoredItemSets::StoredItemSets(const ItemSets& sets, std::string folder)
    : n_starts_(sets.starts().size),
      n_items_(sets.items().size),
      file_(std::move(folder), n_starts_ * sizeof(Position) + n_items_ * sizeof(RowId)) {
  const auto starts_bytes = static_cast<Position>(n_starts_ * sizeof(Position));
  file_.write_at(0, sets.starts().data, starts_bytes);
  file_.write_at(starts_bytes, sets.items().data, n_items_ * sizeof(RowId));
}

ItemSets StoredItemSets::read() const {
  HostBuffer<Position> starts(n_starts_);
  HostBuffer<RowId> items(n_items_);
  const auto starts_bytes = static_cast<Position>(n_starts_ * sizeof(Position));
  file_.read_at(0, starts.data(), starts_bytes);
  file_.read_at(starts_bytes, items.data(), n_items_ * sizeof(RowId));
  return {std::move(starts), std::move(items)};
}

}  // namespace wf
