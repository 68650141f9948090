// K-fold cross-validation: every rating is in one of K folds, and each fold tests once.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// folds[n] in 0 .. count - 1: the fold of rating n, a random function of (seed, user, item), so that a pair rated
/// twice stays together and the order of ratings does not matter. Folds are as large as each other but for chance.
/// `count` is 2 to 255.
HostBuffer<std::uint8_t> draw_folds(const RatingsView<Host>& ratings, int count, std::uint64_t seed, ThreadPool& pool);

/// Copies: those of one fold, and all others. Both keep their order.
struct FoldParts {
  Ratings train, test;
};
FoldParts parts_of_fold(const RatingsView<Host>& ratings, const HostBuffer<std::uint8_t>& folds, int fold);

}  // namespace wf
