// Text -> a time: whole numbers and decimals as they are, dates of ISO 8601 as seconds since 1970.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace wf {

/// `978300760`, `978300760.5` and `1.2e9`, in whatever unit the file counts; `2015-03-01`, with a time behind `T` or a
/// blank as `10:20`, `10:20:30` or `10:20:30.5`, and behind that `Z` or an offset as `+02:00`; without one it is UTC.
/// Fractions are cut off, towards the past. Nothing for any other text, and for what 64 bits do not hold.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

/// Whether parse_timestamp takes `text` for the same time, without cutting a fraction off.
bool is_whole_timestamp(std::string_view text);

}  // namespace wf
