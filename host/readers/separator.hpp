// What separates the fields of a file, found out from its first lines.
#pragma once
#include "host/base/error.hpp"

#include <string>
#include <vector>

namespace wf {

/// "::", tab, ";", ",", "|" or blanks, whichever makes user, item and rating of `lines`: the first lines of data, at
/// least one. Separators inside quotes do not count. Throws InputError at `place` when none of them occurs.
std::string detect_separator(const std::vector<std::string>& lines, const Place& place);

}  // namespace wf
