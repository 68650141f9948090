// The CUDA engine as a table of functions, for the loadable module and for programs that link the engine.
#pragma once
#include "host/api/cuda_module.hpp"

namespace wf {

const CudaModule& linked_cuda_module();

}  // namespace wf
