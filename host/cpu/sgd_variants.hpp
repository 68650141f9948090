// The inner loop of per-rating SGD, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/sgd_block.hpp"

namespace wf {

using SgdVariant = ErrorSums (*)(const SgdTask& task);

ErrorSums sgd_block_portable(const SgdTask& task);
#if defined(__x86_64__)
ErrorSums sgd_block_avx2(const SgdTask& task);    ///< only where usable_simd() has it
ErrorSums sgd_block_avx512(const SgdTask& task);  ///< only where usable_simd() has it
ErrorSums sgd_block_avx512_wide(const SgdTask& task);
#endif

}  // namespace wf
