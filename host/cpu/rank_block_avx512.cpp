#include "host/cpu/rank_variants.hpp"

#if defined(__x86_64__)
namespace wf {

[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] ErrorSums rank_block_avx512(const RankTask& task) {
  return rank_block<lanes::Fused>(task);
}

}  // namespace wf
#endif
