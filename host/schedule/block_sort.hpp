// Ratings to their blocks, and the ratings of a block by rows: what the grid in memory and the page file share.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ratings/ratings.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/row_ranges.hpp"

#include <vector>

namespace wf {

struct RatingTriple {
  RowId user, item;
  float value;
};

/// Every rating in its block, in the order it had, by its rows' new names: blocks[b] becomes block b's part of the
/// result.
Ratings sorted_by_block(ThreadPool& pool, const RatingsView<Host>& ratings, const RowRanges& users,
                        const RowRanges& items, HostBuffer<Block>& blocks);

/// By user, item and value; the rows lie in the ranges. `scratch`: memory to work in.
void sort_by_rows(std::vector<RatingTriple>& ratings, std::vector<RatingTriple>& scratch, const RowRange& users,
                  const RowRange& items);

}  // namespace wf
