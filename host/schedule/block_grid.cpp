#include "host/schedule/block_grid.hpp"

#include "host/schedule/block_order.hpp"
#include "host/schedule/block_sort.hpp"
#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

namespace wf {

int default_grid_size(Position n_ratings, Position n_users, Position n_items, int rank, int least) {
  constexpr Position kRatingsPerRange = 10'000;
  constexpr Position kCache = Position{512} << 10;  // half of a level 2 cache of 1 MB, or all of a small one
  constexpr Position kState = 16;
  const Position bytes = checked_product(n_items, 4 * Position{rank} + kState);
  const Position wanted = std::max<Position>(least, (bytes + kCache - 1) / kCache);
  const Position most = std::min({n_ratings / kRatingsPerRange, n_users, n_items, Position{kMaxGrid}});
  return static_cast<int>(std::max<Position>(1, std::min(wanted, most)));
}

BlockGrid::BlockGrid(ThreadPool& pool, Ratings ratings, Position n_users, Position n_items, int size, Shuffle order,
                     std::uint64_t seed)
    : ratings_(std::move(ratings)),
      size_(order == Shuffle::none ? 1 : size),
      order_(order),
      seed_(seed),
      blocks_(Position{size_} * size_, Block{}),
      offsets_(size_),
      stratum_(size_) {
  std::iota(offsets_.begin(), offsets_.end(), 0);
  if (order_ == Shuffle::none) {
    block(0, 0) = {0, ratings_.size()};
    return;
  }
  pool.for_each(2, [&](Position side) {
    if (side == 0) users_ = cut_rows(ratings_.user.span(), n_users, size_, seed_, Purpose::permute_users);
    if (side == 1) items_ = cut_rows(ratings_.item.span(), n_items, size_, seed_, Purpose::permute_items);
  });
  ratings_ = sorted_by_block(pool, ratings_.view(), users_, items_, blocks_);
  std::atomic<Position> next{0};
  pool.for_each(pool.size(), [&](Position) {
    BlockScratch scratch;
    for (Position b = next++; b < blocks_.size(); b = next++) {
      order_block(ratings_, scratch, blocks_[b], users_.new_names(b / size_), items_.new_names(b % size_), {seed_, b});
    }
  });
}

void BlockGrid::start_epoch(int epoch) {
  if (order_ == Shuffle::none) return;
  shuffle(offsets_.data(), size_, seed_, Purpose::strata, static_cast<std::uint32_t>(epoch));
}

Span<const Block, Host> BlockGrid::stratum(int s) {
  for (int g = 0; g < size_; ++g) stratum_[g] = block(g, (g + offsets_[s]) % size_);
  return std::as_const(stratum_).span();
}

}  // namespace wf
