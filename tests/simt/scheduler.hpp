// What runs: lanes in warps in blocks in a grid; and who goes next. For the interpreter's own sources.
//
// A CUDA thread (a lane) runs until it must wait or returns. Within a warp the lanes hand over to each other directly;
// when none of the warp can go on, the scheduler chooses another warp or block. Seed 0 takes everything in order; any
// other seed takes lanes, warps and blocks at random, and keeps several blocks going.
#pragma once
#include "tests/simt/internal.hpp"

#include <bit>
#include <vector>

namespace simt {

struct Fiber;
struct Warp;
struct Block;

enum class State : std::uint8_t { ready, at_warp_op, at_barrier, done };

struct Lane {
  uint3 thread;
  Warp* warp;
  Fiber* fiber;  // none until the lane first runs, and again once it has returned
  Site site;     // of the operation it waits in; its operands follow
  std::uint64_t value, result;
  std::uint32_t mask, spins;
  State state;
  Op op;
  Vote vote;
  std::uint8_t index, source;

  std::uint32_t bit() const { return 1U << index; }
};
struct Warp {
  Block* block;
  std::uint32_t live, ready, waiting;  // lanes, as bits
  int size, index, last;               // last: the lane to go on after, for fairness between spinning lanes
  Lane lanes[32];
  std::uint32_t clock[32][32];  // [a][b]: what lane a knows of lane b's time, by way of __syncwarp
};
struct StaticVariable {
  const void* key;
  char* address;
  std::size_t bytes;
};
struct Block {
  uint3 index;
  std::uint32_t linear, epoch, ready_warps;
  std::uint32_t phase;  // block barriers passed
  int threads, live, at_barrier, votes, slot;
  const Lane* first_at_barrier;
  bool exit_reported;
  bool racy;      // its shared memory may be
  int last_warp;  // that ran
  bool gave_way;  // it asks for another warp or block to go first
  std::vector<Warp> warps;
  std::vector<StaticVariable> statics;
  char* dynamic;
  std::size_t shared_top;    // in the slot: end of the used part
  std::size_t shared_bytes;  // sum of the variables
};
inline constexpr std::size_t kMaxShared = 227 << 10;       // of a block, when the kernel asks for it
inline constexpr std::size_t kMaxStaticShared = 48 << 10;  // of a block, otherwise

struct Grid {  // the launch that runs, with the options it began with
  Launch launch;
  void (*body)(void*);
  void* context;
  std::uint32_t epoch;
  unsigned preempt;
  bool random, check, aborted;
};

// ---- scheduler.cpp
extern Grid grid;
extern Random schedule;  // the choices of a random schedule
// The CUDA thread that this thread of the host is executing; nullptr in host code. Thread-local, so that other host
// threads can tell that they are not in a kernel. Safe across switches: a launch stays on one thread.
extern constinit thread_local Lane* current_lane;
std::uint32_t next_epoch();
void leave(Lane& lane);  ///< the current lane stops here, and comes back when somebody enters it
void maybe_preempt();    ///< at a memory access, where a random schedule may switch
[[noreturn]] void abort_launch(cudaError_t error);
std::string name(const Lane& lane);   ///< "block (0,0,0) thread (3,0,0)"
std::string place(const Lane& lane);  ///< its name and where it waits

/// One of the bits, of which there is at least one: the next after `after`, or under a seed any.
inline int choose(std::uint32_t bits, int after) {
  const int from = grid.random ? int(schedule.below(32)) : (after + 1) % 32;
  const std::uint32_t above = bits & (~0U << from);
  return std::countr_zero(above != 0 ? above : bits);
}
inline Lane* pick(Warp& warp, int after) {
  return warp.ready != 0 ? &warp.lanes[choose(warp.ready, after)] : nullptr;
}
inline void make_ready(Warp& warp, std::uint32_t lanes) {
  warp.ready |= lanes;
  warp.block->ready_warps |= 1U << warp.index;
}
template <class F>
void each_lane(Warp& warp, std::uint32_t bits, F f) {
  for (; bits != 0; bits &= bits - 1) f(warp.lanes[std::countr_zero(bits)]);
}

// ---- fibers.cpp
void run_until_left(Lane& lane);         ///< the scheduler enters a lane
void hand_over(Lane& lane, Lane* next);  ///< from the current lane to another; to the scheduler if there is none
void throw_away_fiber(Lane& lane);       ///< of a lane that will not go on
void retire(Lane& lane);                 ///< scheduler.cpp: the kernel has returned

// ---- collectives.cpp
bool try_resolve(Warp& warp, std::uint32_t mask);
bool answer_active_masks(Block& block);

// ---- blocks.cpp
void start_block(Block& block, std::uint32_t linear, int slot);
void close_slot(Block& block);
void release_barrier(Block& block);
void abandon(Block& block);
std::string stuck_threads(const Block& block);

}  // namespace simt
