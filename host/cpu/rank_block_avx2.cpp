#include "host/cpu/rank_variants.hpp"

#if defined(__x86_64__)
namespace wf {

[[gnu::target("avx2,fma"), gnu::flatten]] ErrorSums rank_block_avx2(const RankTask& task) {
  return rank_block<lanes::Fused>(task);
}

}  // namespace wf
#endif
