// Work in three stages on several threads: taken in order by one at a time, worked on side by side, committed in order.
#pragma once
#include "host/base/thread_pool.hpp"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace wf {

/// Carries Slots through `take(slot) -> bool` (false: there are no more), `work(worker, slot)` and `commit(slot)`. Only
/// work runs on several threads at a time. Whoever finishes the slot whose turn it is commits it and those after it
/// that are ready; nobody waits for a turn, so a thread that the system stops for a while holds up the others only once
/// all slots are in use. An exception ends everything and is rethrown; those of commit come in order.
template <class Slot, class Take, class Work, class Commit>
class OrderedStages {
 public:
  OrderedStages(ThreadPool& pool, Take take, Work work, Commit commit)
      : pool_(pool),
        slots_(static_cast<std::size_t>(slots_for(pool.size()))),
        take_(take),
        work_(work),
        commit_(commit) {}

  void run() {
    pool_.for_each(pool_.size(), [this](Position worker) {
      try {
        while (step(worker)) {
        }
      } catch (...) {
        stop();
        throw;
      }
    });
  }

 private:
  struct Place {
    Slot slot;
    bool ready = false;
  };

  /// Two a thread: one is worked on while the other waits for its turn.
  static int slots_for(int threads) { return threads == 1 ? 1 : 2 * threads; }

  bool step(Position worker) {
    Position turn = 0;
    {
      const std::lock_guard<std::mutex> taking(take_mutex_);
      if (at_end_ || !wait_for_slot()) return false;
      turn = n_taken_;
      at_end_ = !take_(place(turn).slot);
      if (at_end_) return false;
      const std::lock_guard<std::mutex> lock(mutex_);
      ++n_taken_;
    }
    work_(worker, place(turn).slot);
    commit_ready(turn);
    return true;
  }

  bool wait_for_slot() {
    std::unique_lock<std::mutex> lock(mutex_);
    slot_free_.wait(lock,
                    [this] { return stopped_ || n_taken_ - n_committed_ < static_cast<Position>(slots_.size()); });
    return !stopped_;
  }

  void commit_ready(Position turn) {
    std::unique_lock<std::mutex> lock(mutex_);
    place(turn).ready = true;
    if (committing_) return;  // that thread looks at `ready` once more before it leaves
    committing_ = true;
    while (!stopped_ && place(n_committed_).ready) {
      Place& next = place(n_committed_);
      next.ready = false;
      lock.unlock();
      commit_(next.slot);
      lock.lock();
      ++n_committed_;
      slot_free_.notify_one();
    }
    committing_ = false;
  }

  void stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    slot_free_.notify_all();
  }

  Place& place(Position turn) { return slots_[static_cast<std::size_t>(turn) % slots_.size()]; }

  ThreadPool& pool_;
  std::vector<Place> slots_;
  Take take_;
  Work work_;
  Commit commit_;
  std::mutex take_mutex_;  // held while taking; taken before mutex_
  bool at_end_ = false;
  std::mutex mutex_;  // of all below
  std::condition_variable slot_free_;
  Position n_taken_ = 0, n_committed_ = 0;
  bool committing_ = false, stopped_ = false;
};

}  // namespace wf
