#include "host/cpu/sgd_variants.hpp"

namespace wf {

#if defined(__FP_FAST_FMAF)  // the processors that this file is compiled for have the instruction
using PortableMultiplyAdd = lanes::FusedLanes;
#else
using PortableMultiplyAdd = MultiplyThenAdd;
#endif

[[gnu::flatten]] ErrorSums sgd_block_portable(const SgdTask& task) {
  return sgd_block<PortableMultiplyAdd>(task);
}

}  // namespace wf
