// The CUDA engine as a table of functions, for the loadable module and for programs that link the engine.
#pragma once
#include "host/api/cuda_module.hpp"

namespace wf {

const CudaModule& linked_cuda_module();

/// Why kernels cannot run on device 0; empty where they can. Defined beside a kernel, in probe.cu.
std::string kernel_problem();

}  // namespace wf
