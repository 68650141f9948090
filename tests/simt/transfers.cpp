// Allocation, copies and fills of the runtime API, with their bounds and directions checked.
#include "tests/simt/runtime_api.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#define CALLER __builtin_return_address(0)  // of an entry point: the line that a finding names

namespace simt {
namespace {

auto& pinned = *new std::map<const char*, std::size_t>;

bool is_pinned(const void* p) {
  const auto next = pinned.upper_bound(static_cast<const char*>(p));
  if (next == pinned.begin()) return false;
  const auto& [begin, bytes] = *std::prev(next);
  return static_cast<const char*>(p) < begin + bytes;
}

cudaError_t bad_copy(const char* what, std::size_t bytes, const void* pc) {
  add_finding(Kind::bad_copy, where(pc) + ": " + what + " (" + std::to_string(bytes) + " bytes)");
  return cudaErrorInvalidValue;
}

void copy_now(void* to, const void* from, std::size_t bytes) {
  counters.bytes_copied += bytes;
  std::memmove(to, from, bytes);
  mark_written(to, bytes);
}

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  cudaMemcpyKind kind;

  bool fits() const { return (!in_arena(to) || covered(to, bytes)) && (!in_arena(from) || covered(from, bytes)); }
  bool directed() const {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    return kind == cudaMemcpyDefault || (to_device == in_arena(to) && from_device == in_arena(from));
  }
};

cudaError_t enqueue_copy(const Copy& copy, cudaStream_t stream, const void* pc) {
  if (!valid(stream)) return cudaErrorInvalidResourceHandle;
  if (copy.bytes == 0) return cudaSuccess;
  if (!copy.fits()) return bad_copy("a copy leaves its device allocation", copy.bytes, pc);
  if (!copy.directed()) return bad_copy("the direction of a copy does not fit its pointers", copy.bytes, pc);
  const bool to_device = in_arena(copy.to);
  const bool from_device = in_arena(copy.from);
  if (to_device && !from_device && !is_pinned(copy.from)) {  // pageable memory is staged before the call returns
    const auto* bytes = static_cast<const char*>(copy.from);
    return enqueue_now(stream, [copy, staged = std::vector<char>(bytes, bytes + copy.bytes)] {
      copy_now(copy.to, staged.data(), copy.bytes);
    });
  }
  enqueue_now(stream, [copy] { copy_now(copy.to, copy.from, copy.bytes); });
  const bool awaited = from_device && !to_device && !is_pinned(copy.to);  // as the runtime does for pageable memory
  return awaited ? drain(stream) : cudaSuccess;
}

cudaError_t fill(void* p, int value, std::size_t bytes, cudaStream_t stream, const void* pc) {
  if (!valid(stream)) return cudaErrorInvalidResourceHandle;
  if (bytes != 0 && !covered(p, bytes)) return bad_copy("a memset leaves its device allocation", bytes, pc);
  return enqueue_now(stream, [=] {
    counters.bytes_set += bytes;
    std::memset(p, value, bytes);
    mark_written(p, bytes);
  });
}

cudaError_t allocate(void** p, std::size_t bytes, const void* pc) {
  *p = device_alloc(bytes, pc);
  return bytes == 0 || *p != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaMemoryType type_of(const void* p) {
  if (device_find(p) != nullptr) return cudaMemoryTypeDevice;
  return is_pinned(p) ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
}

}  // namespace

cudaError_t copy_symbol(void* to, const void* from, std::size_t bytes, cudaStream_t stream, bool wait) {
  return call([&] {  // variables of the device are variables of the host here
    enqueue_now(stream, [=] { copy_now(to, from, bytes); });
    return wait ? drain(stream) : cudaSuccess;
  });
}

}  // namespace simt
using namespace simt;

