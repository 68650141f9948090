// The pretended device memory: allocation, and the state of each of its bytes. Addresses are handed out in turn, with
// gaps between allocations, so that freed ones stay free for long; new memory is filled with 0xFF (NaN, -1).
#include "tests/simt/scheduler.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace simt {

Arena arena;

namespace {

constexpr std::size_t kAlign = 512;
constexpr std::size_t kGap = 512;
constexpr std::size_t kFirst = kSlot * kSlots + kGap;
std::map<const char*, Allocation> allocations;
std::size_t cursor = kFirst;
std::size_t used = 0;
std::uint64_t next_id = 0;

std::size_t rounded(std::size_t bytes) {
  return (bytes + kAlign - 1) & ~(kAlign - 1);
}

void* reserve(std::size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    std::perror("simt: cannot reserve address space");
    std::abort();
  }
  return p;
}

/// Gives the whole pages inside a range back; they read as zero afterwards.
void discard(void* from, std::size_t bytes) {
  constexpr std::uintptr_t kPage = 4096;
  const std::uintptr_t first = (std::uintptr_t(from) + kPage - 1) & ~(kPage - 1);
  const std::uintptr_t last = (std::uintptr_t(from) + bytes) & ~(kPage - 1);
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

/// Offset of the first hole of that size at `from` or behind it; 0 if there is none.
std::size_t find_hole_from(std::size_t from, std::size_t bytes) {
  const char* base = arena.base;
  for (auto next = allocations.lower_bound(base + from); next != allocations.end(); ++next) {
    const auto end = std::size_t(next->first - base);
    if (end >= from + bytes) return from;
    from = end + rounded(next->second.size) + kGap;
  }
  return kArena >= from + bytes ? from : 0;
}

/// Next fit: an address comes back only after the whole range was given out, so that stale pointers hit holes.
std::size_t find_hole(std::size_t bytes) {
  const std::size_t hole = find_hole_from(cursor, bytes);
  return hole != 0 ? hole : find_hole_from(kFirst, bytes);
}

void release(std::map<const char*, Allocation>::iterator place) {
  const Allocation allocation = place->second;
  const std::size_t first = arena_offset(allocation.base) / kGranule;
  const std::size_t granules = allocation.size / kGranule;
  set_exists(allocation.base, allocation.size, false);
  discard(allocation.base, allocation.size);
  discard(arena.state + first, granules);
  if (arena.cells != nullptr) discard(arena.cells + first, granules * sizeof(Cell));
  used -= rounded(allocation.size);
  allocations.erase(place);
}

const Allocation* last_before(const void* p) {
  const auto next = allocations.upper_bound(static_cast<const char*>(p));
  return next == allocations.begin() ? nullptr : &std::prev(next)->second;
}

}  // namespace

void open_arena() {
  if (arena_base() != nullptr) return;
  arena.state = static_cast<std::uint8_t*>(reserve(kArena / kGranule));
  if (options().check) arena.cells = static_cast<Cell*>(reserve(kArena / kGranule * sizeof(Cell)));
  arena.base = static_cast<char*>(reserve(kArena));
#if SIMT_ASAN
  __asan_poison_memory_region(arena.base, kFirst);
#endif
}

void set_exists(char* p, std::size_t bytes, bool on) {
  std::uint8_t* state = arena.state + arena_offset(p) / kGranule;  // every variable begins at a granule
  std::memset(state, on ? 0x0f : 0, bytes / kGranule);
  if (bytes % kGranule != 0) state[bytes / kGranule] = std::uint8_t(on ? (1U << bytes % kGranule) - 1 : 0);
#if SIMT_ASAN
  if (on) {
    __asan_unpoison_memory_region(p, bytes);
  } else {
    __asan_poison_memory_region(p, bytes);
  }
#endif
}

void fill_unset(char* p, std::size_t bytes) {
  std::memset(p, 0xff, bytes);
}

void mark_written(const void* p, std::size_t bytes) {
  if (!options().check || !in_arena(p)) return;
  const auto mark = [](std::size_t i) { arena.state[i / kGranule] |= std::uint8_t(16U << i % kGranule); };
  std::size_t i = arena_offset(p);
  const std::size_t end = i + bytes;
  for (; i < end && i % kGranule != 0; ++i) mark(i);
  if (i < end) std::memset(arena.state + i / kGranule, 0xff,
                           (end - i) / kGranule);  // whole granules
  for (i = std::max(i, end & ~(kGranule - 1)); i < end; ++i) mark(i);
}

void* device_alloc(std::size_t bytes, const void* pc) {
  open_arena();
  const std::size_t limit = options().device_bytes;
  if (bytes == 0 || bytes > limit || used + rounded(bytes) > limit) return nullptr;
  const std::size_t offset = find_hole(rounded(bytes) + kGap);
  if (offset == 0) return nullptr;
  char* p = arena.base + offset;
  cursor = offset + rounded(bytes) + kGap;
  used += rounded(bytes);
  allocations[p] = {p, bytes, next_id++, pc, false};
#if SIMT_ASAN
  __asan_poison_memory_region(p, rounded(bytes) + kGap);
#endif
  set_exists(p, bytes, true);
  fill_unset(p, bytes);
  return p;
}

bool device_free(void* p) {
  const auto place = allocations.find(static_cast<char*>(p));
  if (place == allocations.end()) return false;
  release(place);
  return true;
}

void device_free_all() {
  while (!allocations.empty()) release(allocations.begin());
}

std::size_t device_used() {
  return used;
}

const Allocation* device_find(const void* p) {
  const Allocation* allocation = last_before(p);
  const bool inside = allocation != nullptr && static_cast<const char*>(p) < allocation->base + allocation->size;
  return inside ? allocation : nullptr;
}

bool covered(const void* p, std::size_t bytes) {
  const Allocation* allocation = device_find(p);
  return allocation != nullptr &&
         bytes <= allocation->size - std::size_t(static_cast<const char*>(p) - allocation->base);
}

std::string describe(const void* p) {
  if (in_shared(arena_offset(p))) return "shared memory + " + std::to_string(arena_offset(p) % kSlot);
  const Allocation* allocation = last_before(p);
  if (allocation == nullptr) return "no live allocation";
  const auto offset = std::size_t(static_cast<const char*>(p) - allocation->base);
  const std::string which =
      "allocation #" + std::to_string(allocation->id) + " (" + std::to_string(allocation->size) + " bytes)";
  if (offset < allocation->size) return which + " + " + std::to_string(offset);
  return std::to_string(offset - allocation->size) + " bytes past " + which;
}

void allow_races(const void* p, bool on) {
  const Lock lock(api_lock());
  if (current_lane != nullptr && in_arena(p) && in_shared(arena_offset(p))) {
    current_lane->warp->block->racy = on;
    return;
  }
  const Allocation* allocation = device_find(p);
  if (allocation != nullptr) allocations.at(allocation->base).racy = on;
}

void report_leaks() {
  const Lock lock(api_lock());
  for (const auto& [p, allocation] : allocations) {
    add_finding(Kind::leak, describe(p) + ", allocated at " + where(allocation.pc) + ", is never freed");
  }
}

}  // namespace simt
