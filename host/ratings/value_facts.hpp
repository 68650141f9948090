// What the ratings' values are like: one pass, in parallel, the same bits for any number of threads.
#pragma once
#include "host/base/view.hpp"

namespace wf {

struct ValueFacts {
  Position count = 0;
  double mean = 0, deviation = 0;  ///< 0 where there are no values
  float least = 0, most = 0;
};

/// Sums are formed in double per chunk and added in the order of the chunks. `threads` 0: all.
ValueFacts facts_of(Span<const float, Host> values, int threads = 0);

}  // namespace wf
