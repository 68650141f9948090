// A persistent pool of threads for short parallel loops. Workers spin briefly between loops, then sleep.
#pragma once
#include "host/base/types.hpp"

#include <algorithm>
#include <functional>
#include <memory>

namespace wf {

class ThreadPool {
 public:
  /// `threads` workers including the calling thread; 0 = all that this process may run on.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  /// f(task) for task = 0 .. tasks - 1, each once, in any order on any worker; returns when all are done. The first
  /// exception is rethrown. Not reentrant; one caller at a time. Of two loops with the same number of tasks a worker
  /// gets the same tasks where all have time, so that what they touch is still in its cache.
  template <class F>
  void for_each(Position tasks, F f) {
    if (tasks <= 0) return;
    if (tasks == 1 || size() == 1) {
      for (Position task = 0; task < tasks; ++task) f(task);
      return;
    }
    run(
        tasks, [](void* context, Position task) { (*static_cast<F*>(context))(task); }, &f);
  }

  /// f(begin, end) over chunks of at most `chunk` of 0 .. n - 1. Chunks do not depend on the number of threads.
  template <class F>
  void for_chunks(Position n, Position chunk, const F& f) {
    for_each((n + chunk - 1) / chunk, [&](Position c) { f(c * chunk, std::min(n, (c + 1) * chunk)); });
  }

 private:
  using Task = void (*)(void* context, Position task);
  void run(Position tasks, Task task, void* context);

  struct State;
  int size_;
  std::unique_ptr<State> state_;
};

/// CPUs that this process may run on (its affinity mask), at least 1.
int available_cpus();

/// How many of `threads` (0: available_cpus) have something to do in loops of `tasks` tasks; at least 1.
int useful_threads(int threads, Position tasks);

}  // namespace wf
