// Every call of the CUDA runtime is checked; a failure names the call, the place, the device and what to do.
#pragma once
#include <cuda_runtime.h>
#include <string>

namespace wf {

/// "device 0 (NVIDIA H100)", for messages.
std::string device_name();

/// Throws DeviceError unless `result` is cudaSuccess. `call` is what was tried, e.g. "cudaMallocAsync" or an op's name.
void check_cuda(cudaError_t result, const char* call, const char* file = __builtin_FILE(), int line = __builtin_LINE());

}  // namespace wf
