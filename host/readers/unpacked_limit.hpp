// How far a compressed file may unpack.
#pragma once
#include "host/base/types.hpp"

#include <string>

namespace wf {

/// Ratings compress to a third or a tenth; ones that stand for clicks to a thousandth, but the places of clicks do not.
inline constexpr Position kMostUnpacked = 100;           ///< bytes for each one on disk
inline constexpr Position kAlwaysUnpacked = 64'000'000;  ///< bytes beyond

inline bool unpacks_too_far(Position unpacked, Position on_disk) {
  return unpacked > kAlwaysUnpacked + kMostUnpacked * on_disk;
}
inline std::string unpacks_too_far_text() {
  return "unpacks to over " + std::to_string(kMostUnpacked) + " times its size, as no ratings do";
}

}  // namespace wf
