// How much memory this process takes, and how much there is.
#pragma once
#include "host/base/types.hpp"

namespace wf {

/// Bytes in memory now; 0 where the system does not say.
Position resident_bytes();

/// Bytes of memory that this machine has; 0 where the system does not say.
Position machine_bytes();

/// Gives the system back what the C library holds of freed memory, where it can.
void release_freed_memory();

/// The whole pages between begin and end, of a buffer, take no memory until they are written again: they are zeros
/// then.
void release_pages(void* begin, void* end);

}  // namespace wf
