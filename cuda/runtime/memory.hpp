// Owners of memory that the device works with: move-only, uninitialised, checked.
#pragma once
#include "cuda/runtime/check.hpp"
#include "host/base/error.hpp"
#include "host/base/view.hpp"

#include <cuda_runtime.h>
#include <memory>
#include <type_traits>
#include <utility>

namespace wf {

/// `size` values of a trivial type in device memory, allocated and freed in the order of one stream, which must outlive
/// it. Throws DeviceError when the device's memory is out.
template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() = default;
  DeviceBuffer(Position size, cudaStream_t stream, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : size_(size), stream_(stream) {
    if (size == 0) return;
    void* memory = nullptr;
    check_cuda(cudaMallocAsync(&memory, static_cast<std::size_t>(bytes()), stream), "cudaMallocAsync", file, line);
    data_ = static_cast<T*>(memory);
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), stream_(other.stream_) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    stream_ = other.stream_;
    return *this;
  }

  /// At least `size` values; the old ones are lost when it grows, before the new ones are asked for.
  void grow(Position size, cudaStream_t stream, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (size <= size_) return;
    *this = DeviceBuffer();
    *this = DeviceBuffer(size, stream, file, line);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Position size() const { return size_; }
  Position bytes() const { return checked_product(size_, sizeof(T)); }
  bool empty() const { return size_ == 0; }
  Span<T, Device> span() { return {data_, size_}; }
  Span<const T, Device> span() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  Position size_ = 0;
  cudaStream_t stream_ = nullptr;
};

static_assert(!std::is_copy_constructible_v<DeviceBuffer<float>> && !std::is_copy_assignable_v<DeviceBuffer<float>>);

/// Somebody's host memory, page-locked while this lives. Where the system refuses, copies are slower, and right.
class PinnedRange {
 public:
  PinnedRange() = default;
  PinnedRange(const void* data, Position bytes) {
    if (bytes == 0) return;
    void* const memory = const_cast<void*>(data);
    if (cudaHostRegister(memory, static_cast<std::size_t>(bytes), cudaHostRegisterDefault) == cudaSuccess) {
      data_.reset(memory);
    } else {
      cudaGetLastError();  // which would be the next call's answer
    }
  }

 private:
  struct Release {
    void operator()(void* memory) const {
      cudaDeviceSynchronize();  // whoever leaves in the middle: copies may be on their way
      cudaHostUnregister(memory);
    }
  };
  std::unique_ptr<void, Release> data_;
};

/// Is this host memory page-locked?
inline bool is_pinned(const void* data) {
  cudaPointerAttributes attributes{};
  check_cuda(cudaPointerGetAttributes(&attributes, data), "cudaPointerGetAttributes");
  return attributes.type == cudaMemoryTypeHost;
}

/// Page-locked host memory, which copies without staging by the driver.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(Position bytes) : bytes_(bytes) {
    void* memory = nullptr;
    check_cuda(cudaHostAlloc(&memory, static_cast<std::size_t>(bytes), cudaHostAllocDefault), "cudaHostAlloc");
    data_.reset(static_cast<char*>(memory));
  }
  char* data() const { return data_.get(); }
  Position bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(char* memory) const { cudaFreeHost(memory); }
  };
  std::unique_ptr<char, Free> data_;
  Position bytes_ = 0;
};

}  // namespace wf
