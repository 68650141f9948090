#include "cuda/engine/module.hpp"
#include "cuda/runtime/check.hpp"
#include "cuda/runtime/kernel_code.hpp"
#include "host/base/error.hpp"

namespace wf {
namespace {

__global__ void probe_kernel() {}

}  // namespace

std::string kernel_problem() {
  try {
    cudaFuncAttributes attributes{};
    check_cuda(cudaFuncGetAttributes(&attributes, probe_kernel), "looking for code for this device");
  } catch (const DeviceError& error) {
    return error.problem();
  }
  return {};
}

}  // namespace wf
