// A part of the schedule.
#pragma once
#include "host/base/types.hpp"

namespace wf {

/// A contiguous run of ratings that one worker processes in order.
struct Block {
  Position begin = 0, end = 0;
};

/// Ratings that a kernel may step at once if they share no row.
inline constexpr int kGroupRatings = 4;

}  // namespace wf
