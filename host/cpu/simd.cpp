#include "host/cpu/simd.hpp"

namespace wf {

const std::vector<Simd>& usable_simd() {
  static const std::vector<Simd> usable = [] {
    std::vector<Simd> found{Simd::portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found.push_back(Simd::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      found.push_back(Simd::avx512);
    }
#endif
    return found;
  }();
  return usable;
}

std::string_view name_of(Simd simd) {
  switch (simd) {
    case Simd::avx2:
      return "AVX2";
    case Simd::avx512:
      return "AVX-512";
    case Simd::portable:
      break;
  }
  return "portable";
}

}  // namespace wf
