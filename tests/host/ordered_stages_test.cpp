// Slots are committed in the order in which they were taken, whatever the threads do.
#include "host/readers/ordered_stages.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace wf {
namespace {

struct Number {
  int value = 0;
};

/// Takes 0 .. count - 1, some of which are slow to work on; `commit` sees them.
template <class Work, class Commit>
void carry(int threads, int count, Work work, Commit commit) {
  ThreadPool pool(threads);
  int next = 0;
  const auto take = [&](Number& slot) {
    if (next == count) return false;
    slot.value = next++;
    return true;
  };
  OrderedStages<Number, decltype(take), Work, Commit>(pool, take, work, commit).run();
}

void idle(int value) {
  if (value % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
}

TEST(OrderedStages, CommitInTheOrderOfTaking) {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<int> seen;
    std::atomic<int> in_flight{0}, most{0};
    carry(
        threads, 500,
        [&](Position, Number& slot) {
          const int now = ++in_flight;
          for (int old = most; old < now && !most.compare_exchange_weak(old, now);) {
          }
          idle(slot.value);
        },
        [&](Number& slot) {
          seen.push_back(slot.value);
          --in_flight;
        });
    ASSERT_EQ(seen.size(), 500U);
    for (int n = 0; n < 500; ++n) ASSERT_EQ(seen[static_cast<std::size_t>(n)], n);
    EXPECT_LE(most, threads == 1 ? 1 : 2 * threads);
  }
}

TEST(OrderedStages, EndWithTheFirstExceptionOfACommit) {
  for (const int threads : {1, 2, 8}) {
    int last = -1;
    try {
      carry(
          threads, 10'000, [](Position, Number& slot) { idle(slot.value); },
          [&](Number& slot) {
            last = slot.value;
            if (slot.value >= 100) throw std::runtime_error(std::to_string(slot.value));
          });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "100");
    }
    EXPECT_EQ(last, 100);
  }
}

TEST(OrderedStages, EndWithAnExceptionOfTheWork) {
  for (const int threads : {1, 2, 8}) {
    const auto work = [](Position, Number& slot) {
      if (slot.value == 50) throw std::runtime_error("work");
    };
    EXPECT_THROW(carry(threads, 10'000, work, [](Number&) {}), std::runtime_error);
  }
}

}  // namespace
}  // namespace wf
