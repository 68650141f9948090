// The grid that this machine's cores and caches would have.
#pragma once
#include "host/schedule/block_grid.hpp"

namespace wf {

/// Two ranges a thread, so that nobody waits for a range, and twice a core's second cache for the items of
/// a range: the fewer ranges, the more ratings of a user follow each other.
GridWish grid_wish_of_machine(int threads);

}  // namespace wf
