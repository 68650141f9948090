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

/// Of a grid in memory: several strata at a time. Of one in a file: parts of a stratum that fit half the grid's room;
/// while one is worked on, the next is read.
class BlockReader {
 public:
  /// The grid must outlive it.
  explicit BlockReader(BlockGrid& grid);
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

  BlockGrid& grid_;
  int blocks_at_once_;         // of a grid in a file
  int strata_at_once_ = 1;     // of one in memory
  std::vector<Block> strata_;  // at hand
  int next_ = 0;               // set of the epoch; in memory: stratum
  Slot slots_[2];
};

}  // namespace wf
