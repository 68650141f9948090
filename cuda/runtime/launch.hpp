// The one way to start a kernel.
#pragma once
#include "cuda/runtime/check.hpp"
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/kernel_code.hpp"
#include "host/base/types.hpp"

#include <algorithm>
#include <utility>

namespace wf {

inline constexpr int kWarp = 32;

struct Shape {
  Position blocks = 0;
  int threads = 0;
  Position shared_bytes = 0;
};

/// Blocks for `n` pieces of work, `per_block` at a time. Kernels stride over the grid, so the cap only bounds the
/// launch; it is a constant, so that what a block sums up does not depend on the device.
inline Shape grid_over(Position n, Position per_block, int threads, Position shared_bytes = 0) {
  constexpr Position kMostBlocks = 8192;  // 60 blocks for each of 132 multiprocessors
  return {std::clamp<Position>((n + per_block - 1) / per_block, 1, kMostBlocks), threads, shared_bytes};
}

/// The name of an op, with the place that launches a kernel for it.
struct Op {
  const char* name;
  const char* file;
  int line;
  Op(const char* op, const char* in = __builtin_FILE(), int at = __builtin_LINE()) : name(op), file(in), line(at) {}
};

/// Enqueues on the compute stream; throws DeviceError with the op's name when the launch is refused.
template <class... Parameters, class... Arguments>
void launch(const Context& gpu, const Op& op, const Shape& shape, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  constexpr Position kSharedUnasked = 32 << 10;  // 48 KB less what the kernel has of static arrays need no permission
  if (shape.shared_bytes > kSharedUnasked) {
    check_cuda(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(shape.shared_bytes)),
               op.name, op.file, op.line);
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(shape.blocks));
  config.blockDim = dim3(static_cast<unsigned>(shape.threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(shape.shared_bytes);
  config.stream = gpu.compute();
  check_cuda(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), op.name, op.file, op.line);
}

}  // namespace wf
