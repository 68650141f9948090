#include "host/readers/read_ratings.hpp"

#include <fmt/format.h>

namespace wf {
namespace {

/// A header's tabs become blanks, and a very long one is cut.
std::string for_one_line(std::string text) {
  constexpr std::size_t kLongest = 120;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  return text;
}

std::string separator_word(const std::string& separator) {
  if (separator == ",") return "comma";
  if (separator == "\t") return "tab";
  if (separator == ";") return "semicolon";
  if (separator == " ") return "blanks";
  return separator;
}

std::string counted(Position count, const char* thing) {
  return with_thousands(count) + ' ' + thing + (count == 1 ? "" : "s");
}

}  // namespace

std::string describe(const ReadReport& report) {
  std::string text = report.compression.empty() ? "" : report.compression + ", ";
  if (!report.kind.empty()) {
    text += report.kind;
  } else {
    text += separator_word(report.separator) + ", ";
    text += report.header ? "header " + for_one_line(*report.header) : std::string("no header");
  }
  text += fmt::format(" · user {}, item {}, rating {}", report.user_column, report.item_column, report.rating_column);
  if (report.timestamp_column != "none") text += ", timestamp " + report.timestamp_column;
  text += fmt::format(" · {} in {:.1f} s", counted(report.ratings, "rating"), report.seconds);
  if (report.comments > 0) text += " · " + counted(report.comments, "comment line");
  if (report.blank > 0) text += " · " + counted(report.blank, "blank line");
  return report.lines == 0 ? text : text + " · " + counted(report.bad_lines, "bad line");
}

std::string with_thousands(Position count) {
  const std::string digits = std::to_string(count);
  const std::size_t sign = count < 0 ? 1 : 0;
  std::string text;
  for (std::size_t n = 0; n < digits.size(); ++n) {
    if (n > sign && (digits.size() - n) % 3 == 0) text += ',';
    text += digits[n];
  }
  return text;
}

}  // namespace wf
