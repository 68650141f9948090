// Ratings to their blocks.
#pragma once
#include "host/schedule/block.hpp"
#include "host/schedule/rating_store.hpp"
#include "host/schedule/row_ranges.hpp"

namespace wf {

/// Every rating of `source` in its block's part of `into`, by its rows' new names, in any order there: two passes over
/// the source. Block b = user range * G + item range is result[b]. `memory`: bytes that it may work in.
HostBuffer<Block> lay_out_by_block(ThreadPool& pool, const RatingSource& source, const RowRanges& users,
                                   const RowRanges& items, Position memory, RatingStore& into);

}  // namespace wf
