// The DSGD block grid: users and items cut into G ranges each; the G blocks of a stratum share no user and no item, so
// they can be worked on at once, and in any number of workers, without changing a bit. Gemulla, Haas, Nijkamp,
// Sismanis: Large-scale matrix factorization with distributed stochastic gradient descent. KDD 2011.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/config/config.hpp"
#include "host/ranks/owners.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/rating_store.hpp"
#include "host/schedule/row_ranges.hpp"

namespace wf {

/// Of a rating of a block that is ordered outside a scratch file.
inline constexpr Position kOrderingBytes = 36;

/// What is asked of a grid. `size` = G, at most kMaxGrid. Shuffle::none: one block in the source's order, and no
/// renaming.
struct GridShape {
  Position n_users = 0, n_items = 0;
  int size = 1;
  Shuffle order = Shuffle::epoch;
  std::uint64_t seed = 0;
  BlockOrder in_block = BlockOrder::interleaved;
};

/// Where ratings are kept: all in memory, or in a file in `folder` where they take more than `memory` bytes, which is
/// then what may be used to work on them.
struct RatingRoom {
  Position memory = Position{1} << 62;
  std::string folder;

  bool holds(Position n_ratings) const { return checked_product(n_ratings, kRatingBytes) <= memory; }
};

class BlockGrid {
 public:
  /// Lays the ratings of `source`, which is not needed afterwards, out by block (host/schedule/block_order.hpp says how
  /// inside): a function of shape and the set of ratings alone. Neither the order of the source nor the
  /// number of threads nor the room nor who has which rating matters. Of several ranks, each gets the ratings of its
  /// ranges of users, and needs memory for them three times while they are handed over. Rows get new names: those of a
  /// range are neighbours. Throws UsageError where blocks are too large for the room, or there are more ranks than
  /// ranges.
  BlockGrid(ThreadPool& pool, const RatingSource& source, const GridShape& shape, const RatingRoom& room = {});

  /// The strata of an epoch walk along the ring of ranges, in a direction drawn from (seed, epoch), from where those of
  /// the epoch before ended, or from one step further, which is drawn as well: from one stratum to the next, a range of
  /// items goes to the users beside, and nowhere else (docs/decisions/0023-processes.md). Of blocks by user, which one
  /// process has on a device, strata are in an order drawn from (seed, epoch).
  void start_epoch(int epoch);

  int size() const { return shape_.size; }
  Position n_ratings() const { return store_.size(); }       ///< of this rank
  Position n_all_ratings() const { return n_all_ratings_; }  ///< of all ranks
  Ranks& ranks() const { return store_.ranks(); }
  /// Of the ranges of users, and so of rows of blocks.
  Owners owners() const { return {size(), ranks().size()}; }
  /// All ratings, by their rows' new names.
  const RatingSource& source() const { return store_; }
  bool in_memory() const { return store_.in_memory(); }
  RatingsView<Host> ratings() const { return store_.ratings().view(); }  ///< where they are in memory
  /// Old name -> new name; empty: none has changed.
  Span<const RowId, Host> new_users() const { return users_.renamed.span(); }
  Span<const RowId, Host> new_items() const { return items_.renamed.span(); }
  /// The range of a row's new name; of who is unknown, the last one.
  int user_range_of(RowId row) const { return users_.range_of_new(row); }
  int item_range_of(RowId row) const { return items_.range_of_new(row); }
  const RowCounts& counts() const { return counts_; }  ///< by old names
  /// All of them, [G x G], user range major.
  Span<const Block, Host> blocks() const { return blocks_.span(); }
  /// Stratum s = 0 .. G - 1 of this epoch: G blocks, of ascending ranges of users. Valid until the next call.
  Span<const Block, Host> stratum(int s);

  /// Other ratings by the new names, and by block: users ascending in a block, then items and values. Rows beyond the
  /// tables, unknown ids, keep their names.
  /// Of several ranks, each gets those of its ranges of users; who is unknown belongs to the last one.
  Ratings arranged(ThreadPool& pool, const RatingSource& others) const;

 private:
  friend class BlockReader;

  Block& block(int user_range, int item_range) { return blocks_[Position{user_range} * size() + item_range]; }
  Position largest_block() const;
  void check_ranks() const;
  void order_blocks(ThreadPool& pool);
  /// Those of this rank's ranges of users, of all ranks.
  Ratings handed_over(const RatingSource& source) const;

  GridShape shape_;
  RatingRoom room_;
  Position n_all_ratings_;
  RowCounts counts_;
  RowRanges users_, items_;
  RatingStore store_;
  HostBuffer<Block> blocks_;   // [G x G], user range major
  HostBuffer<int> offsets_;    // [G] stratum s holds the blocks (g, (g + offsets_[s]) mod G)
  HostBuffer<Block> stratum_;  // [G]
};

/// What an engine would have of a grid whose size nobody has set. As it stands here, the size is a function of the data
/// alone.
struct GridWish {
  BlockOrder in_block = BlockOrder::interleaved;
  int least_ranges = 8;  ///< a stratum keeps as many workers busy; with twice as many ranges as workers none waits
  Position cache = Position{512} << 10;  ///< bytes for the items of a range: half of a level 2 cache of 1 MB
  bool of_machine = false;               ///< it follows from this machine's threads and caches
};

/// G for tables of so many rows and `rank` factors: the items of a range fit the wish's cache, at least its ranges,
/// 10,000 ratings a range, and no more ranges than rows.
int default_grid_size(Position n_ratings, Position n_users, Position n_items, int rank, const GridWish& wish = {});

}  // namespace wf
