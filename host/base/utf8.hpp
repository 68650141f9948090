// Characters in UTF-8: RFC 3629.
#pragma once
#include <cstddef>
#include <string_view>

namespace wf {

/// Bytes of the character at the front of `text`, which is not empty; 0 where there is none.
std::size_t utf8_length(std::string_view text);

/// Is it a byte that a character begins with, and not one of those behind it?
inline bool starts_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}
/// Characters of a text, which are about the columns that it takes.
std::size_t character_count(std::string_view text);

/// The character in these bytes, of which there are utf8_length.
char32_t utf8_character(std::string_view bytes);

}  // namespace wf
