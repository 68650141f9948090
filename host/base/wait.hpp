// Waiting for another thread.
#pragma once
#include <atomic>

namespace wf {

// About 20 us: longer than the gap between two loops of a mini-batch, shorter than anything a person would notice.
inline constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Waits until `ready(value)`: spins, then sleeps.
template <class T, class Ready>
void wait_until(const std::atomic<T>& value, const Ready& ready) {
  T now = value.load(std::memory_order_acquire);
  for (int spin = 0; spin < kSpins && !ready(now); ++spin) {
    relax();
    now = value.load(std::memory_order_acquire);
  }
  while (!ready(now)) {
    value.wait(now, std::memory_order_acquire);
    now = value.load(std::memory_order_acquire);
  }
}

}  // namespace wf
