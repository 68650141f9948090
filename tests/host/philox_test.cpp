// Random numbers are Philox4x32-10's published ones, and functions of seed, purpose, index and stream.
#include "host/base/philox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace wf {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words(const RandomBits& bits) {
  return {bits.word[0], bits.word[1], bits.word[2], bits.word[3]};
}

TEST(Philox, GivesThePublishedAnswers) {  // Random123's kat_vectors, "philox4x32 10"
  EXPECT_EQ(words(random_bits(0, Purpose{0}, 0)), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words(random_bits(UINT64_MAX, Purpose{UINT32_MAX}, UINT64_MAX, UINT32_MAX)),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words(random_bits(0x299f31d0a4093822, Purpose{0x13198a2e}, 0x85a308d3243f6a88, 0x03707344)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryArgumentMatters) {
  std::set<Words> seen;
  for (const std::uint64_t seed : {0ULL, 1ULL, 1ULL << 32}) {
    for (const Purpose purpose : {Purpose::user_factors, Purpose::item_factors, Purpose::split}) {
      for (const std::uint64_t index : {0ULL, 1ULL, 1ULL << 32}) {
        for (const std::uint32_t stream : {0U, 1U}) seen.insert(words(random_bits(seed, purpose, index, stream)));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3U * 3 * 3 * 2);
}

TEST(Philox, UnitFloatStaysBelowOne) {
  EXPECT_EQ(to_unit_float(0), 0.0F);
  EXPECT_LT(to_unit_float(UINT32_MAX), 1.0F);
  EXPECT_EQ(to_unit_float(UINT32_MAX), 1 - 0x1p-24F);
  EXPECT_EQ(to_unit_float(1U << 31), 0.5F);
}

TEST(Philox, UnitDoubleIsNeverZeroNorAboveOne) {
  EXPECT_GT(to_unit_double(0, 0), 0.0);
  EXPECT_TRUE(std::isfinite(std::log(to_unit_double(0, 0))));
  EXPECT_LE(to_unit_double(UINT32_MAX, UINT32_MAX), 1.0);
  EXPECT_DOUBLE_EQ(to_unit_double(1U << 31, 0), 0.5);
  EXPECT_EQ(to_unit_double(0), 0x1p-33);
  EXPECT_EQ(to_unit_double(UINT32_MAX), 1 - 0x1p-33);
}

TEST(Philox, IndexStaysBelowItsBound) {
  EXPECT_EQ(to_index(UINT32_MAX, UINT32_MAX, 7), 6U);
  EXPECT_EQ(to_index(0, 0, 7), 0U);
  EXPECT_EQ(to_index(UINT32_MAX, UINT32_MAX, UINT64_MAX), UINT64_MAX - 1);
  EXPECT_EQ(to_index(123, 456, 1), 0U);
}

TEST(Philox, IndicesFallEvenlyOnTheirRange) {
  constexpr int kDraws = 70000, kBound = 7;
  std::array<int, kBound> counts{};
  for (int n = 0; n < kDraws; ++n) {
    const RandomBits bits = random_bits(3, Purpose::shuffle, n);
    ++counts[to_index(bits.word[0], bits.word[1], kBound)];
  }
  // binomial: 5 standard deviations of sqrt(n p (1 - p)) = 92.6
  for (const int count : counts) EXPECT_NEAR(count, kDraws / kBound, 5 * 92.6);
}

}  // namespace
}  // namespace wf
