// The one owner of host arrays: move-only, uninitialised, on a cache line of its own, in huge pages where it is large.
#pragma once
#include "host/base/error.hpp"
#include "host/base/host_memory_block.hpp"
#include "host/base/view.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace wf {

/// `size` values of a trivial type T in host memory. New elements are uninitialised. Throws DeviceError (exit 4)
/// when memory is out, with the bytes that were asked for.
template <class T>
class HostBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  HostBuffer() = default;
  explicit HostBuffer(Position size) { resize(size); }
  HostBuffer(Position size, T value) : HostBuffer(size) { std::fill(begin(), end(), value); }
  HostBuffer(HostBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  HostBuffer& operator=(HostBuffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }
  ~HostBuffer() { release(); }

  /// Zeros; of a large buffer, pages that nobody writes take no memory and no time.
  static HostBuffer zeros(Position size) {
    HostBuffer buffer(size);
    if (!is_zero_when_new(size * Position{sizeof(T)})) std::fill(buffer.begin(), buffer.end(), T{});
    return buffer;
  }

  /// A second buffer with the same values: copies are made by name only.
  HostBuffer clone() const {
    HostBuffer copy(size_);
    std::copy(begin(), end(), copy.begin());
    return copy;
  }

  /// Keeps the first min(old, new) values; memory never shrinks.
  void resize(Position size) {
    if (size > capacity_) reserve(size);
    size_ = size;
  }
  void push_back(T value) {
    if (size_ == capacity_) reserve(std::max<Position>(1024, capacity_ + capacity_ / 2));
    data_[size_++] = value;
  }
  void reserve(Position capacity) {
    if (capacity <= capacity_) return;
    const Position bytes = checked_product(capacity, sizeof(T));
    void* grown = grown_block(data_, capacity_ * Position{sizeof(T)}, bytes);
    if (grown == nullptr) {
      throw DeviceError("out of memory: an array of " + std::to_string(bytes) + " bytes was asked for",
                        "use a smaller --rank, fewer ratings or a machine with more memory");
    }
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Position size() const { return size_; }
  Position capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T& operator[](Position n) { return data_[n]; }
  const T& operator[](Position n) const { return data_[n]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

  Span<T, Host> span() { return {data(), size_}; }
  Span<const T, Host> span() const { return {data(), size_}; }

 private:
  void release() { release_block(data_, capacity_ * Position{sizeof(T)}); }

  T* data_ = nullptr;
  Position size_ = 0;
  Position capacity_ = 0;
};

static_assert(!std::is_copy_constructible_v<HostBuffer<float>> && !std::is_copy_assignable_v<HostBuffer<float>>);

}  // namespace wf
