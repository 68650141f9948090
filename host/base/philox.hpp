// Random numbers as a function: Philox4x32-10 of (seed, purpose, index), the same on host and device.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
#pragma once
#include "host/base/types.hpp"

#include <Random123/philox.h>

namespace wf {

/// What a number is drawn for: two purposes never share a number.
enum class Purpose : std::uint32_t {
  user_factors = 1,
  item_factors = 2,
  split = 3,
  shuffle = 4,
  permute_users = 5,
  permute_items = 6,
  strata = 7,
  synthetic = 8,
  segments = 9,
  in_block = 10,
  chunks = 11,
  rounding = 12,
  negatives = 13,
  validation_pairs = 14,
  sketch = 16,
  sampled_items = 17,
  fold_in = 18,
  folds = 19,
  search = 20,
};

struct RandomBits {
  std::uint32_t word[4];
};

/// 128 random bits for draw `index` of `purpose`; `stream` separates e.g. epochs or blocks.
WF_HD inline RandomBits random_bits(std::uint64_t seed, Purpose purpose, std::uint64_t index,
                                    std::uint32_t stream = 0) {
  const r123::Philox4x32::ctr_type counter = {{static_cast<std::uint32_t>(index),
                                               static_cast<std::uint32_t>(index >> 32),
                                               static_cast<std::uint32_t>(purpose), stream}};
  const r123::Philox4x32::key_type key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type bits = r123::Philox4x32()(counter, key);
  return {{bits[0], bits[1], bits[2], bits[3]}};
}

/// The finaliser of MurmurHash3: every bit depends on every bit. For many numbers out of one that Philox drew.
WF_HD inline std::uint32_t mixed(std::uint32_t word) {
  word = (word ^ word >> 16) * 0x85EBCA6BU;
  word = (word ^ word >> 13) * 0xC2B2AE35U;
  return word ^ word >> 16;
}

/// Uniform in [0, 1) with 24 bits.
WF_HD inline float to_unit_float(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24F;
}

/// Uniform in (0, 1) with 53 bits: never 0, so that its logarithm is finite.
WF_HD inline double to_unit_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
  return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

/// The same with 32 bits.
WF_HD inline double to_unit_double(std::uint32_t word) {
  return (word + 0.5) * 0x1p-32;
}

/// Uniform in [0, bound) from 64 bits by multiply-shift (Lemire 2019); bias below bound / 2^64.
WF_HD inline std::uint64_t to_index(std::uint32_t high, std::uint32_t low, std::uint64_t bound) {
  const std::uint64_t bits = static_cast<std::uint64_t>(high) << 32 | low;
#if defined(__CUDA_ARCH__)
  return __umul64hi(bits, bound);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(bits) * bound >> 64);
#endif
}

}  // namespace wf
