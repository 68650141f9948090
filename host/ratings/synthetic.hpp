// Ratings out of nothing: planted factors, biases, noise and power-law popularity. A function of the shape and the
// seed.
#pragma once
#include "host/base/types.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wf {

struct SyntheticShape {
  std::string name;
  Position n_users = 0, n_items = 0, n_ratings = 0;
  int rank = 16;           ///< of the planted factors
  double user_skew = 0.6;  ///< exponents of the popularity laws, count of the r-th row ~ r^-skew
  double item_skew = 0.9;
  double noise = 0.65;                     ///< standard deviation of the noise, in rating units
  double low = 0.5, high = 5, step = 0.5;  ///< ratings are low, low + step, ... up to high
};

/// tiny, ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, netflix-4 (a quarter of the users), netflix, hugewiki.
const std::vector<SyntheticShape>& synthetic_shapes();

struct SyntheticRating {
  std::int32_t user, item;  ///< from 0; names are permuted, so that the popular rows are not the low numbers
  float value;
};

/// Calls `emit` with consecutive chunks of the n_ratings triples. Pairs may repeat, and rare rows may not occur at all.
/// Throws UsageError for sizes that make no sense.
void synthesize(const SyntheticShape& shape, std::uint64_t seed,
                const std::function<void(const SyntheticRating* ratings, Position count)>& emit);

}  // namespace wf
