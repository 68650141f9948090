#include "host/base/shown.hpp"

#include <array>
#include <cstdio>

namespace wf {
namespace {

/// Not more than `length`, and not inside a UTF-8 sequence.
std::size_t whole_characters(std::string_view text, std::size_t length) {
  if (text.size() <= length) return text.size();
  constexpr unsigned char kTopBits = 0xC0;
  constexpr unsigned char kContinuation = 0x80;
  constexpr int kLongestTail = 3;
  std::size_t cut = length;
  for (int n = 0; n < kLongestTail && cut > 0; ++n) {
    if ((static_cast<unsigned char>(text[cut]) & kTopBits) != kContinuation) break;
    --cut;
  }
  return cut;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  constexpr const char* kDigits = "0123456789abcdef";
  const std::size_t length = whole_characters(text, kLongest);
  std::string result = "\"";
  for (const char c : text.substr(0, length)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    } else {
      result += c;
    }
  }
  return result + (length < text.size() ? "…\"" : "\"");
}

std::string short_bytes(Position bytes) {
  if (bytes < 1000) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  double value = static_cast<double>(bytes) / 1e3;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB"}) {
    if (value < 1e3) break;
    value /= 1e3;
    unit = larger;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f %s", *unit == 'G' ? 2 : 1, value, unit);
  return text.data();
}

}  // namespace wf
