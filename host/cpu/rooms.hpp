// Tasks shared out among workers that each have memory of their own.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cpu/simd.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace wf {

/// An index loop: GCC 12 warns of fills whose count was an int.
inline HostBuffer<float> zeros(Position count) {
  HostBuffer<float> values(count);
  for (Position n = 0; n < count; ++n) values[n] = 0;
  return values;
}

/// Ratings whose sums are one part of a long row's: 8192 rows of 64 factors are 0.2 ms of work. Parts are added in
/// their order, whoever computed them: the same bits for any number of threads.
inline constexpr Position kPartRatings = 8192;

/// f(task, room) for tasks 0 .. tasks - 1, each worker that gets one with a Room(shape).
template <class Room, class Shape, class F>
void for_each_with_room(ThreadPool& pool, const Shape& shape, Position tasks, const F& f) {
  std::vector<std::unique_ptr<Room>> rooms(static_cast<std::size_t>(pool.size()));
  std::atomic<Position> next{0};
  pool.for_each(pool.size(), [&](Position share) {
    const FlushToZero scope;
    auto& room = rooms[static_cast<std::size_t>(share)];
    for (Position task = next++; task < tasks; task = next++) {
      if (!room) room = std::make_unique<Room>(shape);
      f(task, *room);
    }
  });
}

}  // namespace wf
