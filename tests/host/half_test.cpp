// Floats of 16 bits: what they are, and that rounding at random is right on average.
#include "host/kernels/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wf::test {
namespace {

constexpr std::uint32_t kRandoms = 65536;

TEST(Half, ValuesAreThoseOfTheStandard) {
  EXPECT_EQ(from_fp16(0x3C00), 1);
  EXPECT_EQ(from_fp16(0xC000), -2);
  EXPECT_EQ(from_fp16(0x7BFF), 65504);
  EXPECT_EQ(from_fp16(0x0400), 0x1p-14F);
  EXPECT_EQ(from_fp16(0x03FF), 1023 * 0x1p-24F);
  EXPECT_EQ(from_fp16(0x8001), -0x1p-24F);
  EXPECT_EQ(from_bf16(0x3F80), 1);
  EXPECT_EQ(from_bf16(0xC040), -3);
}

TEST(Half, WhatIsRepresentedStaysWhateverIsDrawn) {
  for (std::uint32_t stored = 0; stored < kRandoms; ++stored) {
    const auto bits = static_cast<std::uint16_t>(stored);
    for (const std::uint32_t random : {0U, 1U, 0x7FFFU, kToNearest, 0xFFFFU}) {
      if ((stored & 0x7C00) != 0x7C00) {
        ASSERT_EQ(to_fp16(from_fp16(bits), random), bits) << random;
      }
      if (std::isfinite(from_bf16(bits))) {
        ASSERT_EQ(to_bf16(from_bf16(bits), random), bits) << random;
      }
    }
  }
}

TEST(Half, RoundsToTheNearest) {
  EXPECT_EQ(to_fp16(1 + 0x1p-11F - 0x1p-20F, kToNearest), 0x3C00);
  EXPECT_EQ(to_fp16(1 + 0x1p-11F + 0x1p-20F, kToNearest), 0x3C01);
  EXPECT_EQ(to_fp16(-(2 - 0x1p-12F), kToNearest), 0xC000) << "up to the next power of two";
  EXPECT_EQ(to_fp16(1e6F, kToNearest), 0x7BFF) << "the largest, not infinity";
  EXPECT_EQ(to_bf16(1 + 0x1p-8F + 0x1p-20F, kToNearest), 0x3F81);
  EXPECT_EQ(to_bf16(1 + 0x1p-8F - 0x1p-20F, kToNearest), 0x3F80);
}

/// Over all draws the mean is the value: off by less than one draw's share of the distance between the neighbours.
TEST(Half, RoundingAtRandomIsRightOnAverage) {
  for (const float size : {0.3F, 1.0F / 3, 0.9999F, 0x1.234p-13F, 0x1.7p-15F, 3.3e-7F, 1e-8F, 1234.5F}) {
    for (const float value : {size, -size}) {
      double fp16 = 0, bf16 = 0;
      for (std::uint32_t random = 0; random < kRandoms; ++random) {
        fp16 += from_fp16(to_fp16(value, random));
        bf16 += from_bf16(to_bf16(value, random));
      }
      const double fp16_unit = std::max(std::exp2(std::ilogb(value) - 10), 0x1p-24);
      const double fp16_share = size < 0x1p-14F ? 1 : 0x1p-13;
      EXPECT_NEAR(fp16 / kRandoms, value, fp16_unit * fp16_share) << value;
      EXPECT_NEAR(bf16 / kRandoms, value, std::exp2(std::ilogb(value) - 7) * 0x1p-16) << value;
    }
  }
}

TEST(Half, ZeroStaysZero) {
  for (std::uint32_t random = 0; random < kRandoms; random += 13) {
    EXPECT_EQ(to_fp16(0, random), 0);
    EXPECT_EQ(to_bf16(0, random), 0);
  }
}

}  // namespace
}  // namespace wf::test
