#include "host/base/thread_pool.hpp"

#include "host/base/error.hpp"
#include "host/base/wait.hpp"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace wf {
namespace {

constexpr int kMostShares = 16;  // who has run out of tasks looks at each

/// Tasks of one loop that are meant for one worker (or a few, where there are many), on a cache line of their own:
/// unclaimed tasks count down, so that a claim holds whichever loop it was made in.
struct alignas(64) Share {
  std::atomic<Position> unclaimed{0};
  Position first = 0;  // read only after a claim

  /// The task that was claimed, or -1.
  Position claim() {
    Position left = unclaimed.load(std::memory_order_acquire);
    while (left > 0) {
      if (unclaimed.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) return first + left - 1;
    }
    return -1;
  }
};

}  // namespace

/// A worker takes the tasks of its own share, then those that others have not got round to. The caller works too and
/// then waits only for tasks that somebody has claimed: a worker that the system does not run just now holds nobody up.
struct ThreadPool::State {
  Task task = nullptr;  // read by a worker only after a claim, which keeps the loop alive
  void* context = nullptr;
  std::vector<Share> shares;                          // the caller's, then those of workers
  alignas(64) std::atomic<std::uint32_t> started{0};  // loops, so that workers see a new one
  std::atomic<bool> stop{false};
  alignas(64) std::atomic<Position> unfinished{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::vector<std::jthread> workers;  // last: joined first, after they were told to stop

  explicit State(int n_shares) : shares(static_cast<std::size_t>(n_shares)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    stop.store(true, std::memory_order_relaxed);
    announce();
  }

  void announce() {
    started.fetch_add(1, std::memory_order_release);
    started.notify_all();
  }

  void run_task(Position n) {
    try {
      task(context, n);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
    }
  }

  void take_tasks(std::size_t worker) {
    for (std::size_t n = 0; n < shares.size(); ++n) {
      Share& share = shares[(worker + n) % shares.size()];
      Position done = 0;
      for (Position claimed = share.claim(); claimed >= 0; claimed = share.claim()) {
        run_task(claimed);
        ++done;
      }
      if (done > 0 && unfinished.fetch_sub(done, std::memory_order_acq_rel) == done) unfinished.notify_one();
    }
  }

  void work(std::size_t worker) {
    for (std::uint32_t seen = 0;;) {
      wait_until(started, [seen](std::uint32_t now) { return now != seen; });
      seen = started.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_relaxed)) return;
      take_tasks(worker);
    }
  }

  void share_out(Position tasks) {
    const auto count = static_cast<Position>(shares.size());
    for (Position n = 0; n < count; ++n) {
      Share& share = shares[static_cast<std::size_t>(n)];
      share.first = tasks * n / count;
      const Position end = tasks * (n + 1) / count;
      share.unclaimed.store(end - share.first, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int threads)
    : size_(threads > 0 ? threads : available_cpus()), state_(std::make_unique<State>(std::min(size_, kMostShares))) {
  try {
    for (int worker = 1; worker < size_; ++worker) {
      state_->workers.emplace_back([state = state_.get(), worker] { state->work(static_cast<std::size_t>(worker)); });
    }
  } catch (const std::system_error& error) {
    throw DeviceError("cannot start " + std::to_string(size_) + " threads: " + error.what(), "give fewer --threads");
  }
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::run(Position tasks, Task task, void* context) {
  State& state = *state_;
  state.task = task;
  state.context = context;
  state.error = nullptr;
  state.unfinished.store(tasks, std::memory_order_relaxed);
  state.share_out(tasks);
  state.announce();
  state.take_tasks(0);
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
