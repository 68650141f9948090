#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace wf {
namespace {

/// Edits (insert, delete, replace, swap of neighbours) between two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string_view without_dashes(std::string_view word) {
  while (!word.empty() && word.front() == '-') word.remove_prefix(1);
  return word;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestWord = 64;  // the table is quadratic, and no word of ours is that long
  const std::string_view bare = without_dashes(word);
  if (bare.empty() || bare.size() > kLongestWord) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, bare.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::string_view target = without_dashes(candidate);
    const bool begins = bare.size() >= 3 && target.substr(0, bare.size()) == bare;
    const std::size_t distance = begins ? 1 : edit_distance(bare, target);
    if (distance < best_distance && distance < target.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "known are " + join(known, ", ") : "did you mean " + near + "?";
}

Position parse_whole(const std::string& option, const std::string& text, Position low, Position high) {
  Position value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = !text.empty() && end == text.data() + text.size();
  if (error == std::errc::invalid_argument || !is_number) {
    throw UsageError(fmt::format("{}: \"{}\" is not a whole number", option, text),
                     fmt::format("it takes {} to {}", low, high));
  }
  if (error == std::errc::result_out_of_range || value < low || value > high) {
    throw UsageError(fmt::format("{}: {} is out of range", option, text), fmt::format("it takes {} to {}", low, high));
  }
  return value;
}

std::uint64_t parse_seed(const std::string& option, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || text.empty() || end != text.data() + text.size()) {
    throw UsageError(fmt::format("{}: \"{}\" is no seed", option, text),
                     fmt::format("it takes a whole number from 0 to {}", std::numeric_limits<std::uint64_t>::max()));
  }
  return value;
}

std::string range_text(const Range& range) {
  if (std::isinf(range.low) && std::isinf(range.high)) return "";
  if (std::isinf(range.high)) return fmt::format("{} {}", range.low_open ? "above" : "from", range.low);
  return fmt::format("{}{}, {}{}", range.low_open ? "(" : "[", range.low, range.high, range.high_open ? ")" : "]");
}

double parse_number(const std::string& option, const std::string& text, const Range& range) {
  const auto bounds = [&range] {
    if (std::isinf(range.low) && std::isinf(range.high)) return std::string("it takes any finite number");
    return (std::isinf(range.high) ? "it takes a finite number " : "it takes ") + range_text(range);
  };
  double value = 0;
  const char* first = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument) {
    throw UsageError(fmt::format("{}: \"{}\" is not a number", option, text), bounds());
  }
  if (error != std::errc{} || !std::isfinite(value)) {
    throw UsageError(fmt::format("{}: {} is not a finite number", option, text), bounds());
  }
  const bool below = value < range.low || (range.low_open && value == range.low);
  const bool above = value > range.high || (range.high_open && value == range.high);
  if (below || above) throw UsageError(fmt::format("{}: {} is out of range", option, text), bounds());
  return value;
}

Position parse_bytes(const std::string& option, const std::string& text) {
  constexpr const char* kCure = "it takes a size as 500M, 4G or 2GiB";
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  for (char& letter : unit) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (unit.ends_with('B')) unit.pop_back();
  const bool binary = unit.size() == 2 && unit[1] == 'I';
  if (binary) unit.pop_back();
  const std::size_t power = unit.empty() ? 0 : std::string_view("KMGT").find(unit) + 1;  // npos + 1 is 0
  if (error != std::errc{} || (power == 0 && !unit.empty()) || unit.size() > 1 || (binary && power == 0)) {
    throw UsageError(fmt::format("{}: \"{}\" is no size", option, text), kCure);
  }
  const double bytes = value * std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power));
  if (!(bytes >= 1 && bytes < 9e18)) {
    throw UsageError(fmt::format("{}: {} is out of range", option, text), kCure);
  }
  return static_cast<Position>(bytes);
}

double parse_seconds(const std::string& option, const std::string& text) {
  double seconds = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  bool fine = at < end;
  while (fine && at < end) {
    double value = 0;
    const auto [after, error] = std::from_chars(at, end, value);
    const std::size_t unit = after == end ? 0 : std::string_view("smh").find(*after);
    fine = error == std::errc{} && value >= 0 && unit != std::string_view::npos;
    if (fine) seconds += value * std::pow(60.0, static_cast<double>(unit));
    at = after == end ? end : after + 1;
  }
  if (!fine || !(seconds > 0 && seconds < 1e9)) {
    throw UsageError(fmt::format("{}: \"{}\" is no time", option, text), "it takes a time as 90s, 5m or 1h30m");
  }
  return seconds;
}

void refuse_word(const std::string& option, const std::string& text, const std::vector<std::string>& known) {
  throw UsageError(fmt::format("{}: unknown word \"{}\"", option, text), suggestion(text, known));
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

std::string grouped(Position count) {
  std::string digits = std::to_string(count);
  const std::size_t first = digits[0] == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string short_count(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} G", value / 1e9);
  if (value >= 1e8) return fmt::format("{:.0f} M", value / 1e6);
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.0f} k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::string short_seconds(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<Position>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

std::string plural(Position n, const char* thing) {
  return grouped(n) + ' ' + thing + (n == 1 ? "" : "s");
}

std::vector<std::string> split(const std::string& text, char between) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(between, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_of(" \t\n\"'\\$`;&|<>()*?[]#~!{}") == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace wf
