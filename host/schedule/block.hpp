// A part of the schedule.
#pragma once
#include "host/base/types.hpp"

namespace wf {

/// Rows begin .. end - 1.
struct RowRange {
  RowId begin = 0, end = 0;
};

inline constexpr int kMaxGrid = 1024;  ///< ranges a side

/// A contiguous run of ratings that one worker processes in order. Blocks of which neither range is the same share no
/// row.
struct Block {
  Position begin = 0, end = 0;
  int user_range = 0, item_range = 0;
  RowRange users, items;  ///< the rows of its ranges
};

/// How ratings stand in a block.
enum class BlockOrder {
  interleaved,  ///< eight users' in turn, neighbours independent: for one worker that takes them in order
  by_user,      ///< user after user, each user's in random order: for many workers with a chunk of ratings each
};

/// Ratings that a kernel may step at once if they share no row.
inline constexpr int kGroupRatings = 4;

}  // namespace wf
