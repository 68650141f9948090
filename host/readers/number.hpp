// Ratings as text.
#pragma once
#include <charconv>
#include <cmath>
#include <string_view>

namespace wf {

enum class NumberFault { none, not_a_number, not_finite, out_of_range };

/// A decimal number, exponent allowed, that takes the whole of `text`; one leading + is allowed. nan, inf and "4,5" are
/// faults.
inline NumberFault parse_rating(std::string_view text, float& value) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return NumberFault::not_a_number;
  if (error == std::errc::result_out_of_range) return NumberFault::out_of_range;
  return std::isfinite(value) ? NumberFault::none : NumberFault::not_finite;
}

}  // namespace wf
