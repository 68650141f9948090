// Mini-batches: consecutive slices of the ratings, in file order or in a new random order each epoch.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/config/config.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

class Batches {
 public:
  /// `ratings` must outlive the schedule. Order: Shuffle::none keeps it; Shuffle::epoch copies the ratings in an order
  /// that is a function of (seed, epoch), 12 bytes a rating, with `threads` threads (0: all).
  Batches(const RatingsView<Host>& ratings, Position batch_size, Shuffle order, std::uint64_t seed, int threads = 0);

  void start_epoch(int epoch);
  Position count() const;
  Position batch_size() const { return batch_size_; }
  /// Batch b of the epoch: `batch_size` ratings, the last one may be short, and none in one behind it. Valid until the
  /// next epoch starts.
  RatingsView<Host> batch(Position b) const;

 private:
  RatingsView<Host> ratings_;  // as they were given
  Position batch_size_;
  Shuffle order_;
  std::uint64_t seed_;
  ThreadPool pool_;
  Ratings shuffled_;  // empty: file order
};

}  // namespace wf
