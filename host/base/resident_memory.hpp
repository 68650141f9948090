// How much memory this process takes.
#pragma once
#include "host/base/types.hpp"

namespace wf {

/// Bytes in memory now; 0 where the system does not say.
Position resident_bytes();

}  // namespace wf
