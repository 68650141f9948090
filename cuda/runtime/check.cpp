#include "cuda/runtime/check.hpp"

#include "host/base/error.hpp"

namespace wf {
namespace {

const char* cure_of(cudaError_t result) {
  switch (result) {
    case cudaErrorMemoryAllocation:
      return "free the device's memory (nvidia-smi shows who holds it), train with a smaller --rank or --batch-size, "
             "or "
             "--engine cpu";
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInitializationError:
      return "--engine cpu; warpfactor doctor says what is missing";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return "build for this device: -DCMAKE_CUDA_ARCHITECTURES=native, or --engine cpu";
    default:
      return "--engine cpu; if it happens again, run under compute-sanitizer and report what it says";
  }
}

}  // namespace

std::string device_name() {
  int device = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return "no device";
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return "device " + std::to_string(device);
  return "device " + std::to_string(device) + " (" + properties.name + ")";
}

void check_cuda(cudaError_t result, const char* call, const char* file, int line) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // an error that does not stick is taken off, so that the next call speaks for itself
  const std::string path = file;
  throw DeviceError(std::string(call) + " failed on " + device_name() + ": " + cudaGetErrorString(result) + " [" +
                        path.substr(path.rfind('/') + 1) + ":" + std::to_string(line) + "]",
                    cure_of(result));
}

}  // namespace wf
