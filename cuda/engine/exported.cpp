#include "cuda/engine/module.hpp"

extern "C" __attribute__((visibility("default"))) const wf::CudaModule* warpfactor_cuda_module() {
  return &wf::linked_cuda_module();
}
