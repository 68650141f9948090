// What the interpreter's own tests share: launches, buffers, and what must be found at which line.
#pragma once
#include "tests/simt/device.hpp"
#include "tests/simt/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace simt::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kChecker = true;
#else
inline constexpr bool kChecker = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAsan = true;
#else
inline constexpr bool kAsan = false;
#endif

// Tests of what only some builds can see.
#define NEEDS_CHECKER() \
  if (!kChecker) GTEST_SKIP() << "plain memory accesses are seen by the checker build only"
#define NEEDS_CHECKER_OR_ASAN()                                            \
  if (!kChecker && !kAsan)                                                 \
  GTEST_SKIP() << "plain memory accesses are seen by the checker and the " \
                  "ASan build only"

inline void check(cudaError_t error, Site site = Site::current()) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string(site.file) + ":" + std::to_string(site.line) + ": " + cudaGetErrorName(error));
}

struct Shape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

template <class... Parameters, class... Arguments>
cudaError_t try_launch(const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = shape.stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

/// Launches and waits. A finding may have ended the kernel: errors are for the test to look at.
template <class... Parameters, class... Arguments>
cudaError_t run_kernel(const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  const cudaError_t error = try_launch(shape, kernel, std::forward<Arguments>(arguments)...);
  return error == cudaSuccess ? cudaDeviceSynchronize() : error;
}

/// Device memory of `size` values, unset or copied from the host.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : size_(size) { check(cudaMalloc(&data_, size * sizeof(T))); }
  Buffer(std::size_t size, T value) : Buffer(std::vector<T>(size, value)) {}
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    check(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { cudaFree(data_); }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::vector<T> values() const {
    std::vector<T> values(size_);
    check(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

// Where the planted bug is: a kernel notes it as it goes, so that no number is written down that could rot. The note
// lies in host memory, which the interpreter does not watch.
inline unsigned bug_line = 0;
#define BUG(...)                       \
  do {                                 \
    ::simt::test::bug_line = __LINE__; \
    __VA_ARGS__;                       \
  } while (false)

/// Whether the text holds the place and not a longer number that begins like it.
inline bool names(const std::string& text, const std::string& place) {
  const auto at = text.find(place);
  return at != text.npos && text.find_first_of("0123456789", at + place.size()) != at + place.size();
}

/// Takes the findings: one is of `kind` and names this file at the line of the latest BUG; the others are of `kind` or
/// of what may come with it, such as unset data that a race lets through.
inline void expect_found(Kind kind, std::initializer_list<Kind> with_it = {}, Site site = Site::current()) {
  const std::string file(site.file);
  const std::string place = file.substr(file.rfind('/') + 1) + ":" + std::to_string(bug_line);
  bool named = false;
  std::string texts;
  for (const Finding& finding : take_findings()) {
    const bool wanted = finding.kind == kind;
    const bool allowed = wanted || std::find(with_it.begin(), with_it.end(), finding.kind) != with_it.end();
    EXPECT_TRUE(allowed) << "also found: " << to_string(finding.kind) << ": " << finding.text;
    named = named || (wanted && names(finding.text, place));
    texts += std::string("\n  ") + to_string(finding.kind) + ": " + finding.text;
  }
  EXPECT_TRUE(named) << "no " << to_string(kind) << " found at " << place << (texts.empty() ? "" : ", but") << texts;
  clear_errors();
}

}  // namespace simt::test
