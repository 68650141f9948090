#include "host/base/thread_pool.hpp"

#include "host/base/error.hpp"

#include <sched.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace wf {
namespace {

// About 20 us: longer than the gap between two loops of a mini-batch, shorter than anything a person would notice.
constexpr int kSpins = 4000;

void relax() {
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

constexpr Position kStop = -1;

}  // namespace

/// A loop is a number of unclaimed tasks that counts down. The caller works too and then waits only for tasks that
/// others have claimed: a worker that the system does not run just now holds nobody up.
struct ThreadPool::State {
  Task task = nullptr;  // read by a worker only after a claim, which keeps the loop alive
  void* context = nullptr;
  alignas(64) std::atomic<Position> unclaimed{0};  // kStop ends the workers
  alignas(64) std::atomic<Position> unfinished{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::vector<std::jthread> workers;  // last: joined first, after they were told to stop

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    unclaimed.store(kStop, std::memory_order_release);
    unclaimed.notify_all();
  }

  void take_tasks() {
    Position left = unclaimed.load(std::memory_order_acquire);
    while (left > 0) {
      if (!unclaimed.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
      try {
        task(context, left - 1);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!error) error = std::current_exception();
      }
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
      left = unclaimed.load(std::memory_order_acquire);
    }
  }

  void work() {
    for (;;) {
      wait_until(unclaimed, [](Position left) { return left != 0; });
      if (unclaimed.load(std::memory_order_acquire) == kStop) return;
      take_tasks();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int count = threads > 0 ? threads : available_cpus();
  try {
    for (int worker = 1; worker < count; ++worker) {
      state_->workers.emplace_back([state = state_.get()] { state->work(); });
    }
  } catch (const std::system_error& error) {
    throw DeviceError("cannot start " + std::to_string(count) + " threads: " + error.what(), "give fewer --threads");
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::size() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run(Position tasks, Task task, void* context) {
  State& state = *state_;
  state.task = task;
  state.context = context;
  state.error = nullptr;
  state.unfinished.store(tasks, std::memory_order_relaxed);
  state.unclaimed.store(tasks, std::memory_order_release);
  state.unclaimed.notify_all();
  state.take_tasks();
  wait_until(state.unfinished, [](Position left) { return left == 0; });
  if (state.error) std::rethrow_exception(state.error);
}

int available_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) return std::max(1, CPU_COUNT(&cpus));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int useful_threads(int threads, Position tasks) {
  const int most = threads > 0 ? threads : available_cpus();
  return static_cast<int>(std::clamp<Position>(tasks, 1, most));
}

}  // namespace wf
