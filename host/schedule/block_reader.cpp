#include "host/schedule/block_reader.hpp"

#include <algorithm>
#include <utility>

namespace wf {

BlockReader::BlockReader(BlockGrid& grid, Position most_ratings)
    : grid_(grid), most_ratings_(most_ratings), blocks_at_once_(grid.size()) {
  if (grid.in_memory()) {
    // so that nobody waits at the end of a stratum; where there are many blocks, that is a short wait
    // a quarter of a second of two threads at rank 64: a stop waits for a set
    constexpr Position kRatings = Position{1} << 24;
    constexpr Position kBlocks = 4096;
    const Position size = grid.size();
    const Position most = std::min(kRatings * size / std::max<Position>(grid.n_ratings(), 1), kBlocks / size);
    strata_at_once_ = static_cast<int>(std::clamp<Position>(most, 1, size));
    return;
  }
  const Position largest = std::max<Position>(grid.largest_block(), 1);
  const Position room = grid.room_.memory / (2 * kRatingBytes);  // at least one block: the grid has seen to that
  const Position slot = std::min(room, most_ratings);
  const auto most = static_cast<int>(std::clamp<Position>(slot / largest, 1, grid.size()));
  const int sets = (grid.size() + most - 1) / most;
  blocks_at_once_ = (grid.size() + sets - 1) / sets;
  for (Slot& s : slots_) {
    s.ratings.resize(blocks_at_once_ * largest);
    s.blocks.resize(blocks_at_once_);
  }
}

BlockReader::~BlockReader() {
  for (Slot& slot : slots_) {
    if (slot.filled.valid()) slot.filled.wait();
  }
}

int BlockReader::sets_of_stratum() const {
  return (grid_.size() + blocks_at_once_ - 1) / blocks_at_once_;
}

void BlockReader::start_epoch(int epoch) {
  for (Slot& slot : slots_) {  // of an epoch that was left before its end
    if (slot.filled.valid()) slot.filled.get();
  }
  grid_.start_epoch(epoch);
  next_ = 0;
  if (!grid_.in_memory()) prefetch(0);
}

std::optional<BlockSet> BlockReader::next() {
  if (grid_.in_memory()) return most_ratings_ == kNoLimit ? next_strata() : next_blocks();
  if (next_ == grid_.size() * sets_of_stratum()) return std::nullopt;
  const int number = next_++;
  Slot& slot = slots_[number % 2];
  slot.filled.get();
  prefetch(next_);
  return BlockSet{std::as_const(slot.ratings).view(), std::as_const(slot.blocks).span()};
}

std::optional<BlockSet> BlockReader::next_strata() {
  if (next_ == grid_.size()) return std::nullopt;
  const int end = std::min(next_ + strata_at_once_, grid_.size());
  strata_.clear();
  for (; next_ < end; ++next_) {
    const Span<const Block, Host> stratum = grid_.stratum(next_);
    strata_.insert(strata_.end(), stratum.begin(), stratum.end());
  }
  return BlockSet{grid_.ratings(), {strata_.data(), static_cast<Position>(strata_.size())}};
}

std::optional<BlockSet> BlockReader::next_blocks() {
  const int size = grid_.size();
  if (next_ == size * size) return std::nullopt;
  strata_.clear();
  for (Position ratings = 0; next_ < size * size; ++next_) {
    if (next_ % size == 0) stratum_ = grid_.stratum(next_ / size);
    const Block& block = stratum_[next_ % size];
    ratings += block.end - block.begin;
    if (!strata_.empty() && ratings > most_ratings_) break;
    strata_.push_back(block);
  }
  return BlockSet{grid_.ratings(), {strata_.data(), static_cast<Position>(strata_.size())}};
}

void BlockReader::prefetch(int number) {
  if (number == grid_.size() * sets_of_stratum()) return;
  Slot& slot = slots_[number % 2];
  const int first = number % sets_of_stratum() * blocks_at_once_;
  const int count = std::min(blocks_at_once_, grid_.size() - first);
  const Span<const Block, Host> stratum = grid_.stratum(number / sets_of_stratum());
  std::vector<Block> stored(stratum.begin() + first, stratum.begin() + first + count);
  slot.blocks.resize(count);
  Position at = 0;
  for (int b = 0; b < count; ++b) {
    const Block& from = stored[static_cast<std::size_t>(b)];
    const Position ratings = from.end - from.begin;
    slot.blocks[b] = from;
    slot.blocks[b].begin = at;
    slot.blocks[b].end = at + ratings;
    at += ratings;
  }
  slot.filled = std::async(std::launch::async, [this, &slot, stored = std::move(stored)] {
    for (std::size_t b = 0; b < stored.size(); ++b) {
      const Block& to = slot.blocks[static_cast<Position>(b)];
      grid_.store_.get(stored[b].begin, to.end - to.begin, slot.ratings, to.begin);
    }
  });
}

}  // namespace wf
