// Ranks that are threads of one process: what several processes do, without starting any.
#pragma once
#include "host/ranks/ranks.hpp"

#include <functional>

namespace wf::test {

/// f(ranks) on `size` ranks at once. Rethrows the first exception; the other ranks' waits then end with FailedError.
void on_ranks(int size, const std::function<void(Ranks&)>& f);

}  // namespace wf::test
