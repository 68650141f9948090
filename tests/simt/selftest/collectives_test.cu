// Planted bugs in barriers and warp operations: who meets where, and who waits for ever.
#include "tests/simt/selftest/support.hpp"

namespace simt::test {
namespace {

__global__ void one_barrier_in_each_branch(int* x) {
  if (threadIdx.x < 32) {
    x[threadIdx.x] = 1;
    __syncthreads();
  } else {
    x[threadIdx.x] = 2;
    BUG(__syncthreads());
  }
}

TEST(Collectives, DivergentBarrierIsFound) {
  const Buffer<int> x(64, 0);
  check(run_kernel({1, 64}, one_barrier_in_each_branch, x.data()));
  expect_found(Kind::divergent_barrier);
}

__global__ void return_before_barrier(int* x, int count) {
  WF_SHARED(int, values, [64]);
  const int t = int(threadIdx.x);
  if (t >= count) return;
  values[t] = t;
  BUG(__syncthreads());
  x[t] = values[count - 1 - t];
}

TEST(Collectives, ReturnBeforeABarrierIsFoundAndTheOthersGoOn) {
  const Buffer<int> x(64, 0);
  check(run_kernel({1, 64}, return_before_barrier, x.data(), 40));
  expect_found(Kind::exited_barrier);
  EXPECT_EQ(x.values()[0], 39);
}

__global__ void barrier_against_shuffle(int* x) {  // half of a warp here, half of it there
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    BUG(x[threadIdx.x] = __shfl_sync(0xffffffffU, 1, 0));
  }
}

TEST(Collectives, BarrierAgainstShuffleIsADeadlock) {
  const Buffer<int> x(32, 0);
  EXPECT_EQ(run_kernel({1, 32}, barrier_against_shuffle, x.data()), cudaErrorLaunchTimeout);
  expect_found(Kind::deadlock);
}

__global__ void wait_for_flag(int* flag) {
  BUG(while (__ldcv(flag) == 0) __nanosleep(10));
}

TEST(Collectives, FlagThatNobodySetsIsALivelock) {
  const Buffer<int> flag(1, 0);
  EXPECT_EQ(run_kernel({1, 1}, wait_for_flag, flag.data()), cudaErrorLaunchTimeout);
  expect_found(Kind::livelock);
}

__global__ void set_and_wait(int* flag) {
  if (blockIdx.x == 1) atomicExch(flag, 1);
  while (__ldcv(flag) == 0) __nanosleep(10);
}

TEST(Collectives, FlagOfAResidentBlockIsSeen) {
  const Buffer<int> flag(1, 0);
  options().seed = 1;  // in order, one block is resident at a time
  options().resident_blocks = 2;
  check(run_kernel({2, 1}, set_and_wait, flag.data()));
  EXPECT_EQ(flag.values()[0], 1);
}

TEST(Collectives, BlocksOfACooperativeLaunchAreAllResident) {
  const Buffer<int> flag(1, 0);
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = 8;
  config.blockDim = 1;
  config.attrs = &cooperative;
  config.numAttrs = 1;
  check(cudaLaunchKernelEx(&config, set_and_wait, flag.data()));
  check(cudaDeviceSynchronize());
  config.gridDim = 1000;  // 8 multiprocessors of 32 blocks
  EXPECT_EQ(cudaLaunchKernelEx(&config, set_and_wait, flag.data()), cudaErrorCooperativeLaunchTooLarge);
}

__global__ void vote_outside_mask(int* x) {
  BUG(x[threadIdx.x] = __any_sync(0x0fffffffU, 1));
}

TEST(Collectives, LaneOutsideItsMaskIsFound) {
  const Buffer<int> x(32, 0);
  run_kernel({1, 32}, vote_outside_mask, x.data());
  expect_found(Kind::warp_mask, {Kind::divergent_warp});
}

__global__ void mask_with_absent_lanes(int* x) {  // it names lanes that use another mask
  if (threadIdx.x < 16) {
    BUG(x[threadIdx.x] = __shfl_xor_sync(0xffffffffU, 1, 1));
  } else {
    x[threadIdx.x] = __shfl_xor_sync(0xffff0000U, 1, 1);
  }
}

TEST(Collectives, MaskWithAbsentLanesIsFound) {
  const Buffer<int> x(32, 0);
  check(run_kernel({1, 32}, mask_with_absent_lanes, x.data()));
  expect_found(Kind::divergent_warp);
}

__global__ void different_operations(int* x) {
  if (threadIdx.x % 2 == 0) {
    x[threadIdx.x] = __any_sync(0xffffffffU, 1);
  } else {
    BUG(x[threadIdx.x] = __shfl_sync(0xffffffffU, 1, 0));
  }
}

TEST(Collectives, LanesInDifferentOperationsAreFound) {
  const Buffer<int> x(32, 0);
  check(run_kernel({1, 32}, different_operations, x.data()));
  expect_found(Kind::divergent_warp);
}

__global__ void shuffle_from_inactive(int* x) {
  if (threadIdx.x < 16) BUG(x[threadIdx.x] = __shfl_xor_sync(0x0000ffffU, 1, 16));
}

TEST(Collectives, ShuffleFromAnInactiveLaneIsFound) {
  const Buffer<int> x(32, 0);
  check(run_kernel({1, 32}, shuffle_from_inactive, x.data()));
  expect_found(Kind::inactive_shuffle);
}

__global__ void vote_of_half_a_warp(unsigned* votes) {
  if (threadIdx.x >= 16) return;
  const unsigned ballot = __ballot_sync(0xffffffffU, 1);
  if (threadIdx.x == 0) *votes = ballot;
}

TEST(Collectives, WarpOperationWaitsOnlyForLanesThatHaveNotReturned) {
  const Buffer<unsigned> votes(1, 0U);
  check(run_kernel({1, 32}, vote_of_half_a_warp, votes.data()));
  EXPECT_EQ(votes.values()[0], 0xffffU);
}

__global__ void trap_in_one_thread(int* x) {
  if (threadIdx.x == 3) __trap();
  x[threadIdx.x] = 1;
}

TEST(Collectives, TrapEndsTheLaunchAndSpoilsLaterCalls) {
  const Buffer<int> x(32, 0);
  EXPECT_EQ(run_kernel({1, 32}, trap_in_one_thread, x.data()), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  clear_errors();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace simt::test
