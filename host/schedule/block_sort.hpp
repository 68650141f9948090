// The ratings of a block by rows: what the grid and the page file share.
#pragma once
#include "host/schedule/row_ranges.hpp"

#include <vector>

namespace wf {

struct RatingTriple {
  RowId user, item;
  float value;
};

/// By user, item and value; the rows lie in the ranges. `scratch`: memory to work in.
void sort_by_rows(std::vector<RatingTriple>& ratings, std::vector<RatingTriple>& scratch, const RowRange& users,
                  const RowRange& items);

}  // namespace wf
