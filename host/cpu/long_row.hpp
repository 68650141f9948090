// A row with so many ratings that all workers go through them together, part by part.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/cpu/rows.hpp"
#include "host/cpu/solve_loops.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace wf {

/// Ratings whose sums are one part of a long row's: 8192 rows of 64 factors are 0.2 ms of work. Parts are added in
/// their order, whoever computed them.
inline constexpr Position kPartRatings = 8192;

/// f(task, room) for tasks 0 .. tasks - 1, each worker with a SolveRoom of its own.
template <class F>
void for_each_with_room(ThreadPool& pool, int rank, Position tasks, const F& f) {
  const SolveShape shape(rank);
  std::vector<std::unique_ptr<SolveRoom>> rooms(static_cast<std::size_t>(pool.size()));
  std::atomic<Position> next{0};
  pool.for_each(pool.size(), [&](Position share) {
    const FlushToZero scope;
    auto& room = rooms[static_cast<std::size_t>(share)];
    for (Position task = next++; task < tasks; task = next++) {
      if (!room) room = std::make_unique<SolveRoom>(shape);
      f(task, *room);
    }
  });
}

/// The row by whatever solver; false where its equations leave some factors open.
bool solve_long_row(ThreadPool& pool, const SolveLoops& loops, const SolveTask& task, Position row);

}  // namespace wf
