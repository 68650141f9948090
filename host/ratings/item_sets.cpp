#include "host/ratings/item_sets.hpp"

#include "host/base/thread_pool.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

constexpr Position kUsers = 256;  // of a task: some 20,000 ratings to sort

}  // namespace

ItemSets::ItemSets(const RatingsView<Host>& ratings, Position n_users, Position n_items, int threads)
    : begin_(n_users + 1, 0), end_(n_users) {
  const auto counts = [&](Position n) { return ratings.user[n] < n_users && ratings.item[n] < n_items; };
  for (Position n = 0; n < ratings.size(); ++n) {
    if (counts(n)) ++begin_[ratings.user[n] + 1];
  }
  for (Position user = 0; user < n_users; ++user) {
    begin_[user + 1] += begin_[user];
    end_[user] = begin_[user];
  }
  items_.resize(begin_[n_users]);
  for (Position n = 0; n < ratings.size(); ++n) {
    if (counts(n)) items_[end_[ratings.user[n]]++] = ratings.item[n];
  }
  ThreadPool pool(useful_threads(threads, (n_users + kUsers - 1) / kUsers));
  pool.for_chunks(n_users, kUsers, [this](Position first, Position end) {
    for (Position user = first; user < end; ++user) {
      RowId* const from = items_.data() + begin_[user];
      RowId* const to = items_.data() + end_[user];
      std::sort(from, to);
      end_[user] = std::unique(from, to) - items_.data();
    }
  });
}

HostBuffer<Position> ItemSets::counts(Position n_items) const {
  HostBuffer<Position> result(n_items, 0);
  for (Position user = 0; user < end_.size(); ++user) {
    for (const RowId item : of(static_cast<RowId>(user))) ++result[item];
  }
  return result;
}

}  // namespace wf
