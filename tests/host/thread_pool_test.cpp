// The pool: every task once, whatever the number of threads, and exceptions come back.
#include "host/base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
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

TEST_P(Pool, ChunksCoverTheRangeAndDoNotDependOnThreads) {
  std::vector<int> covered(1000);
  pool_.for_chunks(1000, 64, [&](Position begin, Position end) {
    EXPECT_EQ(begin % 64, 0);
    EXPECT_EQ(end, std::min<Position>(begin + 64, 1000));
    for (Position n = begin; n < end; ++n) ++covered[static_cast<std::size_t>(n)];
  });
  EXPECT_EQ(covered, std::vector<int>(1000, 1));
}

TEST_P(Pool, RethrowsAndGoesOn) {
  const auto fail = [](Position task) {
    if (task == 3) throw std::runtime_error("task 3");
  };
  EXPECT_THROW(pool_.for_each(8, fail), std::runtime_error);
  std::atomic<int> sum{0};
  pool_.for_each(8, [&](Position task) { sum += static_cast<int>(task); });
  EXPECT_EQ(sum.load(), 28);
}

TEST(PoolDefault, TakesAllCpus) {
  EXPECT_EQ(ThreadPool().size(), available_cpus());
}

}  // namespace
}  // namespace wf::test
