#include "host/base/host_memory_block.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace wf {
namespace {

constexpr Position kHugePage = Position{2} << 20;
constexpr Position kMapped = kHugePage;  // from here on: mapped

bool is_mapped(Position bytes) {
  return bytes >= kMapped;
}

std::size_t size_of_map(Position bytes) {
  return static_cast<std::size_t>((bytes + kHugePage - 1) / kHugePage * kHugePage);
}

/// Whole huge pages. Linux places such maps on their boundary from 6.7 on; before it, the first and the last part of a
/// map stay in small pages.
void* map_block(Position bytes) {
  void* map = ::mmap(nullptr, size_of_map(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  ::madvise(map, size_of_map(bytes), MADV_HUGEPAGE);  // a wish: refused, the pages are small
  return map;
}

void* new_block(Position bytes) {
  if (is_mapped(bytes)) return map_block(bytes);
  const Position whole_lines = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  return std::aligned_alloc(kCacheLine, static_cast<std::size_t>(std::max(whole_lines, kCacheLine)));
}

}  // namespace

void* grown_block(void* old, Position old_bytes, Position bytes) {
  if (old != nullptr && is_mapped(old_bytes)) {
    if (size_of_map(bytes) == size_of_map(old_bytes)) return old;
    void* moved = ::mremap(old, size_of_map(old_bytes), size_of_map(bytes), MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return nullptr;
    ::madvise(moved, size_of_map(bytes), MADV_HUGEPAGE);
    return moved;
  }
  void* grown = new_block(bytes);
  if (grown == nullptr || old == nullptr) return grown;
  std::memcpy(grown, old, static_cast<std::size_t>(std::min(old_bytes, bytes)));
  release_block(old, old_bytes);
  return grown;
}

bool is_zero_when_new(Position bytes) {
  return is_mapped(bytes);
}

void release_block(void* block, Position bytes) {
  if (block == nullptr) return;
  if (is_mapped(bytes)) {
    ::munmap(block, size_of_map(bytes));
  } else {
    std::free(block);
  }
}

}  // namespace wf
