// Lists of ratings (host/schedule/row_lists.hpp), seen from the ratings.
#pragma once
#include "cuda/runtime/kernel_code.hpp"
#include "host/base/view.hpp"

namespace wf {

/// The row whose list has rating n: the last that begins at n or before. Neighbours bisect alike, so that their loads
/// are the same ones.
__device__ inline Position row_of_rating(Span<const Position, Device> begin, Position n) {
  Position low = 0, high = begin.size - 1;  // begin[low] <= n < begin[high]
  while (high - low > 1) {
    const Position middle = (low + high) / 2;
    if (begin[middle] <= n)
      low = middle;
    else
      high = middle;
  }
  return low;
}

}  // namespace wf
