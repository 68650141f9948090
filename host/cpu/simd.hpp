// Which instructions the cpu engine's inner loops are compiled for, chosen when it starts. The bits are the same.
#pragma once
#include <string_view>
#include <vector>

namespace wf {

enum class Simd { portable, avx2, avx512 };

/// What this processor can run, the fastest last; `portable` always.
const std::vector<Simd>& usable_simd();

std::string_view name_of(Simd simd);

}  // namespace wf
