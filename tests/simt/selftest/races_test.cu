// Planted bugs in the order of memory accesses: within a warp, within a block, between blocks.
#include "tests/simt/selftest/support.hpp"

#include <algorithm>

namespace simt::test {
namespace {

__global__ void sum_in_tree(float* x, bool synchronised) {
  WF_DYNAMIC_SHARED(float, buffer);
  const unsigned t = threadIdx.x;
  buffer[t] = x[t];
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (t < half) BUG(buffer[t] += buffer[t + half]);
    if (synchronised) __syncthreads();
  }
  if (t == 0) x[0] = buffer[0];
}

TEST(Races, MissingSyncthreadsIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> x(256, 1.0F);
  check(run_kernel({1, 256, 1024}, sum_in_tree, x.data(), false));
  expect_found(Kind::race);
}

TEST(Races, SyncthreadsOrdersABlock) {
  const Buffer<float> x(256, 1.0F);
  check(run_kernel({1, 256, 1024}, sum_in_tree, x.data(), true));
  EXPECT_EQ(x.values()[0], 256);
}

__global__ void reverse_in_warp(int* x, bool synchronised) {
  WF_SHARED(int, exchanged, [32]);
  exchanged[threadIdx.x] = int(threadIdx.x);
  if (synchronised) __syncwarp();
  BUG(x[threadIdx.x] = exchanged[31 - threadIdx.x]);
}

TEST(Races, MissingSyncwarpIsFound) {
  NEEDS_CHECKER();
  const Buffer<int> x(32);
  check(run_kernel({1, 32}, reverse_in_warp, x.data(), false));
  expect_found(Kind::race, {Kind::uninitialised});
}

TEST(Races, SyncwarpOrdersAWarp) {
  const Buffer<int> x(32);
  check(run_kernel({1, 32}, reverse_in_warp, x.data(), true));
  EXPECT_EQ(x.values()[0], 31);
}

__global__ void reverse_in_tile(int* x, bool synchronised) {
  WF_SHARED(int, exchanged, [32]);
  namespace cg = cooperative_groups;
  const auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  exchanged[threadIdx.x] = int(threadIdx.x);
  if (synchronised) tile.sync();
  BUG(x[threadIdx.x] = exchanged[threadIdx.x ^ 7U]);
}

TEST(Races, MissingSyncOfATileIsFound) {
  NEEDS_CHECKER();
  const Buffer<int> x(32);
  check(run_kernel({1, 32}, reverse_in_tile, x.data(), false));
  expect_found(Kind::race, {Kind::uninitialised});
}

TEST(Races, SyncOfATileOrdersItsLanes) {
  const Buffer<int> x(32);
  check(run_kernel({1, 32}, reverse_in_tile, x.data(), true));
  EXPECT_EQ(x.values()[9], 14);
}

__global__ void shuffle_is_no_barrier(int* x) {
  WF_SHARED(int, exchanged, [32]);
  exchanged[threadIdx.x] = int(threadIdx.x);
  __shfl_xor_sync(0xffffffffU, 1, 1);
  BUG(x[threadIdx.x] = exchanged[31 - threadIdx.x]);
}

TEST(Races, ShuffleOrdersNoMemory) {
  NEEDS_CHECKER();
  const Buffer<int> x(32);
  check(run_kernel({1, 32}, shuffle_is_no_barrier, x.data()));
  expect_found(Kind::race, {Kind::uninitialised});
}

__global__ void add_without_atomics(float* sum) {
  BUG(sum[0] += 1);
}

TEST(Races, NonAtomicAddIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> sum(1, 0.0F);
  check(run_kernel({8, 64}, add_without_atomics, sum.data()));
  expect_found(Kind::race);
}

TEST(Races, AllowedRacesAreNotReported) {
  const Buffer<float> sum(1, 0.0F);
  allow_races(sum.data());
  check(run_kernel({8, 64}, add_without_atomics, sum.data()));
  EXPECT_THAT(take_findings(), testing::IsEmpty());
}

__global__ void add_atomically_and_read(float* sum, float* copy) {
  atomicAdd(sum, 1.0F);
  if (threadIdx.x == 0) BUG(copy[blockIdx.x] = sum[0]);
}

TEST(Races, PlainReadOfAnAtomicSumIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> sum(1, 0.0F);
  const Buffer<float> copy(8);
  check(run_kernel({8, 64}, add_atomically_and_read, sum.data(), copy.data()));
  expect_found(Kind::race);
}

__global__ void cached_read_of_other_block(float* w) {
  if (blockIdx.x == 0) {
    w[threadIdx.x] = 1;
  } else {
    BUG(w[64 + threadIdx.x] = __ldg(w + threadIdx.x));
  }
}

TEST(Races, LdgOfWhatAnotherBlockWritesIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> w(128, 0.0F);
  check(run_kernel({2, 64}, cached_read_of_other_block, w.data()));
  expect_found(Kind::ldg_race);
}

__global__ void cached_read_of_own_block(float* w) {  // ordered by the barrier, yet the cache need not know
  w[threadIdx.x] = 2;
  __syncthreads();
  BUG(w[64 + threadIdx.x] = __ldg(w + 63 - threadIdx.x));
}

TEST(Races, LdgOfWhatTheLaunchWroteIsFoundThoughOrdered) {
  NEEDS_CHECKER();
  const Buffer<float> w(128, 0.0F);
  check(run_kernel({1, 64}, cached_read_of_own_block, w.data()));
  expect_found(Kind::ldg_race);
}

__global__ void spin_lock(int* lock, int* count) {
  while (atomicCAS(lock, 0, 1) != 0) __nanosleep(10);
  __stcg(count, __ldcv(count) + 1);
  __threadfence();
  atomicExch(lock, 0);
}

TEST(Races, SpinLockCountsRight) {
  const Buffer<int> x(2, 0);
  allow_races(x.data());  // a lock is not modelled as order
  check(run_kernel({3, 64}, spin_lock, x.data(), x.data() + 1));
  EXPECT_THAT(x.values(), testing::ElementsAre(0, 192));
}

// ------------------------------------------------------------------------------------------------
// by luck

struct Sweep {
  int wrong = 0, reported = 0;
};

/// Runs the kernel in a block of 64 under 50 seeds, each on 64 zeros.
template <class Right>
Sweep sweep_seeds(void (*kernel)(int*), Right right) {
  Sweep sweep;
  for (unsigned seed = 1; seed <= 50; ++seed) {
    options().seed = seed;
    options().preempt = 10;
    const Buffer<int> x(64, 0);
    check(run_kernel({1, 64}, kernel, x.data()));
    sweep.wrong += right(x.values()) ? 0 : 1;
    sweep.reported += count_findings(Kind::race) > 0 ? 1 : 0;
    take_findings();
  }
  return sweep;
}

__global__ void broadcast_without_barrier(int* x) {  // right if the first warp runs first
  WF_SHARED(int, value, [1]);
  if (threadIdx.x == 0) value[0] = 7;
  x[threadIdx.x] = value[0];
}

bool all_seven(const std::vector<int>& values) {
  return std::count(values.begin(), values.end(), 7) == 64;
}

TEST(Seeds, ZeroTakesThreadsInOrder) {
  options().seed = 0;
  const Buffer<int> x(64, 0);
  check(run_kernel({1, 64}, broadcast_without_barrier, x.data()));
  EXPECT_TRUE(all_seven(x.values())) << "right by luck";
  EXPECT_EQ(count_findings(Kind::race) > 0, kChecker) << "and reported all the same";
  take_findings();
}

TEST(Seeds, ShowAMissingBarrierInTheResult) {
  const Sweep sweep = sweep_seeds(broadcast_without_barrier, all_seven);
  EXPECT_GE(sweep.wrong, 40);  // the first thread is the first of 64 in less than one schedule of ten
  EXPECT_EQ(sweep.reported, kChecker ? 50 : 0);
}

__global__ void largest_without_atomics(int* x) {  // a thread may come between the comparison and the store
  if (int(threadIdx.x) > x[0]) x[0] = int(threadIdx.x);
}

TEST(Seeds, PreemptionShowsCheckThenAct) {
  NEEDS_CHECKER();
  const Sweep sweep =
      sweep_seeds(largest_without_atomics, [](const std::vector<int>& values) { return values[0] == 63; });
  EXPECT_GE(sweep.wrong, 1);
  EXPECT_EQ(sweep.reported, 50);
}

TEST(Seeds, OneSeedIsOneSchedule) {
  options().seed = 5;
  options().preempt = 10;
  std::vector<std::uint64_t> switches;
  for (int run = 0; run < 2; ++run) {
    stats() = {};  // the schedule depends on the seed and the number of the launch
    const Buffer<int> x(64, 0);
    check(run_kernel({1, 64}, largest_without_atomics, x.data()));
    switches.push_back(stats().switches);
    take_findings();
  }
  EXPECT_EQ(switches[0], switches[1]);
}

}  // namespace
}  // namespace simt::test
