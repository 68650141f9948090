// The order of the ratings inside a block of the grid.
#pragma once
#include "host/ratings/ratings.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/block_sort.hpp"

#include <vector>

namespace wf {

/// What random numbers of a block are a function of.
struct BlockSeed {
  std::uint64_t seed;
  Position block;
};

/// Memory that a worker keeps from block to block: the first touch of fresh pages takes longer than the sorting.
struct BlockScratch {
  std::vector<RatingTriple> ratings, other;
};

/// By user, item and value.
void sort_block(Ratings& ratings, BlockScratch& scratch, const Block& block);

/// Orders the ratings of a block by user segments, so that a user's row is fetched once a block: users ascending, equal
/// pairs by value. A function of the set of ratings, not of the order they come in.
///
/// interleaved: the items of a user ascending from a start drawn from (seed, user, block). Eight segments are under way
/// at once and give a rating in turn, and of four ratings in a row no two have an item in common where that can be had:
/// a step need not wait for the one before it.
/// by_user: the ratings of a user in an order drawn from (seed, block, their place there): were they by item, all
/// workers would come to the popular items at the same time.
void order_block(Ratings& ratings, BlockScratch& scratch, const Block& block, const BlockSeed& seed, BlockOrder order);

}  // namespace wf
