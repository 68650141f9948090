#include "host/ratings/id_rules.hpp"

#include "host/base/shown.hpp"

#include <algorithm>
#include <charconv>

namespace wf {
namespace {

bool is_digits(std::string_view id) {
  if (!id.empty() && id.front() == '-') id.remove_prefix(1);
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits that no int64 holds. Leading zeros do not make a number large.
bool exceeds_int64(std::string_view id) {
  if (!is_digits(id)) return false;
  std::int64_t value = 0;
  return std::from_chars(id.data(), id.data() + id.size(), value).ec == std::errc::result_out_of_range;
}

}  // namespace

std::optional<std::int64_t> canonical_integer(std::string_view id) {
  if (id.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  const bool negative = id.front() == '-';
  const char first = negative ? id[1] : id[0];
  if (first == '0' && (negative || id.size() > 1)) return std::nullopt;
  return value;
}

std::string IdRules::why_not(std::string_view id) const {
  if (id.empty()) return "id is empty";
  if (rows) {
    const std::optional<std::int64_t> row = canonical_integer(id);
    if (row && is_row(*row)) return {};
    if (first_row == 1) return shown(id) + " is not within the matrix, 1 to " + std::to_string(row_limit - 1);
    if (limit_of_memory && row && *row >= 0) {
      return "id " + shown(id) + " is taken for a row number, and memory does not hold tables of more than " +
             std::to_string(row_limit) + " rows";
    }
    return "id " + shown(id) + " is no row number: with --ids rows they are 0 to " + std::to_string(row_limit - 1);
  }
  if (integers_fixed && !canonical_integer(id) && !exceeds_int64(id)) {
    return "id " + shown(id) + " is no integer, or not in its plain form";
  }
  if (id.size() > static_cast<std::size_t>(kSafeDigits) && !strings_fixed && exceeds_int64(id))
    return "id " + shown(id) + " does not fit a 64-bit integer";
  return {};
}

}  // namespace wf
