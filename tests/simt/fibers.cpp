// Stacks for CUDA threads, and the switches between them: 15 to 25 ns each.
#include "tests/simt/scheduler.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "simt_swap below is for x86-64 (System V); another processor needs its own twenty lines"
#endif

// Saves the registers that a call preserves, and the stack pointer; loads those of another context. The modes of the
// floating-point unit are left alone: kernels do not change them. ucontext would do, but makes system calls (1 us).
extern "C" void simt_swap(void** save, void* load);
asm(R"(
.text
.globl simt_swap
.type simt_swap,@function
simt_swap:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_swap,.-simt_swap
)");

namespace simt {
namespace {

constexpr int kSavedRegisters = 6;

struct Context {
  void* stack_pointer = nullptr;
#if SIMT_ASAN
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;
#endif
};
Context scheduler;

#if SIMT_ASAN
Context* left = nullptr;  // what the latest switch came from; ASan tells the bounds of its stack on arrival
void arrive(void* fake_stack) {
  __sanitizer_finish_switch_fiber(fake_stack, &left->bottom, &left->size);
}
#endif

}  // namespace

struct Fiber : Context {
  char* low = nullptr;
  char* top = nullptr;
};

namespace {

auto& pool = *new std::vector<Fiber*>;  // never destroyed, so that its fibers do not count as leaks
std::size_t fibers_made = 0;

void fiber_main();

char* map_stack(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* map = mmap(nullptr, bytes + 2 * kPage, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (map == MAP_FAILED) {
    std::perror("simt: cannot map the stack of a thread");
    std::abort();
  }
  mprotect(map, kPage, PROT_NONE);  // an overflow faults
  return static_cast<char*>(map) + kPage;
}

Fiber* make_fiber() {
  constexpr std::size_t kPage = 4096;
  const std::size_t bytes = (options().stack_bytes + kPage - 1) & ~(kPage - 1);
  auto* fiber = new Fiber;
  fiber->low = map_stack(bytes);
  // Tops at different offsets in their pages: at equal ones all stacks would compete for the same cache sets.
  fiber->top = fiber->low + bytes + (fibers_made++ * 320) % kPage;
#if SIMT_ASAN
  fiber->bottom = fiber->low;
  fiber->size = std::size_t(fiber->top - fiber->low);
#endif
  return fiber;
}

/// A fiber from the pool starts afresh, for it may serve another thread of the host than before.
Fiber* take_fiber() {
  if (pool.empty()) pool.push_back(make_fiber());
  Fiber* fiber = pool.back();
  pool.pop_back();
  auto** top = reinterpret_cast<void**>(fiber->top);
  *--top = nullptr;  // after the return below, the stack pointer is 8 mod 16, as at the entry of any function
  *--top = reinterpret_cast<void*>(&fiber_main);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  fiber->stack_pointer = top;
  return fiber;
}

inline void switch_to(Context& from, Context& to, [[maybe_unused]] bool for_good = false) {
  ++counters.switches;
#if SIMT_ASAN
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, to.bottom, to.size);
  left = &from;
#endif
  simt_swap(&from.stack_pointer, to.stack_pointer);
#if SIMT_ASAN
  arrive(from.fake_stack);
#endif
}

inline void set_current(Lane& lane) {
  current_lane = &lane;
  threadIdx = lane.thread;
  blockIdx = lane.warp->block->index;
}

inline void enter(Context& from, Lane& to, bool for_good = false) {
  if (to.fiber == nullptr) to.fiber = take_fiber();
  set_current(to);
  switch_to(from, *to.fiber, for_good);
}

/// Runs lanes from their beginning, one after the other. Not instrumented: its frame is abandoned, and would leave
/// ASan's marks on a stack that is used again.
__attribute__((no_sanitize("address"))) void fiber_main() {
#if SIMT_ASAN
  arrive(nullptr);
#endif
  for (;;) {
    grid.body(grid.context);
    Lane& lane = *current_lane;
    Fiber* fiber = std::exchange(lane.fiber, nullptr);
    retire(lane);
    Lane* next = pick(*lane.warp, lane.index);
    if (next != nullptr && next->fiber == nullptr) {  // kernels without collectives run on one stack, with no switch
      next->fiber = fiber;
      set_current(*next);
      continue;
    }
    pool.push_back(fiber);
    if (next != nullptr) {
      enter(*fiber, *next, true);
    } else {
      switch_to(*fiber, scheduler, true);
    }
  }
}

}  // namespace

void run_until_left(Lane& lane) {
  enter(scheduler, lane);
  current_lane = nullptr;
}

void hand_over(Lane& lane, Lane* next) {
  if (next == &lane) return;
  if (next != nullptr) {
    enter(*lane.fiber, *next);
  } else {
    switch_to(*lane.fiber, scheduler);
  }
}

void throw_away_fiber(Lane& lane) {
  Fiber* fiber = std::exchange(lane.fiber, nullptr);
  if (fiber == nullptr) return;
#if SIMT_ASAN
  __asan_unpoison_memory_region(fiber->low, std::size_t(fiber->top - fiber->low));
#endif
  pool.push_back(fiber);
}

}  // namespace simt
