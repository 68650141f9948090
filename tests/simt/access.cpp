// What is checked at a memory access: bounds, initialisation, alignment, races.
//
// Two accesses to a byte race unless both are atomic, or neither writes, or one happens before the other. Within a
// block, block barriers order everything; within a warp, __syncwarp orders what its members did. Between the blocks of
// a launch nothing orders: fences and flags are not modelled (allow_races is for such data).
#include "tests/simt/scheduler.hpp"

#include <algorithm>

namespace simt {
namespace {

thread_local int library_depth = 0;

const char* verb(Access access) {
  switch (access) {
    case Access::read:
      return "reads";
    case Access::write:
      return "writes";
    case Access::relaxed_read:
      return "reads (relaxed)";
    case Access::relaxed_write:
      return "writes (relaxed)";
    case Access::atomic:
      return "updates atomically";
    case Access::ldg:
      return "reads (__ldg)";
  }
  return "?";
}
bool is_atomic(Access access) {
  return access == Access::relaxed_read || access == Access::relaxed_write || access == Access::atomic;
}
bool writes(Access access) {
  return access == Access::write || access == Access::relaxed_write || access == Access::atomic;
}
bool reads(Access access) {
  return access != Access::write && access != Access::relaxed_write;
}

// ---- races
bool happened_before(const Record& old, const Record& now) {
  if (old.block != now.block) return false;
  if (old.phase != now.phase || old.thread == now.thread) return true;
  const bool same_warp = old.thread / 32 == now.thread / 32;
  return same_warp && current_lane->warp->clock[current_lane->index][old.thread % 32] >= old.clock;
}
bool conflict(const Record& old, const Record& now) {
  return old.epoch == now.epoch && (old.bytes & now.bytes) != 0 && !(is_atomic(old.access) && is_atomic(now.access)) &&
         !happened_before(old, now);
}
const void* address(const Record& record) {
  return static_cast<const char*>(grid.launch.kernel) + record.pc;
}

/// The text names threads and places of one example; further pairs of the same two places are not reported.
void report_race(Kind kind, const void* p, const Record& old, const Record& now, const char* why) {
  if (!first_report(kind, address(old), address(now))) return;
  const auto act = [](const Record& record) { return where(address(record)) + " " + verb(record.access); };
  const auto who = [](const Record& record) {
    return "block " + std::to_string(record.block) + " thread " + std::to_string(record.thread);
  };
  const char* scope = old.block == now.block ? "; within a block, e.g. " : "; between blocks, e.g. ";
  add_finding(kind, act(now) + " what " + act(old) + why + scope + who(old) + " and " + who(now) + ", " + describe(p));
}

void check_against(const Record& old, const Record& now, const void* p, bool shared) {
  if (!conflict(old, now)) return;
  if (shared && current_lane->warp->block->racy) return;
  const Allocation* allocation = shared ? nullptr : device_find(p);
  if (allocation != nullptr && allocation->racy) return;
  report_race(old.access == Access::ldg ? Kind::ldg_race : Kind::race, p, old, now, " without a barrier between");
}

/// In place of a read that can no longer race, or of either: then a race may be missed.
void remember_read(Cell& cell, const Record& now) {
  const auto spent = [&](const Record& read) { return read.epoch != now.epoch || happened_before(read, now); };
  Record* place = std::find_if(std::begin(cell.reads), std::end(cell.reads), spent);
  if (place == std::end(cell.reads)) place = &cell.reads[counters.accesses % 2];
  *place = now;
}

void check_races(Cell& cell, const void* p, const Record& now, bool shared) {
  const Record& written = cell.write;
  if (now.access == Access::ldg && written.epoch == now.epoch && (written.bytes & now.bytes) != 0) {
    // The read-only cache may hold the old value however the two are ordered.
    return report_race(Kind::ldg_race, p, written, now, " in the same launch");
  }
  check_against(written, now, p, shared);
  if (!writes(now.access)) return remember_read(cell, now);
  for (const Record& read : cell.reads) check_against(read, now, p, shared);
  cell.write = now;
}

// ---- alignment, bounds and initialisation
void report_misaligned(const void* p, std::size_t align, const std::string& place) {
  const std::string who = current_lane != nullptr ? name(*current_lane) : "host code";
  const std::string need = std::to_string(align);
  add_finding(Kind::misaligned, who + " at " + place + ": an access that needs " + need + "-byte alignment is at " +
                                    std::to_string(std::uintptr_t(p) % align) + " mod " + need);
}

void check_state(std::uint8_t& state, const Record& now, const void* p, std::size_t bytes, const void* pc) {
  if ((state & now.bytes) != now.bytes) {
    add_finding(Kind::out_of_bounds, name(*current_lane) + " at " + where(pc) + " " + verb(now.access) + " " +
                                         std::to_string(bytes) + " bytes: " + describe(p));
    abort_launch(cudaErrorIllegalAddress);
  }
  const bool unset = reads(now.access) && (state >> 4 & now.bytes) != now.bytes;
  if (unset && first_report(Kind::uninitialised, pc)) {
    add_finding(Kind::uninitialised,
                name(*current_lane) + " at " + where(pc) + " reads what nobody wrote: " + describe(p));
  }
  if (writes(now.access)) state |= std::uint8_t(now.bytes << 4);
}

void check_host_access(const void* p, std::size_t bytes, Access access, const void* pc) {
  if (library_depth > 0) {
    if (writes(access)) mark_written(p, bytes);
    return;
  }
  const Lock lock(api_lock());  // other threads of the host come here while a kernel runs
  if (options().check && first_report(Kind::host_deref, pc)) {
    add_finding(Kind::host_deref, "host code at " + where(pc) + " uses a device pointer: " + describe(p));
  }
}

Record record_of(Access access, const void* pc, bool shared) {
  const Lane& lane = *current_lane;
  const Block& block = *lane.warp->block;
  Record now{};
  now.epoch = shared ? block.epoch : grid.epoch;
  now.block = block.linear;
  now.phase = block.phase;
  now.clock = lane.warp->clock[lane.index][lane.index];
  now.pc = std::int32_t(static_cast<const char*>(pc) - static_cast<const char*>(grid.launch.kernel));
  now.thread = std::uint16_t(lane.warp->index * 32 + lane.index);
  now.access = access;
  return now;
}

void check_pointer_at(const void* p, std::size_t align, Space space, const void* pc) {
  if (current_lane == nullptr) return;
  if (std::uintptr_t(p) % align != 0) misaligned(p, align, pc);
  const bool shared = in_arena(p) && in_shared(arena_offset(p));
  if (space == Space::global && shared && first_report(Kind::wrong_space, pc)) {
    add_finding(Kind::wrong_space,
                name(*current_lane) + " at " + where(pc) + ": this operation is for global memory only");
  }
}

}  // namespace

LibraryScope::LibraryScope() {
  ++library_depth;
}
LibraryScope::~LibraryScope() {
  --library_depth;
}

void access(const void* p, std::size_t bytes, Access access, const void* pc) {
  if (!in_arena(p)) return;  // a local variable, a kernel argument, the host's own memory
  if (current_lane == nullptr) return check_host_access(p, bytes, access, pc);
  if (!grid.check) return;
  ++counters.accesses;
  maybe_preempt();

  const std::size_t offset = arena_offset(p);
  const std::size_t end = offset + bytes;
  const bool shared = in_shared(offset);
  Record now = record_of(access, pc, shared);
  for (std::size_t at = offset & ~(kGranule - 1); at < end; at += kGranule) {
    const auto first = unsigned(std::max(at, offset) - at);
    const auto last = unsigned(std::min(at + kGranule, end) - at);
    now.bytes = std::uint8_t((1U << last) - (1U << first));
    check_state(arena.state[at / kGranule], now, p, bytes, pc);
    check_races(arena.cells[at / kGranule], p, now, shared);
  }
}

// The texts are gone when the launch is aborted: an abandoned stack destroys nothing.
void misaligned(const void* p, std::size_t align, const void* pc) {
  report_misaligned(p, align, where(pc));
  if (current_lane != nullptr) abort_launch(cudaErrorMisalignedAddress);
}
void misaligned(const void* p, std::size_t align, const Site& site) {
  report_misaligned(p, align, where(site));
  if (current_lane != nullptr) abort_launch(cudaErrorMisalignedAddress);
}

void check_pointer(const void* p, std::size_t align, Space space) {
  check_pointer_at(p, align, space, __builtin_return_address(0));
}

void note_access(const void* p, std::size_t bytes, Access how, const void* pc) {
  if (pc == nullptr) pc = __builtin_return_address(0);
  check_pointer_at(p, bytes, how == Access::ldg ? Space::global : Space::any, pc);
  if (how == Access::atomic) ++counters.atomics;
  if (is_atomic(how)) relax(pc);
  access(p, bytes, how, pc);
}

}  // namespace simt
