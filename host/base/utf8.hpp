// Characters in UTF-8: RFC 3629.
#pragma once
#include <string_view>

namespace wf {

/// Bytes of the character at the front of `text`, which is not empty; 0 where there is none.
std::size_t utf8_length(std::string_view text);

/// The character in these bytes, of which there are utf8_length.
char32_t utf8_character(std::string_view bytes);

}  // namespace wf
