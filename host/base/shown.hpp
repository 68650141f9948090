// Foreign text for a message: quoted, shortened, harmless to a terminal.
#pragma once
#include <string>
#include <string_view>

namespace wf {

/// `text` in double quotes: control characters escaped, cut after 40 bytes at a character's end.
std::string shown(std::string_view text);

}  // namespace wf
