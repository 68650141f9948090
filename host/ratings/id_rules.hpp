// What an outside id must look like, whichever ids were seen before it.
#pragma once
#include "host/base/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wf {

/// The part of an IdMap that refuses ids. It does not change while ids are added, so that threads may keep copies.
struct IdRules {
  bool rows = false;              ///< ids are row numbers from first_row on and below row_limit
  Position first_row = 0;         ///< 1 in a matrix whose rows count from there
  Position row_limit = kMaxRows;  ///< rows only
  bool limit_of_memory = false;   ///< and nobody declared it: tables of more rows do not fit
  bool strings_fixed = false;     ///< digits beyond int64 are text like any other
  bool integers_fixed = false;    ///< an id that is no canonical integer is refused

  /// Where rows: is `number` one?
  bool is_row(std::int64_t number) const {  // by one comparison: as unsigned, what is too small is too large
    const auto first = static_cast<std::uint64_t>(first_row);
    return static_cast<std::uint64_t>(number) - first < static_cast<std::uint64_t>(row_limit) - first;
  }
  /// The reason to refuse `id`; empty: there is none.
  std::string why_not(std::string_view id) const;
};

/// Digits that fit an int64 whatever they are.
inline constexpr int kSafeDigits = 18;

/// The number whose canonical decimal form is `id`: no leading zeros, no "+", no "-0".
std::optional<std::int64_t> canonical_integer(std::string_view id);

}  // namespace wf
