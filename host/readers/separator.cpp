#include "host/readers/separator.hpp"

#include "host/base/shown.hpp"
#include "host/readers/fields.hpp"
#include "host/readers/number.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace wf {
namespace {

using Lines = std::vector<std::string>;

/// In this order: one that is rare inside ids comes before those that are common there.
constexpr std::array<std::string_view, 6> kSeparators{"::", "\t", ";", ",", "|", " "};

/// How many fields `separator` makes of `line`; 0 where the line's quotes do not go with it.
std::size_t count_fields(const std::string& line, std::string_view separator) {
  try {
    FieldSplitter splitter{std::string(separator)};
    return splitter.split(line).size();
  } catch (const BadLine&) {
    return 0;
  }
}

bool holds_a_number(const std::string& line, std::string_view separator) {
  FieldSplitter splitter{std::string(separator)};
  const std::vector<Field>& fields = splitter.split(line);
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    float value = 0;
    return parse_rating(field.text, value) == NumberFault::none;
  });
}

/// User, item and a number in every line. Blanks are not taken for it: names are full of them.
bool makes_triples(const Lines& lines, std::string_view separator) {
  if (separator == " ") return false;
  const std::size_t count = count_fields(lines.front(), separator);
  const auto same = [&](const std::string& line) { return count_fields(line, separator) == count; };
  return count >= 3 && std::all_of(lines.begin(), lines.end(), same) && holds_a_number(lines.back(), separator);
}

bool makes_pairs(const Lines& lines, std::string_view separator) {
  return std::all_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return count_fields(line, separator) >= 2; });
}

/// "1 2 4,5": the only commas are decimal ones, and cutting there would make pairs of triples without a word.
bool has_decimal_commas(const std::string& line) {
  FieldSplitter splitter(" ", false);
  const std::vector<Field>& fields = splitter.split(line);
  if (fields.size() < 3) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t n = 0; n < fields.size(); ++n) {
    const std::string_view text = fields[n].text;
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) continue;
    if (n < 2 || comma == 0 || comma + 1 == text.size()) return false;
    if (!is_digit(text[comma - 1]) || !is_digit(text[comma + 1])) return false;
  }
  return true;
}

bool occurs(const std::string& line, std::string_view separator) {
  if (separator == " ") return line.find_first_of(" \t") != std::string::npos;
  return line.find(separator) != std::string::npos;
}

}  // namespace

std::string detect_separator(const std::vector<std::string>& lines, const Place& place) {
  // a header and a line of data, or two lines of data
  const Lines start(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, lines.size())));
  for (const std::string_view separator : kSeparators) {
    if (makes_triples(start, separator)) return std::string(separator);
  }
  for (const std::string_view separator : kSeparators) {
    if (!makes_pairs(start, separator)) continue;
    if (separator == "," && std::all_of(start.begin(), start.end(), has_decimal_commas)) continue;
    return std::string(separator);
  }
  // a bad line among them: what most lines have. The reader then says which line is bad, or skips it.
  std::string best;
  std::ptrdiff_t most = 0;
  for (const std::string_view separator : kSeparators) {
    const auto count =
        std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return occurs(line, separator); });
    if (count <= most) continue;
    most = count;
    best = separator;
  }
  if (best.empty()) {
    throw InputError(place, "no separator found in " + shown(lines.front()),
                     "columns are separated by , ; | :: tab or blanks; --sep names another");
  }
  return best;
}

}  // namespace wf
