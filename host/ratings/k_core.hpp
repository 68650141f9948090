// The core of a data set: only users and items with enough ratings among those that stay.
#pragma once
#include "host/ratings/ratings.hpp"

namespace wf {

/// The least ratings a user and an item must have; 0 and 1 leave all.
struct CoreLimits {
  Position user = 0, item = 0;
};

/// Takes out the ratings of users and items with too few, again and again until nothing changes: what is left is the
/// largest such set, whatever is taken out first. Ratings and timestamps keep their order, ids their rows, those that
/// have no rating left as well. A pair rated twice counts twice. Returns the passes that took something out.
int keep_core(Dataset& data, const CoreLimits& limits);

}  // namespace wf
