// The DSGD block grid: users and items cut into G ranges each; the G blocks of a stratum share no user and no item, so
// they can be worked on at once, and in any number of workers, without changing a bit. Gemulla, Haas, Nijkamp,
// Sismanis: Large-scale matrix factorization with distributed stochastic gradient descent. KDD 2011.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/config/config.hpp"
#include "host/ratings/ratings.hpp"
#include "host/schedule/block.hpp"
#include "host/schedule/row_ranges.hpp"

namespace wf {

inline constexpr int kMaxGrid = 1024;

class BlockGrid {
 public:
  /// Takes the ratings and lays them out by block (host/schedule/block_order.hpp says in which order inside), a
  /// function of seed, size and the set of ratings alone: neither the file's order nor the number of threads matters.
  /// Rows get new names: those of a range are neighbours. `size` = G, at most kMaxGrid. Shuffle::none: one block in the
  /// file's order, and no renaming.
  BlockGrid(ThreadPool& pool, Ratings ratings, Position n_users, Position n_items, int size, Shuffle order,
            std::uint64_t seed);

  /// Draws the order of the strata from (seed, epoch).
  void start_epoch(int epoch);

  int size() const { return size_; }
  /// All ratings, by their rows' new names.
  RatingsView<Host> ratings() const { return ratings_.view(); }
  /// Old name -> new name; empty: none has changed.
  Span<const RowId, Host> new_users() const { return users_.renamed.span(); }
  Span<const RowId, Host> new_items() const { return items_.renamed.span(); }
  /// Stratum s = 0 .. G - 1 of this epoch: G blocks. Valid until the next call.
  Span<const Block, Host> stratum(int s);

 private:
  Block& block(int user_range, int item_range) { return blocks_[Position{user_range} * size_ + item_range]; }

  Ratings ratings_;
  int size_;
  Shuffle order_;
  std::uint64_t seed_;
  RowRanges users_, items_;
  HostBuffer<Block> blocks_;   // [G x G], user range major
  HostBuffer<int> offsets_;    // [G] stratum s holds the blocks (g, (g + offsets_[s]) mod G)
  HostBuffer<Block> stratum_;  // [G]
};

inline constexpr int kLeastRanges = 8;  ///< of a default grid, where the data allow it

/// G for tables of so many rows and `rank` factors: the items of a range fit the part of a core's cache that is theirs,
/// at least `least` ranges (G is the number of workers that a stratum keeps busy), 10,000 ratings a range, and no more
/// ranges than rows.
int default_grid_size(Position n_ratings, Position n_users, Position n_items, int rank, int least = kLeastRanges);

}  // namespace wf
