#include "host/cpu/batch_loops.hpp"

namespace wf {

const BatchLoops& batch_loops(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512 || simd == Simd::avx512_wide) return batch_loops_avx512();
  if (simd == Simd::avx2) return batch_loops_avx2();
#endif
  static_cast<void>(simd);
  return batch_loops_portable();
}

}  // namespace wf
