// ratings -> train + validation, by a random function of (seed, position).
#pragma once
#include "host/ratings/ratings.hpp"

namespace wf {

/// Moves round(fraction * n) ratings, drawn without replacement, out of `ratings`; both keep their order.
/// Throws std::invalid_argument unless 0 <= fraction <= 1.
Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed);

}  // namespace wf
