// What nvcc would give to device code, for g++ and clang++. Included through cuda/runtime/kernel_code.hpp; never seen
// by nvcc. The toolkit's own headers supply the types and the runtime API; names with two underscores are CUDA's.
#pragma once
#if defined(__CUDACC__)
#error "simt/device.hpp is for the host compiler only"
#endif
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#define WF_INTERPRETER 1
#ifndef WF_ARCH
#define WF_ARCH 900
#endif
#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __cluster_dims__
#define __cluster_dims__(...)
#undef __maxnreg__
#define __maxnreg__(...)
#undef __grid_constant__
#define __grid_constant__
#undef __align__
#define __align__(n) alignas(n)

// Set at every switch. Plain variables: only one launch runs at a time, on one thread of the host.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace simt {

// std::source_location, which clang 14 does not offer with libstdc++ 12.
struct Site {
  const char* file = "?";
  unsigned line = 0;

  static constexpr Site current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
  bool operator==(const Site& other) const {
    return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
  }
};

template <class T, class... Types>
concept OneOf = (std::is_same_v<T, Types> || ...);

// The bits of a value of at most 8 bytes. std::bit_cast does not take the half types, which have constructors.
template <class T>
std::uint64_t to_bits(const T& value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, static_cast<const void*>(&value), sizeof value);
  return bits;
}

// ---- scheduler.cpp and blocks.cpp
void relax(const void* pc = nullptr);  // a scheduling point; spin loops consist of them
void progress();                       // what the thread just did was not idle spinning
void* static_shared(const void* key, std::size_t bytes, std::size_t align, const Site& site = Site::current());
void* dynamic_shared();
[[noreturn]] void trap();

struct Launch {
  dim3 grid, block;
  std::size_t dynamic_bytes = 0;
  const void* kernel = nullptr;
  bool cooperative = false;
};
void run(const Launch& launch, void (*body)(void*), void* context);  ///< body(context) on every thread of the grid

// ---- card.cpp, streams.cpp and transfers.cpp
/// Fills `launch`, or says why there is none.
cudaError_t prepare_launch(const cudaLaunchConfig_t& config, const void* kernel, Launch& launch);
void enqueue(cudaStream_t stream, std::function<void()> operation);
cudaError_t copy_symbol(void* to, const void* from, std::size_t bytes, cudaStream_t stream, bool wait);

/// A kernel and its arguments, converted to the kernel's types.

template <class... Parameters>
struct Call {
  void (*kernel)(Parameters...);
  std::tuple<Parameters...> arguments;

  static void make(void* self) {
    const auto& call = *static_cast<const Call*>(self);
    std::apply(call.kernel, call.arguments);
  }
};

template <class... Parameters, class... Arguments>
cudaError_t launch_kernel(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  Launch launch;
  const cudaError_t error = prepare_launch(*config, reinterpret_cast<const void*>(kernel), launch);
  if (error != cudaSuccess) return error;
  using Made = Call<Parameters...>;
  auto call = std::make_shared<Made>(Made{kernel, std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)});
  enqueue(config->stream, [launch, call] { run(launch, &Made::make, call.get()); });
  return cudaSuccess;
}

}  // namespace simt

// The toolkit's template passes the arguments on as void*, from which no C++ call can be made.
#define cudaLaunchKernelEx ::simt::launch_kernel

// WF_SHARED(float, tile, [32][33]);  one array for each block that runs
#define WF_SHARED(T, name, ...)                    \
  using simt_type_of_##name = T __VA_ARGS__;       \
  static const char simt_key_of_##name = 0;        \
  auto& name = *static_cast<simt_type_of_##name*>( \
      ::simt::static_shared(&simt_key_of_##name, sizeof(simt_type_of_##name), alignof(simt_type_of_##name)))
#define WF_DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(::simt::dynamic_shared())

#include "tests/simt/device_math.hpp"
#include "tests/simt/device_memory.hpp"
#include "tests/simt/device_warp.hpp"
#include "tests/simt/device_wmma.hpp"

// ---- templates that cuda_runtime.h keeps for nvcc
template <class T>
cudaError_t cudaMemcpyToSymbol(T& symbol, const void* from, std::size_t bytes, std::size_t offset = 0,
                               cudaMemcpyKind = cudaMemcpyHostToDevice) {
  return simt::copy_symbol(reinterpret_cast<char*>(&symbol) + offset, from, bytes, nullptr, true);
}

template <class T>
cudaError_t cudaMemcpyToSymbolAsync(T& symbol, const void* from, std::size_t bytes, std::size_t offset, cudaMemcpyKind,
                                    cudaStream_t stream) {
  return simt::copy_symbol(reinterpret_cast<char*>(&symbol) + offset, from, bytes, stream, false);
}

template <class T>
cudaError_t cudaMemcpyFromSymbol(void* to, const T& symbol, std::size_t bytes, std::size_t offset = 0,
                                 cudaMemcpyKind = cudaMemcpyDeviceToHost) {
  return simt::copy_symbol(to, reinterpret_cast<const char*>(&symbol) + offset, bytes, nullptr, true);
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}

template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(Parameters...)) {
  return ::cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
