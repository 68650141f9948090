#include "host/readers/timestamp.hpp"

#include "host/ratings/id_rules.hpp"
#include "host/readers/fast_number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace wf {
namespace {

constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;

/// The text that is left to be read; `good` once false stays false.
struct Rest {
  std::string_view text;
  bool good = true;

  /// A number of exactly `digits` digits, from `low` to `high`; `low` where it is none.
  int number(std::size_t digits, int low, int high) {
    const std::string_view front = text.substr(0, digits);
    int value = 0;
    good = good && front.size() == digits && std::all_of(front.begin(), front.end(), is_digit);
    if (!good) return low;
    std::from_chars(front.data(), front.data() + digits, value);
    text.remove_prefix(digits);
    good = value >= low && value <= high;
    return good ? value : low;
  }
  bool take(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  void need(char c) { good = good && take(c); }
};

bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays.at(static_cast<std::size_t>(month - 1)) + (month == 2 && is_leap(year) ? 1 : 0);
}

/// Days from 0001-01-01 of the Gregorian calendar.
std::int64_t days_before(int year, int month, int day) {
  const std::int64_t years = year - 1;
  std::int64_t days = 365 * years + years / 4 - years / 100 + years / 400;
  for (int m = 1; m < month; ++m) days += days_in(year, m);
  return days + day - 1;
}

std::int64_t date(Rest& rest) {
  const int year = rest.number(4, 1, 9999);
  rest.need('-');
  const int month = rest.number(2, 1, 12);
  rest.need('-');
  const int day = rest.number(2, 1, days_in(year, month));
  return (days_before(year, month, day) - days_before(1970, 1, 1)) * kDay;
}

/// hh:mm, hh:mm:ss or hh:mm:ss.f
std::int64_t time_of_day(Rest& rest) {
  std::int64_t seconds = rest.number(2, 0, 23) * kHour;
  rest.need(':');
  seconds += rest.number(2, 0, 59) * kMinute;
  if (!rest.take(':')) return seconds;
  seconds += rest.number(2, 0, 60);  // 60: a leap second, which the seconds since 1970 do not count
  if (rest.take('.')) {
    rest.number(1, 0, 9);
    rest.text.remove_prefix(std::min(rest.text.find_first_not_of("0123456789"), rest.text.size()));
  }
  return seconds;
}

/// Z, +hh, +hhmm, +hh:mm, or nothing.
std::int64_t offset(Rest& rest) {
  if (rest.text.empty() || rest.take('Z')) return 0;
  const bool west = rest.take('-');
  if (!west) rest.need('+');
  std::int64_t seconds = rest.number(2, 0, 23) * kHour;
  if (!rest.text.empty()) {
    rest.take(':');
    seconds += rest.number(2, 0, 59) * kMinute;
  }
  return west ? -seconds : seconds;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  Rest rest{text};
  std::int64_t seconds = date(rest);
  if (rest.good && (rest.take('T') || rest.take(' '))) {
    seconds += time_of_day(rest);
    seconds -= offset(rest);
  }
  return rest.good && rest.text.empty() ? std::optional(seconds) : std::nullopt;
}

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  const bool fits = error == std::errc{} && behind == end && std::fabs(value) < 9223372036854775808.0;
  return fits ? std::optional(value) : std::nullopt;  // infinities and NaN do not fit
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  if (const auto whole = canonical_integer(text)) return whole;
  if (const auto seconds = parse_date(text)) return seconds;
  if (const auto decimal = parse_decimal(text)) return static_cast<std::int64_t>(std::floor(*decimal));
  return std::nullopt;
}

bool is_whole_timestamp(std::string_view text) {
  if (canonical_integer(text) || parse_date(text)) return true;
  const auto decimal = parse_decimal(text);
  return decimal && std::floor(*decimal) == *decimal;
}

}  // namespace wf
