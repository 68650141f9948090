// The grid that this machine's cores and caches would have.
#pragma once
#include "host/schedule/block_grid.hpp"

namespace wf {

/// Two ranges a thread, so that nobody waits for a range, and twice a core's second cache for the items of a range: the
/// popular ones are what is visited, and each range more is a pass more over the users' rows (docs/decisions/0010).
GridWish grid_wish_of_machine(int threads);

}  // namespace wf
