// The pool: every task once, whatever the number of threads, and exceptions come back.
#include "host/base/thread_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wf::test {
namespace {

class Pool : public testing::TestWithParam<int> {
 protected:
  ThreadPool pool_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 8));

TEST_P(Pool, RunsEveryTaskOnceInManyRounds) {
  EXPECT_EQ(pool_.size(), GetParam());
  for (const Position tasks : {0, 1, 2, 7, 100}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      pool_.for_each(tasks, [&](Position task) { ++runs[static_cast<std::size_t>(task)]; });
      for (const auto& count : runs) ASSERT_EQ(count.load(), 1);
    }
  }
}

TEST_P(Pool, ShowsTheCallerWhatTheTasksWrote) {  // plain ints: the sanitizers see a missing barrier
  std::vector<int> values(64);
  for (int round = 1; round <= 200; ++round) {
    pool_.for_each(64, [&](Position task) { values[static_cast<std::size_t>(task)] += round; });
    ASSERT_THAT(values, testing::Each(round * (round + 1) / 2));
  }
}

TEST_P(Pool, ChunksCoverTheRangeAndDoNotDependOnThreads) {
  std::vector<int> covered(1000);
  std::mutex mutex;
  std::set<std::pair<Position, Position>> chunks;
  pool_.for_chunks(1000, 64, [&](Position begin, Position end) {
    for (Position n = begin; n < end; ++n) ++covered[static_cast<std::size_t>(n)];
    const std::lock_guard<std::mutex> lock(mutex);
    chunks.emplace(begin, end);
  });
  EXPECT_THAT(covered, testing::Each(1));
  std::set<std::pair<Position, Position>> expected;
  for (Position begin = 0; begin < 1000; begin += 64) expected.emplace(begin, std::min<Position>(begin + 64, 1000));
  EXPECT_EQ(chunks, expected);
}

TEST_P(Pool, MakesNoChunkOfNothing) {
  pool_.for_chunks(0, 64, [](Position, Position) { ADD_FAILURE(); });
  pool_.for_each(0, [](Position) { ADD_FAILURE(); });
  pool_.for_each(-1, [](Position) { ADD_FAILURE(); });
}

TEST_P(Pool, RethrowsAndGoesOn) {
  const auto fail = [](Position task) {
    if (task == 3) throw std::runtime_error("task 3");
  };
  for (int round = 0; round < 20; ++round) {
    try {
      pool_.for_each(8, fail);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "task 3");
    }
    std::atomic<int> sum{0};
    pool_.for_each(8, [&](Position task) { sum += static_cast<int>(task); });
    ASSERT_EQ(sum.load(), 28);
  }
}

TEST_P(Pool, RethrowsOneOfManyExceptions) {
  for (const Position tasks : {1, 2, 50}) {
    EXPECT_THROW(pool_.for_each(tasks, [](Position task) { throw std::runtime_error(std::to_string(task)); }),
                 std::runtime_error);
  }
}

TEST_P(Pool, WakesWorkersThatWentToSleep) {
  std::atomic<int> runs{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // far longer than they spin
    pool_.for_each(100, [&](Position) { ++runs; });
  }
  EXPECT_EQ(runs.load(), 300);
}

TEST(PoolThreads, MeetInOneLoop) {  // as many tasks as threads that wait for each other: one thread alone would hang
  ThreadPool pool(3);
  std::atomic<int> here{0};
  pool.for_each(3, [&](Position) {
    ++here;
    while (here < 3) std::this_thread::yield();
  });
  EXPECT_EQ(here.load(), 3);
}

TEST(PoolThreads, StartAndStopManyTimes) {
  for (int round = 0; round < 100; ++round) {
    ThreadPool pool(4);
    if (round % 2 == 0) continue;  // stopped without ever having worked
    std::atomic<int> runs{0};
    pool.for_each(5, [&](Position) { ++runs; });
    ASSERT_EQ(runs.load(), 5);
  }
}

RC_GTEST_PROP(PoolProperty, ChunksAreAllOfTheRange, ()) {
  static ThreadPool pool(3);
  const auto n = *rc::gen::inRange<Position>(0, 300);
  const auto chunk = *rc::gen::inRange<Position>(1, 400);
  std::vector<int> covered(static_cast<std::size_t>(n));
  std::atomic<Position> chunks{0};
  pool.for_chunks(n, chunk, [&](Position begin, Position end) {
    for (Position k = begin; k < end; ++k) ++covered[static_cast<std::size_t>(k)];
    ++chunks;
  });
  RC_ASSERT(std::count(covered.begin(), covered.end(), 1) == n);
  RC_ASSERT(chunks.load() == (n + chunk - 1) / chunk);
}

TEST(PoolDefault, TakesAllCpus) {
  EXPECT_GE(available_cpus(), 1);
  EXPECT_EQ(ThreadPool().size(), available_cpus());
}

TEST(PoolDefault, StartsNoMoreThreadsThanThereAreTasks) {
  EXPECT_EQ(useful_threads(8, 3), 3);
  EXPECT_EQ(useful_threads(2, 3), 2);
  EXPECT_EQ(useful_threads(8, 0), 1);
  EXPECT_EQ(useful_threads(0, Position{1} << 40), available_cpus());
}

}  // namespace
}  // namespace wf::test
