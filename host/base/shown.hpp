// Words for messages: foreign text made harmless, sizes made short.
#pragma once
#include "host/base/types.hpp"

#include <string>
#include <string_view>

namespace wf {

/// `text` in double quotes: control characters escaped, cut after 40 bytes at a character's end.
std::string shown(std::string_view text);

std::string short_bytes(Position bytes);  ///< 1.4 MB

}  // namespace wf
