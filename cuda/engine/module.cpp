// What the program sees of the CUDA engine.
#include "cuda/engine/module.hpp"

#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/nccl.hpp"
#include "host/train/engine_of.hpp"

namespace wf {

static_assert(KernelSet<Cuda>);  // here, so that kernels compile without the concept

namespace {

std::vector<CudaDevice> devices() {
  int count = 0;
  check_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  std::vector<CudaDevice> found;
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    check_cuda(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
    found.push_back({properties.name, 10 * properties.major + properties.minor, properties.multiProcessorCount,
                     static_cast<Position>(properties.totalGlobalMem)});
  }
  return found;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string versions() {
  int driver = 0;
  check_cuda(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  return (driver == 0 ? std::string("no driver") : "driver for CUDA " + version_text(driver)) +
         ", built with toolkit " + version_text(CUDART_VERSION) + ", " + nccl_version();
}

std::unique_ptr<Engine> make(bool deterministic, SgdPlan plan, int device) {
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  return std::make_unique<EngineOf<Cuda>>(deterministic ? Order::repeatable : Order::racing, plan);
}

}  // namespace

const CudaModule& linked_cuda_module() {
  static constexpr CudaModule kModule{kCudaModuleVersion, devices, versions, kernel_problem, make};
  return kModule;
}

}  // namespace wf
