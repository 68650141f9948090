// Factors of 16 bits, eight in 16 bytes: host/kernels/half.hpp by the device's instructions, the same bits.
#pragma once
#include "cuda/runtime/kernel_code.hpp"
#include "host/base/philox.hpp"
#include "host/kernels/half.hpp"

#include <cuda_fp16.h>

namespace wf {

__device__ inline float2 from_pair(Storage storage, unsigned pair) {
  if (storage == Storage::bf16) return {__uint_as_float(pair << 16), __uint_as_float(pair & 0xFFFF0000U)};
  return __half22float2(__halves2half2(__ushort_as_half(static_cast<unsigned short>(pair & 0xFFFFU)),
                                       __ushort_as_half(static_cast<unsigned short>(pair >> 16))));
}

/// `random`: 16 bits.
__device__ inline unsigned rounded(Storage storage, float value, unsigned random) {
  const unsigned bits = __float_as_uint(value);
  if (storage == Storage::bf16) return (bits + random) >> 16;
  return __half_as_ushort(__float2half_rz(__uint_as_float(bits + (random >> 3))));
}
__device__ inline unsigned to_pair(Storage storage, float low, float high, unsigned random) {
  return rounded(storage, low, random & 0xFFFFU) | rounded(storage, high, random >> 16) << 16;
}

/// Random bits for the roundings of a lane, a function of what they begin with: a linear congruential sequence, whose
/// lowest bits, the weak ones, fp16 does not use. Numerical Recipes, 2nd edition, section 7.1.
class RoundingBits {
 public:
  __device__ explicit RoundingBits(std::uint32_t start) : state_(start) {}
  __device__ std::uint32_t next() { return state_ = state_ * 1664525U + 1013904223U; }

 private:
  std::uint32_t state_;
};

}  // namespace wf
