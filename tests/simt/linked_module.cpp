// In place of host/api/cuda_module.cpp: the CUDA engine is linked into the program, with the interpreter as its device.
#include "cuda/engine/module.hpp"
#include "tests/simt/runtime.hpp"

namespace wf {

std::string cuda_absence() {
  return simt::options().no_device ? "the interpreter plays a machine without a device" : "";
}

const CudaModule& cuda_module() {
  return linked_cuda_module();
}

}  // namespace wf
