// Floats of 16 bits: how factors may be kept while per-rating SGD works on them. Rounding is stochastic: a step smaller
// than half a unit in the last place, which rounding to nearest would drop, moves the factor now and then, on average
// by itself. Gupta, Agrawal, Gopalakrishnan, Narayanan: Deep learning with limited numerical precision. ICML 2015.
// cuda/device/half.cuh does the same with the device's instructions.
#pragma once
#include "host/base/types.hpp"
#include "host/config/config.hpp"

#include <algorithm>
#include <bit>

namespace wf {

namespace half {

inline constexpr float kLeastNormal = 0x1p-14F;  ///< of fp16; below, its values are 2^-24 apart
inline constexpr std::uint32_t kLargest = 0x7BFF;
inline constexpr std::uint32_t kMagnitude = 0x7FFFFFFF;

}  // namespace half

inline float from_fp16(std::uint16_t stored) {
  const std::uint32_t sign = std::uint32_t{stored & 0x8000U} << 16, magnitude = stored & 0x7FFFU;
  if (magnitude < 0x400)
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(magnitude) * 0x1p-24F));
  return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
}
inline float from_bf16(std::uint16_t stored) {
  return std::bit_cast<float>(std::uint32_t{stored} << 16);
}

/// To one of the two neighbours, the nearer one the more probable: `random` is uniform in 0 .. 65535, of which fp16
/// uses the upper 13 bits. 32768 rounds to nearest. What is too large becomes the largest; below fp16's 2^-14 values go
/// towards zero, by less than 2^-24. NaN has no meaning here.
inline std::uint16_t to_fp16(float value, std::uint32_t random) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U, moved = (bits & half::kMagnitude) + (random >> 3);
  const auto size = std::bit_cast<float>(moved);
  std::uint32_t stored = 0;
  if (size < half::kLeastNormal) {
    stored = static_cast<std::uint32_t>(size * 0x1p24F);
  } else {
    stored = std::min((moved - (112U << 23)) >> 13, half::kLargest);
  }
  return static_cast<std::uint16_t>(sign | stored);
}
inline std::uint16_t to_bf16(float value, std::uint32_t random) {
  return static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(value) + random) >> 16);
}

inline constexpr std::uint32_t kToNearest = 0x8000;

inline std::uint16_t to_storage(Storage storage, float value, std::uint32_t random) {
  return storage == Storage::fp16 ? to_fp16(value, random) : to_bf16(value, random);
}
inline float from_storage(Storage storage, std::uint16_t stored) {
  return storage == Storage::fp16 ? from_fp16(stored) : from_bf16(stored);
}

/// Factors in a float's room.
inline int factors_per_float(Storage storage) {
  return storage == Storage::fp32 ? 1 : 2;
}

}  // namespace wf
