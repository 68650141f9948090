// Exact sums over the ratings of every row of one side, by all threads.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/thread_pool.hpp"

#include <algorithm>

namespace wf {

/// A table of sums per chunk of the ratings: two chunks a thread, and fewer where the tables would take more than 2
/// bytes a rating. Terms are integers (host/base/fixed_point.hpp), so that nothing depends on how ratings are cut.
class RowSums {
 public:
  RowSums(Position ratings, Position rows, int threads)
      : chunks_(std::clamp<Position>(ratings / (4 * std::max<Position>(rows, 1)), 1, 2 * Position{threads})),
        chunk_size_(std::max<Position>((ratings + chunks_ - 1) / chunks_, 1)),
        rows_(rows),
        parts_(checked_product(chunks_, rows)) {}

  /// Sums term(n) over the ratings n of each row.
  template <class Term>
  void sum(Span<const RowId, Host> rows, const Term& term, ThreadPool& pool) {
    pool.for_each(chunks_, [&](Position chunk) {
      std::int64_t* part = parts_.data() + chunk * rows_;
      std::fill(part, part + rows_, 0);
      const Position end = std::min(rows.size, (chunk + 1) * chunk_size_);
      for (Position n = chunk * chunk_size_; n < end; ++n) part[rows[n]] += term(n);
    });
  }

  std::int64_t operator[](Position row) const {
    std::int64_t sum = 0;
    for (Position at = row; at < parts_.size(); at += rows_) sum += parts_[at];
    return sum;
  }

 private:
  Position chunks_, chunk_size_, rows_;
  HostBuffer<std::int64_t> parts_;  // [chunks x rows]
};

}  // namespace wf
