// Exact sums over the ratings of every row of one side, by all threads.
#pragma once
#include "host/ratings/rating_source.hpp"

#include <algorithm>
#include <utility>

namespace wf {

/// Which rows of a rating are meant.
enum class RatingSide { user, item };

inline Span<const RowId, Host> rows_of(const RatingsView<Host>& ratings, RatingSide side) {
  return side == RatingSide::user ? ratings.user : ratings.item;
}

/// A table of sums for each share of the ratings (shares_with_tables). Terms are integers (host/base/fixed_point.hpp),
/// so that nothing depends on how ratings are shared out.
class RowSums {
 public:
  RowSums(Position ratings, Position rows, int threads)
      : shares_(shares_with_tables(threads, ratings, rows)), rows_(rows), tables_(checked_product(shares_, rows)) {}

  /// Sums term(ratings of a part, n) over the ratings n of each row.
  template <class Term>
  void sum(const RatingSource& ratings, RatingSide side, const Term& term, ThreadPool& pool) {
    pool.for_each(shares_, [&](Position share) { std::fill_n(tables_.data() + share * rows_, rows_, 0); });
    ratings.for_parts(pool, shares_, [&](int share, const RatingPart& part) {
      std::int64_t* const table = tables_.data() + share * rows_;
      const Span<const RowId, Host> rows = rows_of(part.ratings, side);
      for (Position n = 0; n < rows.size; ++n) table[rows[n]] += term(part.ratings, n);
    });
    if (!ratings.ranks().is_alone()) join(ratings.ranks());
  }

  std::int64_t operator[](Position row) const {
    std::int64_t sum = 0;
    for (Position at = row; at < tables_.size(); at += rows_) sum += tables_[at];
    return sum;
  }

 private:
  /// The sums of all ranks, in the first table.
  void join(Ranks& ranks) {
    for (Position at = rows_; at < tables_.size(); ++at) tables_[at % rows_] += std::exchange(tables_[at], 0);
    ranks.sum(tables_.span().part(0, rows_));
  }

  int shares_;
  Position rows_;
  HostBuffer<std::int64_t> tables_;  // [shares x rows]
};

}  // namespace wf
