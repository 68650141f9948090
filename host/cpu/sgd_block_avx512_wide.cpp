#include "host/cpu/sgd_variants.hpp"

#if defined(__x86_64__)
namespace wf {

[[gnu::target("avx512f,avx512vl,avx512dq,fma"), gnu::flatten]] ErrorSums sgd_block_avx512_wide(const SgdTask& task) {
  return sgd_block<lanes::FusedWide>(task);
}

}  // namespace wf
#endif
