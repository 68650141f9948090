// HostBuffer: one owner, values kept through growth, and a readable error when memory is out.
#include "host/base/host_buffer.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace wf {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // its allocator ends the program where malloc returns null
#else
constexpr bool kSanitized = false;
#endif

HostBuffer<int> counting(Position size) {
  HostBuffer<int> buffer(size);
  std::iota(buffer.begin(), buffer.end(), 0);
  return buffer;
}

void expect_counting(const HostBuffer<int>& buffer, Position size) {
  ASSERT_GE(buffer.size(), size);
  for (Position n = 0; n < size; ++n) ASSERT_EQ(buffer[n], n);
}

TEST(HostBuffer, BeginsEmpty) {
  const HostBuffer<float> buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0);
  EXPECT_EQ(buffer.begin(), buffer.end());
  EXPECT_TRUE(buffer.span().empty());
  EXPECT_TRUE(HostBuffer<float>(0).empty());
}

TEST(HostBuffer, FillsWithOneValue) {
  const HostBuffer<float> buffer(1000, 2.5F);
  for (const float value : buffer) ASSERT_EQ(value, 2.5F);
}

TEST(HostBuffer, KeepsValuesThroughGrowth) {
  HostBuffer<int> buffer = counting(10);
  buffer.resize(3'000'000);  // large enough for the allocator to map pages of their own
  expect_counting(buffer, 10);
  buffer.resize(5);
  EXPECT_EQ(buffer.size(), 5);
  EXPECT_GE(buffer.capacity(), 3'000'000);
  expect_counting(buffer, 5);
}

TEST(HostBuffer, PushBackGrowsByTheHalf) {
  HostBuffer<int> buffer;
  int moves = 0;
  for (int n = 0; n < 1'000'000; ++n) {
    const Position before = buffer.capacity();
    buffer.push_back(n);
    if (buffer.capacity() != before) ++moves;
  }
  EXPECT_EQ(buffer.size(), 1'000'000);
  expect_counting(buffer, 1'000'000);
  EXPECT_LE(moves, 18);  // 1024 * 1.5^17 > 10^6
}

TEST(HostBuffer, MovingLeavesTheSourceEmptyAndUsable) {
  HostBuffer<int> source = counting(100);
  const int* const data = source.data();
  HostBuffer<int> target(std::move(source));
  EXPECT_EQ(target.data(), data);
  EXPECT_EQ(source.size(), 0);  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(source.capacity(), 0);
  source.push_back(7);
  EXPECT_EQ(source[0], 7);
  source = std::move(target);
  EXPECT_EQ(source.data(), data);
  expect_counting(source, 100);
}

TEST(HostBuffer, CloneIsASecondBuffer) {
  HostBuffer<int> buffer = counting(10);
  const HostBuffer<int> copy = buffer.clone();
  buffer[3] = 99;
  expect_counting(copy, 10);
  EXPECT_TRUE(HostBuffer<int>().clone().empty());
}

TEST(HostBuffer, RefusesSizesThatOverflow) {
  HostBuffer<double> buffer;
  EXPECT_THROW(buffer.resize(INT64_MAX / 4), Error);
  EXPECT_TRUE(buffer.empty());
}

TEST(HostBuffer, SaysHowMuchMemoryWasAskedFor) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator ends the program instead";
  HostBuffer<float> buffer(10, 1.0F);
  try {
    buffer.resize(Position{1} << 58);
    FAIL() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("1152921504606846976 bytes"), std::string::npos) << error.what();
  }
  EXPECT_EQ(buffer.size(), 10);  // and what it held is still there
  EXPECT_EQ(buffer[9], 1.0F);
}

}  // namespace
}  // namespace wf
