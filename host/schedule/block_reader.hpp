// The blocks of an epoch in its order, in memory when their turn comes.
#pragma once
#include "host/schedule/block_grid.hpp"

#include <future>
#include <optional>
#include <vector>

namespace wf {

/// Blocks, and where their ratings are. Those of one range are worked on in their order.
struct BlockSet {
  RatingsView<Host> ratings;
  Span<const Block, Host> blocks;
};

/// Of a grid in memory: several strata at a time, or blocks of up to `most_ratings` together. Of one in a file: parts
/// of a stratum that fit half the grid's room and have up to `most_ratings`; while one is worked on, the next is read.
/// A set has at least one block.
class BlockReader {
 public:
  static constexpr Position kNoLimit = Position{1} << 62;

  /// The grid must outlive it.
  explicit BlockReader(BlockGrid& grid, Position most_ratings = kNoLimit);
  ~BlockReader();

  void start_epoch(int epoch);
  /// None at the end of the epoch. Valid until the next call.
  std::optional<BlockSet> next();

 private:
  struct Slot {
    Ratings ratings;
    HostBuffer<Block> blocks;
    std::future<void> filled;
  };

  int sets_of_stratum() const;
  /// Begins to read set `number` of the epoch to its slot.
  void prefetch(int number);

  std::optional<BlockSet> next_strata();
  std::optional<BlockSet> next_blocks();

  BlockGrid& grid_;
  Position most_ratings_;
  int blocks_at_once_;               // of a grid in a file
  int strata_at_once_ = 1;           // of one in memory
  std::vector<Block> strata_;        // at hand
  Span<const Block, Host> stratum_;  // of the next block, where ratings are limited
  int next_ = 0;                     // set of the epoch; in memory: stratum, or block where their ratings are limited
  Slot slots_[2];
};

}  // namespace wf
