#include "host/cpu/simd.hpp"

namespace wf {

const std::vector<Simd>& usable_simd() {
  static const std::vector<Simd> usable = [] {
    std::vector<Simd> found{Simd::portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return found;
    found.push_back(Simd::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      found.push_back(Simd::avx512_wide);
      // Intel's cores close a port for all that is under way; AMD's gain up to 5 % of an epoch (docs/decisions/0010)
      found.insert(__builtin_cpu_is("amd") ? found.end() - 1 : found.end(), Simd::avx512);
    }
#endif
    return found;
  }();
  return usable;
}

#if defined(__x86_64__)
namespace {

constexpr unsigned kZeroForDenormals = 0x8040;  // MXCSR: results (bit 15) and operands (bit 6)

}  // namespace

FlushToZero::FlushToZero() : before_(__builtin_ia32_stmxcsr()) {
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(before_) | kZeroForDenormals);
}
FlushToZero::~FlushToZero() {
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(before_));
}
#elif defined(__aarch64__)
FlushToZero::FlushToZero() {
  asm volatile("mrs %0, fpcr" : "=r"(before_));
  asm volatile("msr fpcr, %0" : : "r"(before_ | std::uint64_t{1} << 24));
}
FlushToZero::~FlushToZero() {
  asm volatile("msr fpcr, %0" : : "r"(before_));
}
#else
FlushToZero::FlushToZero() = default;
FlushToZero::~FlushToZero() = default;
#endif

bool fuses(Simd simd) {
#if defined(__FP_FAST_FMAF)
  static_cast<void>(simd);
  return true;
#else
  return simd != Simd::portable;
#endif
}

std::string_view name_of(Simd simd) {
  switch (simd) {
    case Simd::avx2:
      return "AVX2";
    case Simd::avx512:
      return "AVX-512";
    case Simd::avx512_wide:
      return "AVX-512, 512 bits";
    case Simd::portable:
      break;
  }
  return "portable";
}

}  // namespace wf
