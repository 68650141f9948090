// The DSGD block grid: users and items cut into G ranges each; the G blocks of a stratum share no user and no item, so
// they can be worked on at once, and in any number of workers, without changing a bit. Gemulla, Haas, Nijkamp,
// Sismanis: Large-scale matrix factorization with distributed stochastic gradient descent. KDD 2011.
#pragma once
#include "host/config/config.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// A contiguous run of ratings that one worker processes in order.
struct Block {
  Position begin = 0, end = 0;
};

class BlockGrid {
 public:
  /// Takes the ratings and reorders them by block. `size` = G; 1 with Shuffle::none keeps the file's order.
  BlockGrid(Ratings ratings, Position n_users, Position n_items, int size, Shuffle order, std::uint64_t seed);

  /// Draws the order of the strata, and of the ratings in each block, from (seed, epoch).
  void start_epoch(int epoch);

  int size() const { return size_; }
  RatingsView<Host> ratings() const { return ratings_.view(); }
  /// Stratum s = 0 .. G - 1 of this epoch: G blocks. Valid until the next call.
  Span<const Block, Host> stratum(int s);

 private:
  Block& block(int user_range, int item_range) { return blocks_[Position{user_range} * size_ + item_range]; }

  Ratings ratings_;
  int size_;
  Shuffle order_;
  std::uint64_t seed_;
  HostBuffer<Block> blocks_;   // [G x G], user range major
  HostBuffer<int> offsets_;    // [G] stratum s holds the blocks (g, (g + offsets_[s]) mod G)
  HostBuffer<Block> stratum_;  // [G]
};

inline constexpr int kMostRanges = 16;  ///< of a default grid, for engines that promise each other's bits

/// G for so many ratings and rows: 10,000 ratings a range at least, at most `most` ranges, no more than rows. G is also
/// the number of workers that a stratum can keep busy.
int default_grid_size(Position n_ratings, Position n_users, Position n_items, int most = kMostRanges);

inline constexpr int kMaxGrid = 1024;

}  // namespace wf
