#include "host/cpu/rank_variants.hpp"

namespace wf {

#if defined(__FP_FAST_FMAF)  // the processors that this file is compiled for have the instruction
using PortableLanes = lanes::Fused;
#else
using PortableLanes = lanes::Separate;
#endif

[[gnu::flatten]] ErrorSums rank_block_portable(const RankTask& task) {
  return rank_block<PortableLanes>(task);
}

}  // namespace wf
