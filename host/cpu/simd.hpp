// Which instructions the cpu engine's inner loops are compiled for, chosen when it starts.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace wf {

/// avx512: its registers and masks, in vectors of 256 bits; avx512_wide: of 512 bits where they are whole lines.
enum class Simd { portable, avx2, avx512, avx512_wide };

/// What this processor can run, the fastest last; `portable` always.
const std::vector<Simd>& usable_simd();

/// Are per-rating steps made with fused multiply-add there? All that are have the same bits, and the device has them,
/// too.
bool fuses(Simd simd);

std::string_view name_of(Simd simd);

/// While it lives, this thread takes floats below 1.2e-38 for zeros, on x86-64 and aarch64. Processors are some 70
/// times slower with them, and factors that only their penalty moves decay to where they are.
class FlushToZero {
 public:
  FlushToZero();
  ~FlushToZero();
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  std::uint64_t before_ = 0;
};

}  // namespace wf
