// Ratings that can be gone through again and again, a part at a time: in memory, in a page file, by block of a grid.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ranks/ranks.hpp"
#include "host/ratings/ratings.hpp"

#include <atomic>
#include <functional>

namespace wf {

/// Ratings first .. first + ratings.size() - 1 of a source.
struct RatingPart {
  Position first;
  RatingsView<Host> ratings;
};

class RatingSource {
 public:
  /// A part is valid while the call lasts.
  using Visit = std::function<void(int share, const RatingPart& part)>;

  virtual ~RatingSource() = default;
  virtual Position size() const = 0;

  /// Who has the other parts of the set of ratings that this is a part of. What is a function of the set, is found by
  /// all ranks together, and is the same for all.
  virtual Ranks& ranks() const { return Ranks::alone(); }
  Position total() const { return ranks().sum(size()); }  ///< of the set

  /// visit(share, part) for parts that together are all ratings, each once. Shares 0 .. shares - 1 run side by side on
  /// the pool, and the parts of one share one after the other, in ascending order. Throws what `visit` throws, and
  /// InputError where a file has changed.
  virtual void for_parts(ThreadPool& pool, int shares, const Visit& visit) const = 0;

  /// As many shares as the pool has workers.
  void for_parts(ThreadPool& pool, const Visit& visit) const { for_parts(pool, pool.size(), visit); }

 protected:
  /// share(s, next) for all shares; `next` counts the parts 0, 1, ... that a share takes while they last.
  template <class Share>
  static void share_out(ThreadPool& pool, int shares, const Share& share) {
    std::atomic<Position> next{0};
    pool.for_each(shares, [&](Position s) { share(static_cast<int>(s), next); });
  }
};

/// Ratings in memory, which must outlive it.
class RatingsInMemory final : public RatingSource {
 public:
  explicit RatingsInMemory(const RatingsView<Host>& ratings, Ranks& ranks = Ranks::alone())
      : ratings_(ratings), ranks_(ranks) {}

  using RatingSource::for_parts;
  Position size() const override { return ratings_.size(); }
  Ranks& ranks() const override { return ranks_; }
  void for_parts(ThreadPool& pool, int shares, const Visit& visit) const override;

 private:
  RatingsView<Host> ratings_;
  Ranks& ranks_;
};

/// The ratings of every row, of the whole set.
struct RowCounts {
  HostBuffer<Position> user, item;
};
/// Takes a table a share, and no more shares than leave such tables at 2 bytes a rating.
RowCounts row_counts(const RatingSource& ratings, Position n_users, Position n_items, ThreadPool& pool);

/// How many shares of at most `shares` may have a table of 8 bytes for each of `rows` rows: together the tables take no
/// more than 2 bytes a rating, where that is one at least.
int shares_with_tables(int shares, Position ratings, Position rows);

}  // namespace wf
