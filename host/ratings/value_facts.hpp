// What the ratings' values are like: two passes, in parallel, a function of the set of values.
#pragma once
#include "host/ratings/rating_source.hpp"

namespace wf {

struct ValueFacts {
  Position count = 0;
  double mean = 0, deviation = 0;  ///< 0 where there are no values, NaN where one is not finite
  float least = 0, most = 0;
};

/// Sums are exact integers (host/base/fixed_point.hpp): neither the order of the values nor `threads` (0: all) matters.
ValueFacts facts_of(const RatingSource& ratings, int threads = 0);

/// The mean of the values of all ranks, which are finite, 0 where there are none: as exact, in two passes.
double mean_of(Span<const float, Host> values, ThreadPool& pool, Ranks& ranks = Ranks::alone());

/// The largest distance of a value from 0; infinite or NaN where a value is. Vectorises.
float largest_magnitude(Span<const float, Host> values, ThreadPool& pool);

}  // namespace wf
