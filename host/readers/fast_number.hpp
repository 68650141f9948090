// Digits -> numbers for the texts that files are full of. Anything else is left to from_chars.
#pragma once
#include "host/ratings/id_rules.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace wf {

/// Bytes that must be readable behind a text's last line end: numbers are loaded by eights.
inline constexpr int kReadBeyond = 8;

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// 8 bytes xor '0', so that digits are their values; the first lies in the lowest byte.
inline std::uint64_t load_values(const char* at) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof(bytes));
  return bytes ^ 0x3030303030303030U;
}

inline constexpr std::uint64_t kNoDigit = 0x80;  // as a value

/// How many of 8 bytes are digits before the first that is none, given their values. A byte above 9 gets its top
/// bit set by the sum or has it; what it carries over lands behind it.
inline int leading_digits(std::uint64_t values) {
  const std::uint64_t others = ((values + 0x7676767676767676U) | values) & 0x8080808080808080U;
  return std::countr_zero(others) / 8;
}

/// The number that 8 digit values make, the first in the lowest byte: pairs, then fours, then all (Lemire, Langdale).
inline std::uint64_t number_of_digits(std::uint64_t values) {
  values = (values * 10 + (values >> 8)) & 0x00FF00FF00FF00FFU;
  values = (values * 100 + (values >> 16)) & 0x0000FFFF0000FFFFU;
  return (values * 10'000 + (values >> 32)) & 0xFFFFFFFFU;
}

/// Takes a canonical integer of at most kSafeDigits digits without a sign; false leaves `at` anywhere. Ids of 1 to 8
/// digits take no branch that depends on their length, which a processor would mispredict in every other field.
inline bool take_integer(const char*& at, std::int64_t& value) {
  const std::uint64_t values = load_values(at);
  const int digits = leading_digits(values);
  if (digits == 0) return false;
  const bool padded = *at == '0' && digits > 1;
  value = static_cast<std::int64_t>(number_of_digits(values << (64 - 8 * digits)));
  at += digits;
  if (digits < 8) return !padded;
  int more = 0;
  for (; is_digit(*at); ++at, ++more) {
    if (more == kSafeDigits - 8) return false;
    value = value * 10 + (*at - '0');
  }
  return !padded;
}

/// Takes up to 7 bytes of digits, with at most one point between them; false leaves `at` where it is. Whole stars and
/// half stars alternate without a pattern, so that no branch asks whether there is a point.
///
/// The value is that of from_chars: at most 7 digits make an integer below 2^24 and at most 6 decimals a power of ten
/// that is a product of a power of two and 5^6 < 2^24, so both are floats without rounding, and IEEE 754 division
/// rounds their quotient, which is the decimal number itself, once and to the nearest.
inline bool take_decimal(const char*& at, float& value) {
  constexpr std::array<float, 8> kPowersOfTen{1, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
  constexpr std::uint64_t kPoint = '.' ^ '0';
  const std::uint64_t values = load_values(at);
  const int whole = leading_digits(values);
  if (whole == 0 || whole == 8) return false;
  const bool point = (values >> 8 * whole & 0xFFU) == kPoint;
  const std::uint64_t before = (std::uint64_t{1} << 8 * whole) - 1;
  const std::uint64_t joined = (values & before) | (values >> 8 & ~before);  // what ends the whole part is taken out
  const int digits = point ? leading_digits(joined | kNoDigit << 56) : whole;
  const int decimals = digits - whole;
  if (digits == 7 && point) return false;  // there may be more of them
  if (point && decimals == 0) return false;
  value = static_cast<float>(number_of_digits(joined << (64 - 8 * digits))) /
          kPowersOfTen[static_cast<std::size_t>(decimals)];
  at += digits + static_cast<int>(point);
  return true;
}

}  // namespace wf
