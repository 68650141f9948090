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

/// `random`: 16 bits for each.
__device__ inline unsigned to_pair(Storage storage, float low, float high, unsigned random) {
  const unsigned for_low = random & 0xFFFFU, for_high = random >> 16;
  if (storage == Storage::bf16) {  // the upper halves of both
    return (__float_as_uint(low) + for_low) >> 16 | ((__float_as_uint(high) + for_high) & 0xFFFF0000U);
  }
  const auto half_of = [](float value, unsigned bits) -> unsigned {
    return __half_as_ushort(__float2half_rz(__uint_as_float(__float_as_uint(value) + (bits >> 3))));
  };
  return half_of(low, for_low) | half_of(high, for_high) << 16;
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
