#include "host/schedule/block_grid.hpp"

#include "host/base/error.hpp"
#include "host/base/shown.hpp"
#include "host/schedule/block_layout.hpp"
#include "host/schedule/block_order.hpp"
#include "host/schedule/block_sort.hpp"
#include "host/schedule/hand_over.hpp"
#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <utility>

namespace wf {
namespace {

void copy_in_order(ThreadPool& pool, const RatingSource& source, RatingStore& into) {
  Position at = 0;
  source.for_parts(pool, 1, [&](int /*share*/, const RatingPart& part) {
    into.put(at, part.ratings);
    at += part.ratings.size();
  });
}

/// Offsets of the strata of an epoch: first, first + step, ..., modulo the ranges.
struct Walk {
  int first, step;
};

/// Begins where the epoch before ended, or one step further.
Walk walk_of(std::uint64_t seed, int epoch, int ranges) {
  const RandomBits start = random_bits(seed, Purpose::strata, 0);
  int last = static_cast<int>(to_index(start.word[0], start.word[1], static_cast<std::uint64_t>(ranges)));
  Walk walk{};
  for (int e = 1; e <= epoch; ++e) {
    const std::uint32_t word = random_bits(seed, Purpose::strata, static_cast<std::uint64_t>(e)).word[0];
    walk.step = (word & 1) != 0 ? 1 : ranges - 1;
    walk.first = ((word & 2) != 0 ? last + walk.step : last) % ranges;
    last = (walk.first + walk.step * (ranges - 1)) % ranges;
  }
  return walk;
}

/// Rows of ratings that may be beyond the tables.
RowRange with_unknown(RowRange range, bool last) {
  if (last) range.end = std::numeric_limits<RowId>::max();
  return range;
}

}  // namespace

int default_grid_size(Position n_ratings, Position n_users, Position n_items, int rank, const GridWish& wish) {
  constexpr Position kRatingsPerRange = 10'000;
  constexpr Position kState = 32;
  const Position bytes = checked_product(n_items, 4 * Position{rank} + kState);
  const Position wanted = std::max<Position>(wish.least_ranges, (bytes + wish.cache - 1) / wish.cache);
  const Position most = std::min({n_ratings / kRatingsPerRange, n_users, n_items, Position{kMaxGrid}});
  return static_cast<int>(std::max<Position>(1, std::min(wanted, most)));
}

void BlockGrid::check_ranks() const {
  const int n = ranks().size();
  if (n == 1) return;
  if (shape_.order == Shuffle::none) {
    throw UsageError("--shuffle none keeps the order of one process, and there are " + std::to_string(n),
                     "leave it out, or start one process");
  }
  if (n > size()) {
    throw UsageError("a grid of " + std::to_string(size()) + " x " + std::to_string(size()) + " blocks has no row of " +
                         "blocks for each of " + std::to_string(n) + " processes",
                     "give --grid " + std::to_string(2 * n) + " or more, or start fewer processes");
  }
}

BlockGrid::BlockGrid(ThreadPool& pool, const RatingSource& source, const GridShape& shape, const RatingRoom& room)
    : shape_(shape),
      room_(room),
      n_all_ratings_(source.total()),
      counts_(row_counts(source, shape.n_users, shape.n_items, pool)),
      store_(source.ranks().is_alone() ? source.size() : 0, room.holds(source.size()) ? std::string() : room.folder,
             source.ranks()) {
  if (shape_.order == Shuffle::none) shape_.size = 1;
  check_ranks();
  offsets_.resize(size());
  std::iota(offsets_.begin(), offsets_.end(), 0);
  stratum_.resize(size());
  if (shape_.order == Shuffle::none) {
    copy_in_order(pool, source, store_);
    blocks_ = HostBuffer<Block>(1, {.end = store_.size(),
                                    .users = {0, static_cast<RowId>(shape_.n_users)},
                                    .items = {0, static_cast<RowId>(shape_.n_items)}});
    return;
  }
  pool.for_each(2, [&](Position side) {
    if (side == 0) users_ = cut_rows(counts_.user, size(), shape_.seed, Purpose::permute_users);
    if (side == 1) items_ = cut_rows(counts_.item, size(), shape_.seed, Purpose::permute_items);
  });
  if (ranks().is_alone()) {
    blocks_ = lay_out_by_block(pool, source, users_, items_, room_.memory, store_);
  } else {
    const Ratings mine = handed_over(source);
    store_ = RatingStore(mine.size(), {}, ranks());
    blocks_ = lay_out_by_block(pool, RatingsInMemory(mine.view()), users_, items_, room_.memory, store_);
  }
  order_blocks(pool);
}

Ratings BlockGrid::handed_over(const RatingSource& source) const {
  return hand_over(source, [&](RowId user, RowId) { return owners().of(static_cast<int>(users_.range_of(user))); });
}

Position BlockGrid::largest_block() const {
  Position largest = 0;
  for (const Block& block : blocks_) largest = std::max(largest, block.end - block.begin);
  return largest;
}

void BlockGrid::order_blocks(ThreadPool& pool) {
  Position workers = pool.size();
  if (!in_memory()) {
    const Position bytes = kOrderingBytes * largest_block();
    if (bytes > room_.memory) {
      throw UsageError("--memory leaves " + short_bytes(room_.memory) + " for ratings, and the largest of " +
                           std::to_string(size()) + " x " + std::to_string(size()) + " blocks needs " +
                           short_bytes(bytes),
                       "give more --memory, or a larger --grid than " + std::to_string(size()));
    }
    workers = std::min(workers, room_.memory / std::max<Position>(bytes, 1));
  }
  std::atomic<Position> next{0};
  pool.for_each(workers, [&](Position) {
    BlockScratch scratch;
    Ratings apart;
    for (Position b = next++; b < blocks_.size(); b = next++) {
      if (in_memory()) {
        order_block(store_.ratings(), scratch, blocks_[b], {shape_.seed, b}, shape_.in_block);
        continue;
      }
      Block block = blocks_[b];
      const Position begin = block.begin, count = block.end - begin;
      apart.resize(count);
      store_.get(begin, count, apart, 0);
      block.begin = 0;
      block.end = count;
      order_block(apart, scratch, block, {shape_.seed, b}, shape_.in_block);
      store_.put(begin, apart.view());
    }
  });
}

void BlockGrid::start_epoch(int epoch) {
  if (shape_.order == Shuffle::none) return;
  if (shape_.in_block == BlockOrder::by_user && ranks().is_alone()) {
    std::iota(offsets_.begin(), offsets_.end(), 0);  // no epoch's order follows from another's
    shuffle(offsets_.data(), size(), shape_.seed, Purpose::strata, static_cast<std::uint32_t>(epoch));
    return;
  }
  const Walk walk = walk_of(shape_.seed, epoch, size());
  for (int s = 0; s < size(); ++s) offsets_[s] = (walk.first + walk.step * s) % size();
}

Span<const Block, Host> BlockGrid::stratum(int s) {
  for (int g = 0; g < size(); ++g) stratum_[g] = block(g, (g + offsets_[s]) % size());
  return std::as_const(stratum_).span();
}

Ratings BlockGrid::arranged(ThreadPool& pool, const RatingSource& others) const {
  if (!others.ranks().is_alone()) {
    const Ratings mine = handed_over(others);
    return arranged(pool, RatingsInMemory(mine.view()));
  }
  RatingStore store(others.size());
  if (shape_.order == Shuffle::none) {
    copy_in_order(pool, others, store);
    return std::move(store.ratings());
  }
  const HostBuffer<Block> blocks = lay_out_by_block(pool, others, users_, items_, room_.memory, store);
  Ratings& ratings = store.ratings();
  std::atomic<Position> next{0};
  pool.for_each(pool.size(), [&](Position) {
    BlockScratch scratch;
    for (Position b = next++; b < blocks.size(); b = next++) {
      Block block = blocks[b];
      block.users = with_unknown(block.users, block.user_range + 1 == size());
      block.items = with_unknown(block.items, block.item_range + 1 == size());
      sort_block(ratings, scratch, block);
    }
  });
  return std::move(ratings);
}

}  // namespace wf
