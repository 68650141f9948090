// Raw host memory for HostBuffer: aligned to cache lines and, where blocks are large, in huge pages.
#pragma once
#include "host/base/types.hpp"

namespace wf {

inline constexpr Position kCacheLine = 64;

/// The block `old` of `old_bytes` (or nullptr, 0) moved to one of `bytes` with the same first bytes; `old` is no more.
/// Large blocks are mapped: growing them moves page tables instead of bytes, so growth has no double peak, and huge
/// pages are asked for, because the first touch of a page costs the same for 4 KB as for 2 MB. nullptr: out of memory,
/// and `old` is as it was.
void* grown_block(void* old, Position old_bytes, Position bytes);

/// Is a new block of so many bytes zeros? A mapped one is, and none of its pages has been touched.
bool is_zero_when_new(Position bytes);

void release_block(void* block, Position bytes);

}  // namespace wf