extern "C" {

cudaError_t cudaMalloc(void** p, size_t bytes) {
  const void* pc = CALLER;
  return call([&] { return allocate(p, bytes, pc); });
}
cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t stream) {
  const void* pc = CALLER;
  return call([&] {
    if (!valid(stream)) return cudaErrorInvalidResourceHandle;
    if (allocate(p, bytes, pc) == cudaSuccess) return cudaSuccess;
    drain(stream);  // what it has been told to free before is free when this allocation's turn comes
    return allocate(p, bytes, pc);
  });
}
cudaError_t cudaFree(void* p) {
  const Lock lock(api_lock());  // outside call(): memory is given back after an error, too
  drain_all();
  const bool freed = p == nullptr || device_free(p);
  return call([&] { return freed ? cudaSuccess : cudaErrorInvalidValue; });
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  const Lock lock(api_lock());
  if (!valid(stream) || (p != nullptr && device_find(p) == nullptr)) return remember(cudaErrorInvalidValue);
  push(stream, [p] {  // after an error, too
    device_free(p);
    return true;
  });
  return call(nothing);
}
cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) {
  return call([&] {
    constexpr size_t kAlign = 256;
    *p = std::aligned_alloc(kAlign, (std::max<size_t>(bytes, 1) + kAlign - 1) & ~(kAlign - 1));
    if (*p == nullptr) return cudaErrorMemoryAllocation;
    fill_unset(static_cast<char*>(*p), bytes);
    pinned[static_cast<char*>(*p)] = bytes;
    return cudaSuccess;
  });
}
cudaError_t cudaMallocHost(void** p, size_t bytes) {
  return cudaHostAlloc(p, bytes, cudaHostAllocDefault);
}
cudaError_t cudaFreeHost(void* p) {
  const Lock lock(api_lock());
  drain_all();
  const bool known = p == nullptr || pinned.erase(static_cast<char*>(p)) != 0;
  if (known) std::free(p);
  return call([&] { return known ? cudaSuccess : cudaErrorInvalidValue; });
}
cudaError_t cudaHostRegister(void* p, size_t bytes, unsigned) {
  return call([&] {
    const bool added = pinned.try_emplace(static_cast<char*>(p), bytes).second;
    return added ? cudaSuccess : cudaErrorHostMemoryAlreadyRegistered;
  });
}
cudaError_t cudaHostUnregister(void* p) {
  return call([&] {
    drain_all();
    return pinned.erase(static_cast<char*>(p)) != 0 ? cudaSuccess : cudaErrorHostMemoryNotRegistered;
  });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const void* pc = CALLER;
  return call([&] { return enqueue_copy({to, from, bytes, kind}, stream, pc); });
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const void* pc = CALLER;
  return call([&] {
    const cudaError_t error = enqueue_copy({to, from, bytes, kind}, nullptr, pc);
    return error == cudaSuccess ? drain(nullptr) : error;
  });
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  const void* pc = CALLER;
  return call([&] {
    cudaError_t error = width <= to_pitch && width <= from_pitch ? cudaSuccess : cudaErrorInvalidPitchValue;
    for (size_t i = 0; i < height && error == cudaSuccess; ++i) {
      error = enqueue_copy(
          {static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width, kind}, stream,
          pc);
    }
    return error;
  });
}
cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
  return call([&] {
    const cudaError_t error = cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind, nullptr);
    return error == cudaSuccess ? drain(nullptr) : error;
  });
}
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
  const void* pc = CALLER;
  return call([&] { return fill(p, value, bytes, stream, pc); });
}
cudaError_t cudaMemset(void* p, int value, size_t bytes) {
  const void* pc = CALLER;
  return call([&] { return fill(p, value, bytes, nullptr, pc); });
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    *total = options().device_bytes;
    *free = *total - std::min(*total, device_used());
    return cudaSuccess;
  });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  return call([&] {
    *attributes = {};
    attributes->type = type_of(p);
    if (attributes->type != cudaMemoryTypeUnregistered) attributes->devicePointer = const_cast<void*>(p);
    if (attributes->type != cudaMemoryTypeDevice) attributes->hostPointer = const_cast<void*>(p);
    return cudaSuccess;
  });
}

// The pool of cudaMallocAsync has nothing to tune here.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return call([&] {
    *pool = nullptr;
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
  });
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return call(nothing);
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  return call([&] {  // nothing is kept: what is freed is free at once
    const bool known = attribute == cudaMemPoolAttrReservedMemCurrent || attribute == cudaMemPoolAttrUsedMemCurrent;
    if (!known) return cudaErrorNotSupported;
    *static_cast<std::uint64_t*>(value) = device_used();
    return cudaSuccess;
  });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) {
  return call(nothing);
}

}  // extern "C"
