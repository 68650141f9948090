// The runtime API: streams, events, memory, the pretended card, several threads of the host.
#include "tests/simt/selftest/support.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace simt::test {
namespace {

using testing::Each;

__global__ void add(float* x, float value, int count) {
  const int t = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (t < count) x[t] += value;
}

class Stream {
 public:
  explicit Stream(unsigned flags = cudaStreamNonBlocking) { check(cudaStreamCreateWithFlags(&stream_, flags)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  explicit Event(unsigned flags = cudaEventDefault) { check(cudaEventCreateWithFlags(&event_, flags)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

constexpr int kCount = 1000;
constexpr std::size_t kBytes = kCount * sizeof(float);

/// Each test runs with eager and with deferred streams.
class Runtime : public testing::TestWithParam<bool> {
 protected:
  Runtime() { options().deferred = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Streams, Runtime, testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Deferred" : "Eager"; });

TEST_P(Runtime, OneStreamWaitsForAnEventOfAnother) {
  const Stream first;
  const Stream second;
  const Event added(cudaEventDisableTiming);
  float* x = nullptr;
  float* host = nullptr;
  check(cudaMallocAsync(&x, kBytes, first));
  check(cudaHostAlloc(&host, kBytes, cudaHostAllocDefault));
  check(cudaMemsetAsync(x, 0, kBytes, first));
  check(try_launch({4, 256, 0, first}, add, x, 1.5F, kCount));
  check(cudaEventRecord(added, first));
  check(cudaStreamWaitEvent(second, added, 0));
  check(try_launch({4, 256, 0, second}, add, x, 1,
                   kCount));  // the int becomes a float, as in any call
  check(cudaMemcpyAsync(host, x, kBytes, cudaMemcpyDeviceToHost, second));
  check(cudaFreeAsync(x, second));
  check(cudaStreamSynchronize(second));
  EXPECT_EQ(std::count(host, host + kCount, 2.5F), kCount);
  check(cudaFreeHost(host));
}

TEST_P(Runtime, EventsMeasureAndHostFunctionsRun) {
  const Stream stream;
  const Event start;
  const Event end;
  std::atomic<int> called{0};
  check(cudaEventRecord(start, stream));
  check(cudaLaunchHostFunc(
      stream, [](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &called));
  check(cudaEventRecord(end, stream));
  EXPECT_EQ(cudaEventQuery(end), GetParam() ? cudaErrorNotReady : cudaSuccess);
  check(cudaEventSynchronize(end));
  float milliseconds = -1;
  check(cudaEventElapsedTime(&milliseconds, start, end));
  EXPECT_EQ(called, 1);
  EXPECT_GE(milliseconds, 0);
}

TEST_P(Runtime, DefaultStreamWaitsForBlockingStreams) {
  const Stream blocking(cudaStreamDefault);
  const Buffer<float> x(kCount, 0.0F);
  check(try_launch({4, 256, 0, blocking}, add, x.data(), 1.0F, kCount));
  EXPECT_THAT(x.values(), Each(1));  // a copy in the default stream
}

TEST_P(Runtime, DefaultStreamDoesNotWaitForOthers) {
  options().seed = 0;  // under a seed, the other stream may come first
  const Stream other;
  const Buffer<float> x(kCount, 0.0F);
  check(cudaDeviceSynchronize());
  check(try_launch({4, 256, 0, other}, add, x.data(), 1.0F, kCount));
  EXPECT_THAT(x.values(), Each(GetParam() ? 0 : 1)) << "eager streams hide that the synchronisation is missing";
  check(cudaStreamSynchronize(other));
  EXPECT_THAT(x.values(), Each(1));
}

TEST_P(Runtime, PageableMemoryMayChangeAfterTheCopyIsQueued) {
  const Stream stream;
  const Buffer<float> x(kCount);
  std::vector<float> values(kCount, 3.0F);
  check(cudaMemcpyAsync(x.data(), values.data(), kBytes, cudaMemcpyHostToDevice, stream));
  values.assign(kCount, -1.0F);
  check(cudaStreamSynchronize(stream));
  EXPECT_THAT(x.values(), Each(3));
}

TEST_P(Runtime, RowsOfACopyInTwoDimensions) {
  const Buffer<float> x(std::vector<float>{0, 1, 2, 3, 4, 5});
  std::vector<float> column(2);
  check(cudaMemcpy2DAsync(column.data(), 4, x.data() + 1, 12, 4, 2, cudaMemcpyDeviceToHost, nullptr));
  check(cudaDeviceSynchronize());
  EXPECT_THAT(column, testing::ElementsAre(1, 4));
  check(cudaMemcpy2D(column.data(), 4, x.data() + 2, 12, 4, 2, cudaMemcpyDeviceToHost));
  EXPECT_THAT(column, testing::ElementsAre(2, 5));
}

TEST_P(Runtime, FourThreadsOfTheHostWithTheirOwnStreams) {
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &right] {
      constexpr int kTurns = 20;
      const Stream stream;
      const Buffer<float> x(kCount, float(t));
      for (int turn = 0; turn < kTurns; ++turn) check(try_launch({4, 256, 0, stream}, add, x.data(), 1.0F, kCount));
      check(cudaStreamSynchronize(stream));
      right += x.values() == std::vector<float>(kCount, float(t + kTurns)) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST_P(Runtime, EventThatWasNeverRecordedHoldsNobodyUp) {
  const Stream stream;
  const Event never_recorded;
  check(cudaStreamWaitEvent(stream, never_recorded,
                            0));  // nothing to wait for, as the runtime has it
  check(cudaStreamSynchronize(stream));
}

TEST_P(Runtime, StreamMayBeDestroyedWithWorkInIt) {
  const Buffer<float> x(kCount, 0.0F);
  check(cudaDeviceSynchronize());
  {
    const Stream stream;
    check(try_launch({4, 256, 0, stream}, add, x.data(), 1.0F, kCount));
  }
  check(cudaDeviceSynchronize());
  EXPECT_THAT(x.values(), Each(1));
}

// ------------------------------------------------------------------------------------------------
// the card

TEST(Card, KnowsItsMemoryAndPointers) {
  std::size_t free_before = 0;
  std::size_t free_after = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free_before, &total));
  const Buffer<float> x(1 << 18);
  check(cudaMemGetInfo(&free_after, &total));
  EXPECT_EQ(free_before - free_after, std::size_t{1} << 20);
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, x.data()));
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  check(cudaPointerGetAttributes(&attributes, &total));
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

TEST(Card, HasProperties) {
  cudaDeviceProp properties{};
  int processors = 0;
  int blocks = 0;
  check(cudaGetDeviceProperties(&properties, 0));
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add, 256, 0));
  EXPECT_EQ(properties.multiProcessorCount, processors);
  EXPECT_EQ(properties.major * 10 + properties.minor, options().compute_capability);
  EXPECT_EQ(blocks, 8);  // 2048 threads of a multiprocessor
}

TEST(Card, MayBeMissing) {
  options().no_device = true;
  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  void* x = nullptr;
  EXPECT_EQ(cudaMalloc(&x, 4), cudaErrorNoDevice);
  cudaGetLastError();
}

TEST(Card, ErrorsHaveNames) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorNoDevice), "cudaErrorNoDevice");
}

}  // namespace
}  // namespace simt::test
