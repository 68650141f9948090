#include "host/schedule/block_order.hpp"

#include "host/schedule/block_sort.hpp"
#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace wf {
namespace {

using Rating = RatingTriple;

/// One user's ratings in the block, taken from `next` to the end and from the begin to where it started.
class Segment {
 public:
  Segment(const Rating* begin, const Rating* end, const BlockSeed& seed) : begin_(begin), end_(end) {
    const RandomBits bits = random_bits(seed.seed, Purpose::segments, static_cast<std::uint64_t>(begin->user),
                                        static_cast<std::uint32_t>(seed.block));
    next_ = begin + to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(end - begin));
    left_ = end - begin;
  }
  bool empty() const { return left_ == 0; }
  const Rating& front() const { return *next_; }
  void pop() {
    --left_;
    if (++next_ == end_) next_ = begin_;
  }

 private:
  const Rating* begin_;
  const Rating* end_;
  const Rating* next_;
  Position left_;
};

/// Takes the ratings of sorted segments in turn.
class Interleaver {
  static constexpr std::size_t kLanes = 8;  // more do not lower the conflicts of popular items further

 public:
  Interleaver(const std::vector<Rating>& sorted, const BlockSeed& seed)
      : next_(sorted.data()), end_(sorted.data() + sorted.size()), seed_(seed) {
    while (lanes_.size() < kLanes && has_more()) lanes_.push_back(next_segment());
  }

  /// Up to kGroupRatings that share no row; none at the end.
  int take_group(Rating (&group)[kGroupRatings]) {
    int count = 0;
    std::size_t refused = 0;  // lanes in a row whose item is in the group already
    while (count < kGroupRatings && refused < lanes_.size()) {
      if (lane_ >= lanes_.size()) lane_ = 0;
      const Rating& rating = lanes_[lane_].front();
      const bool in_group = std::any_of(group, group + count, [&](const Rating& other) {
        return other.item == rating.item || other.user == rating.user;
      });
      if (in_group) {
        ++refused;
        ++lane_;
        continue;
      }
      group[count++] = rating;
      refused = 0;
      advance();
    }
    return count;
  }

 private:
  bool has_more() const { return next_ != end_; }
  Segment next_segment() {
    const Rating* begin = next_;
    while (next_ != end_ && next_->user == begin->user) ++next_;
    return {begin, next_, seed_};
  }
  void advance() {
    lanes_[lane_].pop();
    if (lanes_[lane_].empty()) {
      if (!has_more()) {
        lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(lane_));
        return;
      }
      lanes_[lane_] = next_segment();
    }
    ++lane_;
  }

  const Rating* next_;
  const Rating* end_;
  BlockSeed seed_;
  std::vector<Segment> lanes_;
  std::size_t lane_ = 0;
};

/// The ratings of a block by rows, in the worker's memory.
const std::vector<Rating>& sorted_block(const Ratings& ratings, BlockScratch& scratch, const Block& block) {
  std::vector<Rating>& sorted = scratch.ratings;
  sorted.clear();
  sorted.reserve(static_cast<std::size_t>(block.end - block.begin));
  for (Position n = block.begin; n < block.end; ++n) {
    sorted.push_back({ratings.user[n], ratings.item[n], ratings.value[n]});
  }
  sort_by_rows(sorted, scratch.other, block.users, block.items);
  return sorted;
}

void set(Ratings& ratings, Position n, const Rating& rating) {
  ratings.user[n] = rating.user;
  ratings.item[n] = rating.item;
  ratings.value[n] = rating.value;
}

/// Each user's ratings among themselves. Segments take the draws of their places in the block.
void shuffle_segments(std::vector<Rating>& sorted, const BlockSeed& seed) {
  const auto size = static_cast<Position>(sorted.size());
  for (Position begin = 0, end = 0; begin < size; begin = end) {
    Rating* const segment = sorted.data() + begin;
    while (end < size && sorted[static_cast<std::size_t>(end)].user == segment->user) ++end;
    shuffle(segment, end - begin, seed.seed, Purpose::in_block, static_cast<std::uint32_t>(seed.block), begin);
  }
}

}  // namespace

void sort_block(Ratings& ratings, BlockScratch& scratch, const Block& block) {
  Position to = block.begin;
  for (const Rating& rating : sorted_block(ratings, scratch, block)) set(ratings, to++, rating);
}

void order_block(Ratings& ratings, BlockScratch& scratch, const Block& block, const BlockSeed& seed, BlockOrder order) {
  if (block.begin == block.end) return;
  const std::vector<Rating>& sorted = sorted_block(ratings, scratch, block);
  Position to = block.begin;
  if (order == BlockOrder::by_user) {
    shuffle_segments(scratch.ratings, seed);
    for (const Rating& rating : sorted) set(ratings, to++, rating);
    return;
  }
  Interleaver interleaver(sorted, seed);
  Rating group[kGroupRatings];
  while (const int count = interleaver.take_group(group)) {
    for (int n = 0; n < count; ++n) set(ratings, to++, group[n]);
  }
}

}  // namespace wf
