#include "host/cpu/sgd_variants.hpp"

#if defined(__x86_64__)
namespace wf {

[[gnu::target("avx2,fma"), gnu::flatten]] ErrorSums sgd_block_avx2(const SgdTask& task) {
  return sgd_block<lanes::Fused>(task);
}

}  // namespace wf
#endif
