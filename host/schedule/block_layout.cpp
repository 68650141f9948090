#include "host/schedule/block_layout.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace wf {
namespace {

struct Ranges {
  const RowRanges& users;
  const RowRanges& items;

  Position blocks() const { return Position{users.count()} * users.count(); }
  Position block_of(RowId user, RowId item) const {
    return users.range_of(user) * users.count() + items.range_of(item);
  }
};

HostBuffer<Block> count_blocks(ThreadPool& pool, const RatingSource& source, const Ranges& ranges) {
  const int shares = shares_with_tables(pool.size(), source.size(), ranges.blocks());
  HostBuffer<Position> counts(shares * ranges.blocks(), 0);
  source.for_parts(pool, shares, [&](int share, const RatingPart& part) {
    Position* const table = counts.data() + share * ranges.blocks();
    for (Position n = 0; n < part.ratings.size(); ++n) {
      ++table[ranges.block_of(part.ratings.user[n], part.ratings.item[n])];
    }
  });
  HostBuffer<Block> blocks(ranges.blocks());
  Position at = 0;
  for (Position b = 0; b < blocks.size(); ++b) {
    const Position begin = at;
    for (int share = 0; share < shares; ++share) at += counts[share * ranges.blocks() + b];
    const auto user_range = static_cast<int>(b / ranges.users.count());
    const auto item_range = static_cast<int>(b % ranges.users.count());
    blocks[b] = {
        begin, at, user_range, item_range, ranges.users.new_names(user_range), ranges.items.new_names(item_range)};
  }
  return blocks;
}

constexpr Position kStagedBytes = 28;    // of a rating: as it came, its block, and sorted
constexpr Position kLeastStaged = 8192;  // 230 KB: fits a level 2 cache

/// How many ratings a worker stages, of `share` that it gets: runs of 8, so that a run's costs are shared, longer ones
/// where they go to a file; no more than adds 3.5 bytes a rating in memory.
Position staged_ratings(Position share, Position blocks, Position memory, const RatingStore& into) {
  constexpr Position kMost = 1 << 18;  // 7 MB
  const Position most = into.in_memory() ? std::min(kMost, share / 8) : memory / kStagedBytes;
  const Position wanted = (into.in_memory() ? 8 : 256) * blocks;
  return std::max(kLeastStaged, std::min(wanted, most));
}

/// One worker's ratings on their way: sorted by block, they go to the store in runs, as single writes would miss the
/// cache, or be calls of the system.
class Stage {
 public:
  Stage(const Ranges& ranges, Position capacity, HostBuffer<Position>& next, RatingStore& into)
      : ranges_(ranges), capacity_(capacity), next_(next), into_(into), starts_(ranges.blocks() + 1) {
    staged_.resize(capacity);
    sorted_.resize(capacity);
    block_.resize(capacity);
  }

  void add(const RatingsView<Host>& ratings) {
    for (Position n = 0; n < ratings.size(); ++n) {
      if (count_ == capacity_) flush();
      const RowId user = ratings.user[n], item = ratings.item[n];
      staged_.user[count_] = ranges_.users.new_name(user);
      staged_.item[count_] = ranges_.items.new_name(item);
      staged_.value[count_] = ratings.value[n];
      block_[count_++] = static_cast<std::int32_t>(ranges_.block_of(user, item));
    }
  }

  void flush() {
    std::fill(starts_.begin(), starts_.end(), 0);
    for (Position n = 0; n < count_; ++n) ++starts_[block_[n] + 1];
    for (Position b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
    for (Position n = 0; n < count_; ++n) {  // starts_[b] becomes the end of b, which is the start of b + 1
      const Position to = starts_[block_[n]]++;
      sorted_.user[to] = staged_.user[n];
      sorted_.item[to] = staged_.item[n];
      sorted_.value[to] = staged_.value[n];
    }
    Position begin = 0;
    for (Position b = 0; b < next_.size(); ++b) {
      const Position count = starts_[b] - begin;
      if (count == 0) continue;
      const Position to = std::atomic_ref<Position>(next_[b]).fetch_add(count, std::memory_order_relaxed);
      into_.put(to, sorted_.view().part(begin, count));
      begin += count;
    }
    count_ = 0;
  }

 private:
  const Ranges& ranges_;
  Position capacity_, count_ = 0;
  HostBuffer<Position>& next_;  // [blocks] where a block's next rating goes
  RatingStore& into_;
  HostBuffer<std::int32_t> starts_;
  Ratings staged_, sorted_;
  HostBuffer<std::int32_t> block_;
};

}  // namespace

HostBuffer<Block> lay_out_by_block(ThreadPool& pool, const RatingSource& source, const RowRanges& users,
                                   const RowRanges& items, Position memory, RatingStore& into) {
  const Ranges ranges{users, items};
  HostBuffer<Block> blocks = count_blocks(pool, source, ranges);
  HostBuffer<Position> next(blocks.size());
  for (Position b = 0; b < blocks.size(); ++b) next[b] = blocks[b].begin;
  const Position capacity = staged_ratings(source.size() / pool.size(), blocks.size(), memory / pool.size(), into);
  std::vector<std::unique_ptr<Stage>> stages(static_cast<std::size_t>(pool.size()));
  source.for_parts(pool, [&](int share, const RatingPart& part) {
    std::unique_ptr<Stage>& stage = stages[static_cast<std::size_t>(share)];
    if (!stage) stage = std::make_unique<Stage>(ranges, capacity, next, into);
    stage->add(part.ratings);
  });
  pool.for_each(static_cast<Position>(stages.size()), [&](Position share) {
    if (const auto& stage = stages[static_cast<std::size_t>(share)]) stage->flush();
  });
  return blocks;
}

}  // namespace wf
