// What kernel sources include first: shared memory by macro, the architecture by our own name, and where a host
// compiler builds them for the interpreter, what nvcc would have supplied.
#pragma once
#include <cuda_runtime.h>

#if defined(__CUDACC__)

// WF_SHARED(float, tile, [32][33]);  a static shared array
#define WF_SHARED(T, name, ...) __shared__ T name __VA_ARGS__
// WF_DYNAMIC_SHARED(float, staged);  a pointer to the launch's dynamic shared memory
#define WF_DYNAMIC_SHARED(T, name)                                   \
  extern __shared__ __align__(16) unsigned char wf_dynamic_shared[]; \
  T* name = reinterpret_cast<T*>(wf_dynamic_shared)
// Stands for __CUDA_ARCH__: the interpreter must leave that name undefined, or the toolkit's headers would take it for
// a device compilation.
#if defined(__CUDA_ARCH__)
#define WF_ARCH __CUDA_ARCH__
#else
#define WF_ARCH 0
#endif

namespace wf {
/// The allocation, or in a kernel the block's shared memory, is written by many threads at once, by design: for the
/// interpreter's checker.
__host__ __device__ inline void allow_races(const void*) {}
}  // namespace wf

#else
#include "tests/simt/device.hpp"
#include "tests/simt/runtime.hpp"
namespace wf {
inline void allow_races(const void* allocation) {
  simt::allow_races(allocation);
}
}  // namespace wf
#endif
