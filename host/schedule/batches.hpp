// Mini-batches: consecutive slices of the ratings, in file order or in a new random order each epoch.
#pragma once
#include "host/config/config.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

class Batches {
 public:
  /// `ratings` must outlive the schedule. Order: Shuffle::none keeps it; Shuffle::epoch permutes by (seed, epoch), 8
  /// bytes a rating.
  Batches(const RatingsView<Host>& ratings, Position batch_size, Shuffle order, std::uint64_t seed);

  void start_epoch(int epoch);
  Position count() const;
  /// Batch b of the epoch: `batch_size` ratings, the last one may be short. Valid until the next call.
  RatingsView<Host> batch(Position b);

 private:
  RatingsView<Host> ratings_;
  Position batch_size_;
  std::uint64_t seed_;
  HostBuffer<Position> order_;  // empty: file order
  Ratings gathered_;
};

}  // namespace wf
