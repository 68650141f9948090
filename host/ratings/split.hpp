// ratings -> train + validation, by a random function of (seed, user, item).
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// Moves round(fraction * n) ratings, drawn without replacement, out of `ratings`; both keep their order. Which ones is
/// a function of the seed and of the set of ratings: every pair of rows has a random key, and the smallest keys are
/// taken. Ratings of one pair stay together, so the count may fall short by those of the pair at the cut. Takes 1 byte
/// a rating for as long as it runs. Throws std::invalid_argument unless 0 <= fraction <= 1.
Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed, ThreadPool& pool);

}  // namespace wf
