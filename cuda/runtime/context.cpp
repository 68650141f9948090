#include "cuda/runtime/context.hpp"

#include "cuda/runtime/check.hpp"

#include <cstdint>

namespace wf {

Stream::Stream() {
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

Event::Event() {
  check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

void Event::record(cudaStream_t on) const {
  check_cuda(cudaEventRecord(event_, on), "cudaEventRecord");
}

void Event::hold(cudaStream_t stream) const {
  check_cuda(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent");
}

void Event::wait() const {
  check_cuda(cudaEventSynchronize(event_), "cudaEventSynchronize");
}

Context::Context() {
  check_cuda(cudaGetDevice(&device_), "cudaGetDevice");
  check_cuda(cudaDeviceGetDefaultMemPool(&pool_, device_), "cudaDeviceGetDefaultMemPool");
  std::uint64_t keep = UINT64_MAX;  // what was freed is handed out again instead of going back to the driver
  check_cuda(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
}

void Context::wait() const {
  check_cuda(cudaStreamSynchronize(compute()), "cudaStreamSynchronize");
}

namespace {

/// Bytes that the pool holds and nobody uses.
std::uint64_t kept(cudaMemPool_t pool) {
  std::uint64_t reserved = 0, used = 0;
  check_cuda(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "cudaMemPoolGetAttribute");
  check_cuda(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), "cudaMemPoolGetAttribute");
  return reserved - used;
}

}  // namespace

int Context::attribute(cudaDeviceAttr attribute) const {
  int value = 0;
  check_cuda(cudaDeviceGetAttribute(&value, attribute, device_), "cudaDeviceGetAttribute");
  return value;
}

int Context::multiprocessors() const {
  return attribute(cudaDevAttrMultiProcessorCount);
}

Position Context::second_cache() const {
  return attribute(cudaDevAttrL2CacheSize);
}

Position Context::tile_bytes() const {
  constexpr Position kStatic = 2048;  // the sums of errors take 1 KB
  return attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) - kStatic;
}

DeviceMemory Context::memory() const {
  DeviceMemory memory;
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device_), "cudaGetDeviceProperties");
  memory.device = properties.name;
  memory.free = static_cast<Position>(free) + static_cast<Position>(kept(pool_));
  memory.total = static_cast<Position>(total);
  return memory;
}

}  // namespace wf
