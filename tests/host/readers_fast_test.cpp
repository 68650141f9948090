// The shortcut for common lines takes exactly what the careful way takes, or leaves it alone.
#include "host/readers/fast_line.hpp"
#include "host/readers/number.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <optional>
#include <string>

namespace wf {
namespace {

/// The text as the last field of a line, with the bytes behind it that must be readable.
std::string padded(const std::string& text) {
  return text + "\n" + std::string(kReadBeyond, '7');
}

/// The value that the shortcut gives for the whole of `text`, if it takes it.
std::optional<float> fast_rating(const std::string& text) {
  const std::string bytes = padded(text);
  const char* at = bytes.data();
  float value = 0;
  if (!take_decimal(at, value) || at != bytes.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> fast_integer(const std::string& text) {
  const std::string bytes = padded(text);
  const char* at = bytes.data();
  std::int64_t value = 0;
  if (!take_integer(at, value) || at != bytes.data() + text.size()) return std::nullopt;
  return value;
}

/// Empty or the same bits as from_chars.
bool agrees(const std::string& text) {
  const std::optional<float> fast = fast_rating(text);
  float value = 0;
  return !fast ||
         (parse_rating(text, value) == NumberFault::none && std::bit_cast<int>(*fast) == std::bit_cast<int>(value));
}

TEST(FastNumbers, TakeEveryShortDecimalAsFromCharsDoes) {
  for (int digits = 0; digits < 1'000'000; digits += digits < 10'000 ? 1 : 7) {
    const std::string text = std::to_string(digits);
    ASSERT_TRUE(fast_rating(text).has_value()) << text;
    ASSERT_TRUE(agrees(text)) << text;
    for (std::size_t point = 1; point < text.size(); ++point) {
      std::string decimal = text;
      decimal.insert(point, 1, '.');
      ASSERT_EQ(fast_rating(decimal).has_value(), decimal.size() <= 7) << decimal;
      ASSERT_TRUE(agrees(decimal)) << decimal;
    }
    ASSERT_TRUE(agrees("0." + text) && agrees("0.0" + text) && agrees("00" + text)) << text;
  }
}

TEST(FastNumbers, LeaveOtherRatingsAlone) {
  for (const std::string text : {"", ".", ".5", "5.", "-1", "+1", "1e3", "1.5e1", "nan", "inf", "1..5", "1.2.3", " 1",
                                 "4,5", "0x1", "12345678", "123456.78", "1.2345678"}) {
    EXPECT_EQ(fast_rating(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(FastNumbers, AgreeWithFromCharsOnAnyText, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789012345678901234.:/-e\xB0")));
  RC_ASSERT(agrees(text));
  const std::optional<std::int64_t> fast = fast_integer(text);
  if (fast) RC_ASSERT(fast == canonical_integer(text));
}

TEST(FastNumbers, TakeCanonicalIntegersOfUpTo18Digits) {
  std::string text;
  for (int length = 1; length <= 20; ++length) {
    text += static_cast<char>('0' + length % 10);
    EXPECT_EQ(fast_integer(text), length <= 18 ? canonical_integer(text) : std::nullopt) << text;
    EXPECT_EQ(fast_integer("0" + text), std::nullopt) << text;
  }
  EXPECT_EQ(fast_integer("0"), 0);
  EXPECT_EQ(fast_integer("99999999"), 99'999'999);
  EXPECT_EQ(fast_integer("999999999999999999"), 999'999'999'999'999'999);
  for (const std::string other : {"", "-1", "+1", "00", "1a", "a", "1.0", "\xB1"}) {
    EXPECT_EQ(fast_integer(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace wf
