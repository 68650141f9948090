// Ratings in a random order, made by all threads: the same order for any number of them.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// Writes `from` into `to` (of the same size, elsewhere) in an order that is a function of (seed, epoch) and of the
/// number of ratings. Every order has the same probability.
void shuffle_ratings(ThreadPool& pool, const RatingsView<Host>& from, std::uint64_t seed, std::uint32_t epoch,
                     Ratings& to);

}  // namespace wf
