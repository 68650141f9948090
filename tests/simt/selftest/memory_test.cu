// Planted bugs in the use of memory, by kernels and by the host.
#include "tests/simt/listener.hpp"
#include "tests/simt/selftest/support.hpp"

#include <gtest/gtest-spi.h>

#include <cmath>

namespace simt::test {
namespace {

__global__ void copy_one_too_many(const float* from, float* to, int count) {
  const int t = int(threadIdx.x);
  if (t <= count) BUG(to[t] = from[t]);
}

TEST(Memory, AccessWithinAnAllocationIsClean) {
  const Buffer<float> from(101, 1.0F);
  const Buffer<float> to(101);
  check(run_kernel({1, 128}, copy_one_too_many, from.data(), to.data(), 100));
  EXPECT_EQ(to.values()[100], 1);
}

TEST(Memory, OffByOneIsOutOfBounds) {
  NEEDS_CHECKER();
  const Buffer<float> from(128, 1.0F);
  const Buffer<float> to(64);
  EXPECT_EQ(run_kernel({1, 65}, copy_one_too_many, from.data(), to.data(), 64), cudaErrorIllegalAddress);
  expect_found(Kind::out_of_bounds);
}

TEST(MemoryDeathTest, AsanStopsAtAnOutOfBoundsAccess) {
  if (!kAsan) GTEST_SKIP() << "the ASan build only";
  const Buffer<float> from(128, 1.0F);
  const Buffer<float> to(64);
  EXPECT_DEATH(run_kernel({1, 128}, copy_one_too_many, from.data(), to.data(), 64), "use-after-poison");
}

__global__ void overrun_in_shared(int* x) {
  WF_SHARED(int, values, [32]);
  WF_SHARED(int, others, [32]);
  const int t = int(threadIdx.x);
  values[t] = others[t] = t;
  __syncthreads();
  BUG(x[t] = values[t + 1]);
}

TEST(Memory, OverrunOfASharedArrayIsOutOfBounds) {
  NEEDS_CHECKER();
  const Buffer<int> x(32);
  EXPECT_EQ(run_kernel({1, 32}, overrun_in_shared, x.data()), cudaErrorIllegalAddress);
  expect_found(Kind::out_of_bounds);
}

__global__ void copy(const float* from, float* to) {
  BUG(to[threadIdx.x] = from[threadIdx.x]);
}

float* freed_memory() {
  const Buffer<float> buffer(64);
  return buffer.data();
}

TEST(Memory, UseAfterFreeIsOutOfBounds) {
  NEEDS_CHECKER();
  const Buffer<float> from(64, 1.0F);
  EXPECT_EQ(run_kernel({1, 64}, copy, from.data(), freed_memory()), cudaErrorIllegalAddress);
  expect_found(Kind::out_of_bounds);
}

TEST(MemoryDeathTest, AsanStopsAtAUseAfterFree) {
  if (!kAsan) GTEST_SKIP() << "the ASan build only";
  const Buffer<float> from(64, 1.0F);
  EXPECT_DEATH(run_kernel({1, 64}, copy, from.data(), freed_memory()), "use-after-poison");
}

__global__ void load_vectors(const float* from, float* to) {  // 8 bytes off
  const auto* vectors = reinterpret_cast<const float4*>(from + 2);
  BUG(to[threadIdx.x] = vectors[threadIdx.x].x);
}

__global__ void load_vectors_by_ldg(const float* from, float* to) {
  const auto* vectors = reinterpret_cast<const float4*>(from + 2);
  BUG(to[threadIdx.x] = __ldg(vectors + threadIdx.x).x);
}

TEST(Memory, MisalignedVectorIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> from(64, 1.0F);
  const Buffer<float> to(4);
  EXPECT_EQ(run_kernel({1, 4}, load_vectors, from.data(), to.data()), cudaErrorMisalignedAddress);
  expect_found(Kind::misaligned);
}

TEST(MemoryDeathTest, UbsanStopsAtAMisalignedVector) {
  if (!kAsan) GTEST_SKIP() << "the ASan build only";
  const Buffer<float> from(64, 1.0F);
  const Buffer<float> to(4);
  EXPECT_DEATH(run_kernel({1, 4}, load_vectors, from.data(), to.data()), "misaligned address");
}

TEST(Memory, MisalignedVectorByLdgIsFound) {
  const Buffer<float> from(64, 1.0F);
  const Buffer<float> to(4);
  EXPECT_EQ(run_kernel({1, 4}, load_vectors_by_ldg, from.data(), to.data()), cudaErrorMisalignedAddress);
  expect_found(Kind::misaligned);
}

TEST(Memory, UnsetDeviceMemoryIsNan) {
  const Buffer<float> from(64);
  const Buffer<float> to(64, 0.0F);
  check(run_kernel({1, 64}, copy, from.data(), to.data()));
  EXPECT_TRUE(std::isnan(to.values()[63]));
  if (kChecker) expect_found(Kind::uninitialised);
}

__global__ void read_unset_shared(float* x) {
  WF_SHARED(float, values, [64]);
  if (threadIdx.x < 63) values[threadIdx.x] = 1;
  __syncthreads();
  BUG(x[threadIdx.x] = values[threadIdx.x]);
}

TEST(Memory, UnsetSharedMemoryIsNanAlsoOnceMore) {
  const Buffer<float> x(64, 0.0F);
  for (int run = 0; run < 2; ++run) {  // what the first run left there is gone
    check(run_kernel({1, 64}, read_unset_shared, x.data()));
    EXPECT_TRUE(std::isnan(x.values()[63]));
    if (kChecker) expect_found(Kind::uninitialised);
  }
}

__global__ void use_64_kib() {
  BUG(WF_SHARED(float, values, [16384]); values[threadIdx.x] = 1);
}

TEST(Memory, TooMuchStaticSharedMemoryIsFound) {
  check(run_kernel({1, 64}, use_64_kib));
  expect_found(Kind::shared_size);
}

__global__ void vector_atomic_in_shared() {
  WF_SHARED(float4, sum, [1]);
  if (threadIdx.x == 0) sum[0] = make_float4(0, 0, 0, 0);
  __syncthreads();
  BUG(atomicAdd(&sum[0], make_float4(1, 1, 1, 1)));
}

TEST(Memory, VectorAtomicOnSharedMemoryIsFound) {
  check(run_kernel({1, 64}, vector_atomic_in_shared));
  expect_found(Kind::wrong_space);
}

// ------------------------------------------------------------------------------------------------
// host

TEST(HostMemory, DereferenceOfADevicePointerIsFound) {
  NEEDS_CHECKER();
  const Buffer<float> x(64, 1.0F);
  volatile float value = 0;
  BUG(value = x.data()[3]);
  EXPECT_EQ(value, 1);
  expect_found(Kind::host_deref);
}

TEST(HostMemory, CopyPastTheEndIsRefused) {
  const Buffer<float> x(64, 1.0F);
  std::vector<float> values(128);
  cudaError_t error{};
  BUG(error = cudaMemcpy(values.data(), x.data(), 65 * sizeof(float), cudaMemcpyDeviceToHost));
  EXPECT_EQ(error, cudaErrorInvalidValue);
  expect_found(Kind::bad_copy);
  BUG(error = cudaMemset(x.data() + 1, 0, 64 * sizeof(float)));
  EXPECT_EQ(error, cudaErrorInvalidValue);
  expect_found(Kind::bad_copy);
}

TEST(HostMemory, CopyInTheWrongDirectionIsRefused) {
  const Buffer<float> x(64, 1.0F);
  float value = 0;
  cudaError_t error{};
  BUG(error = cudaMemcpy(&value, x.data(), sizeof value, cudaMemcpyHostToDevice));
  EXPECT_EQ(error, cudaErrorInvalidValue);
  expect_found(Kind::bad_copy);
}

TEST(HostMemory, CopyThatNobodyAwaitsIsNanWhenDeferred) {
  for (const bool deferred : {false, true}) {
    options().deferred = deferred;
    float* host = nullptr;
    cudaStream_t stream = nullptr;
    const Buffer<float> x(64, 0.0F);
    check(cudaMallocHost(&host, 64 * sizeof(float)));
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    check(cudaMemcpyAsync(host, x.data(), 64 * sizeof(float), cudaMemcpyDeviceToHost, stream));
    EXPECT_EQ(std::isnan(host[0]), deferred) << "eager streams hide that the synchronisation is missing";
    check(cudaStreamSynchronize(stream));
    EXPECT_EQ(host[0], 0);
    check(cudaStreamDestroy(stream));
    check(cudaFreeHost(host));
  }
}

TEST(HostMemory, LiveAllocationIsALeak) {
  float* x = nullptr;
  BUG(check(cudaMalloc(&x, 64)));
  report_leaks();
  expect_found(Kind::leak);
  check(cudaFree(x));
  report_leaks();
  EXPECT_THAT(take_findings(), testing::IsEmpty());
}

TEST(HostMemory, SecondFreeIsRefused) {
  float* x = nullptr;
  check(cudaMalloc(&x, 64));
  check(cudaFree(x));
  EXPECT_EQ(cudaFree(x), cudaErrorInvalidValue);
}

__global__ void trap() {
  __trap();
}

TEST(HostMemory, IsGivenBackAfterAnError) {
  float* freed = nullptr;
  float* freed_in_order = nullptr;
  check(cudaMalloc(&freed, 64));
  check(cudaMalloc(&freed_in_order, 64));
  EXPECT_EQ(run_kernel({1, 1}, trap), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFree(freed), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFreeAsync(freed_in_order, nullptr), cudaErrorLaunchFailure);
  clear_errors();
  check(cudaDeviceSynchronize());
  report_leaks();
  EXPECT_THAT(take_findings(), testing::IsEmpty());
}

TEST(HostMemory, CardThatIsFullRefuses) {
  options().device_bytes = 1 << 20;
  void* x = nullptr;
  EXPECT_EQ(cudaMalloc(&x, 2 << 20), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "it is not sticky";
  check(cudaMalloc(&x, 1 << 20));
  check(cudaFree(x));
}

// ------------------------------------------------------------------------------------------------
// findings

TEST(Findings, UntakenOneFailsItsTestAndNamesTheSeed) {
  options().seed = 17;
  options().resident_blocks = 1;
  check(run_kernel({1, 64}, vector_atomic_in_shared));
  EXPECT_NONFATAL_FAILURE(fail_on_findings(), "SIMT_SEED=17");
  EXPECT_THAT(take_findings(), testing::IsEmpty());
}

TEST(Findings, NameTheKernelAndCountRepetitions) {
  const Buffer<float> from(64, 1.0F);
  const Buffer<float> to(4);
  for (int run = 0; run < 3; ++run) {
    run_kernel({1, 1}, load_vectors_by_ldg, from.data(), to.data());
    clear_errors();
  }
  const std::vector<Finding> findings = take_findings();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kernel, "simt::test::load_vectors_by_ldg");
  EXPECT_EQ(findings[0].count, 3U);
}

}  // namespace
}  // namespace simt::test
