// Shared by the interpreter's own sources, not for users: the lock, findings, device memory, checks of accesses.
#pragma once
#include "tests/simt/device.hpp"
#include "tests/simt/runtime.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#else
#define SIMT_ASAN 0
#endif

namespace simt {

// One lock around every entry point, held for the whole of a launch. Recursive, because a kernel runs inside the call
// that launches or awaits it and may then add findings.
std::recursive_mutex& api_lock();
using Lock = std::lock_guard<std::recursive_mutex>;

// Marsaglia's xorshift64: a seed must give the same schedule with every standard library.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream)
      : state_((seed * 0x9E3779B97F4A7C15U) ^ (stream * 0xBF58476D1CE4E5B9U)) {
    if (state_ == 0) state_ = 1;
    for (int i = 0; i < 8; ++i) next();
  }
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  unsigned below(unsigned bound) { return unsigned((next() >> 33) % bound); }

 private:
  std::uint64_t state_;
};

// ---- findings.cpp
extern Stats counters;
extern const void* current_kernel;  // its name is looked up only for a finding
void add_finding(Kind kind, const std::string& text);
/// Whether this pair of code addresses is new since take_findings: texts are expensive.
bool first_report(Kind kind, const void* pc, const void* other_pc = nullptr);
std::string where(const void* pc);  ///< "file:line" of a return address
std::string where(const Site& site);

// ---- memory.cpp
// One reserved range stands for the device's memory: first a slot of shared memory per resident block, then what
// cudaMalloc gives out. Per granule of 4 bytes there are a state byte and, when checking, access records.
inline constexpr std::size_t kArena = std::size_t{16} << 30;
inline constexpr std::size_t kGranule = 4;
inline constexpr std::size_t kSlot = 256 << 10;
inline constexpr std::size_t kSlots = 64;

struct Record {         // one access to a granule
  std::uint32_t epoch;  // of the block (shared memory) or of the launch (global memory): older ones do not count
  std::uint32_t block, phase, clock;
  std::int32_t pc;  // relative to the kernel's address, to stay small
  std::uint16_t thread;
  std::uint8_t bytes;  // which of the granule's
  Access access;
};
struct Cell {  // the last write, and two reads since
  Record write, reads[2];
};
struct Arena {
  // Atomic because instrumented host code on other threads compares its addresses with it at any time.
  std::atomic<char*> base{nullptr};
  std::uint8_t* state = nullptr;  // low nibble: which bytes exist; high nibble: which were written
  Cell* cells = nullptr;
};
extern Arena arena;
void open_arena();
inline char* arena_base() {
  return arena.base.load(std::memory_order_relaxed);
}
inline std::size_t arena_offset(const void* p) {
  return std::uintptr_t(p) - std::uintptr_t(arena_base());
}
inline bool in_arena(const void* p) {
  return arena_base() != nullptr && arena_offset(p) < kArena;
}
inline bool in_shared(std::size_t offset) {
  return offset < kSlot * kSlots;
}

struct Allocation {
  char* base;
  std::size_t size;
  std::uint64_t id;
  const void* pc;  // where it was asked for
  bool racy;
};
void* device_alloc(std::size_t bytes,
                   const void* pc);  ///< nullptr when the pretended card is full
bool device_free(void* p);
void device_free_all();
const Allocation* device_find(const void* p);
std::size_t device_used();
bool covered(const void* p, std::size_t bytes);  ///< lies in one live allocation
void mark_written(const void* p, std::size_t bytes);
void set_exists(char* p, std::size_t bytes, bool on);
void fill_unset(char* p,
                std::size_t bytes);   ///< NaN, or -1: an unset value shows in the results
std::string describe(const void* p);  ///< "allocation #3 (400 bytes) + 8"

// ---- card.cpp
void spoil_calls(cudaError_t error);  ///< of a failed launch: all later calls answer it

// ---- access.cpp
void access(const void* p, std::size_t bytes, Access access, const void* pc);
void misaligned(const void* p, std::size_t align, const void* pc);
void misaligned(const void* p, std::size_t align, const Site& site);

}  // namespace simt
