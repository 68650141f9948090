// The inner loop of losses of pairs, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/rank_block.hpp"

namespace wf {

using RankVariant = ErrorSums (*)(const RankTask& task);

ErrorSums rank_block_portable(const RankTask& task);
#if defined(__x86_64__)
ErrorSums rank_block_avx2(const RankTask& task);    ///< only where usable_simd() has it
ErrorSums rank_block_avx512(const RankTask& task);  ///< only where usable_simd() has it
#endif

}  // namespace wf
