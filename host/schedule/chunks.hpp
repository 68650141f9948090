// Chunks of ratings: what one of many workers takes at a time where ratings stand by user (BlockOrder::by_user). A
// worker keeps a user's row to itself from the first of the user's ratings in its chunk to the last; rows of items, and
// of users who have ratings in several chunks, are shared, and of steps that two workers make to one row at the same
// time one is lost. Recht, Re, Wright, Niu: Hogwild! NIPS 2011.
#pragma once
#include "host/base/philox.hpp"
#include "host/base/view.hpp"
#include "host/schedule/block.hpp"

#include <vector>

namespace wf {

inline constexpr Position kChunkRatings = 32;

/// Chunks to have under way for so many ratings an epoch. One for 1,400 to 4,200 ratings costs nothing that can be told
/// from another seed's result, one for 350 to 1,050 costs 0.001 to 0.002 of RMSE, as many as there are 0.003 to 0.006
/// (docs/schedule.md, three sets of real ratings).
inline Position most_chunks_at_once(Position ratings) {
  return ratings < 2 * 2000 ? 1 : ratings / 2000;
}
/// Of them, for blocks that are a part of a stratum of so many.
inline Position most_chunks_at_once(Position ratings, Position blocks, Position ranges) {
  const Position share = most_chunks_at_once(ratings) * blocks / ranges;
  return share < 1 ? 1 : share;
}

/// A permutation of 0 .. count - 1 that can be asked anywhere, by host and device: a Feistel network of four rounds
/// over the next power of four, walked until it comes to a number below `count`. Luby, Rackoff: How to construct
/// pseudorandom permutations from pseudorandom functions. SIAM J. Comput. 17(2), 1988.
class Scatter {
 public:
  /// Of (seed, epoch, stream).
  WF_HD Scatter(Position count, std::uint64_t seed, std::uint32_t epoch, std::uint32_t stream)
      : count_(static_cast<std::uint64_t>(count)) {
    while (count_ > std::uint64_t{1} << (2 * half_bits_)) ++half_bits_;
    for (unsigned n = 0; n < 2; ++n) {
      const RandomBits bits = random_bits(seed, Purpose::chunks, 2 * std::uint64_t{epoch} + n, stream);
      keys_[2 * n] = bits.word[0];
      keys_[2 * n + 1] = bits.word[1];
    }
  }

  WF_HD Position operator()(Position index) const {
    auto at = static_cast<std::uint64_t>(index);
    do {
      at = permuted(at);
    } while (at >= count_);
    return static_cast<Position>(at);
  }

 private:
  WF_HD std::uint64_t permuted(std::uint64_t at) const {
    const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << half_bits_) - 1);
    auto left = static_cast<std::uint32_t>(at >> half_bits_), right = static_cast<std::uint32_t>(at) & mask;
    for (const std::uint32_t key : keys_) {
      const std::uint32_t next = left ^ (mixed(right ^ key) & mask);
      left = right;
      right = next;
    }
    return std::uint64_t{left} << half_bits_ | right;
  }

  std::uint64_t count_;
  int half_bits_ = 1;
  std::uint32_t keys_[4];
};

/// A block's place in its grid as one number, wherever its ratings are.
WF_HD inline std::uint32_t number_of(const Block& block) {
  return static_cast<std::uint32_t>(block.user_range * kMaxGrid + block.item_range);
}

/// A block's chunks among those of all blocks that are worked on at once.
struct ChunkedBlock {
  Position begin = 0, end = 0;  ///< ratings
  Position first_chunk = 0;     ///< chunks of the blocks before it
  std::uint32_t number = 0;     ///< number_of
};

/// The end of the blocks from `begin` on that share no row.
Position end_of_stratum(Span<const Block, Host> blocks, Position begin);

/// User ranges up to the last one of these blocks.
int ranges_of(Span<const Block, Host> blocks);

/// The chunks of blocks, and how many they are.
std::vector<ChunkedBlock> chunked(Span<const Block, Host> blocks, Position& chunks);

/// The order in which the chunks of a block, or of blocks of which this is the first, are begun.
WF_HD inline Scatter order_of_chunks(const Block& first, Position chunks, std::uint64_t seed, std::uint32_t epoch) {
  return {chunks, seed, epoch, number_of(first)};
}

/// Ratings begin .. end - 1.
struct Chunk {
  Position begin = 0, end = 0;
  std::uint64_t number = 0;  ///< of all in the grid: what is drawn for a chunk is a function of it
};

/// The place in `blocks`, in which chunk numbers ascend, of the one that has chunk `index`.
template <class Blocks>
WF_HD inline Position block_of_chunk(const Blocks& blocks, Position index) {
  Position low = 0, high = blocks.size;  // the last block whose first chunk is not behind the index
  while (high - low > 1) {
    const Position middle = (low + high) / 2;
    if (blocks[middle].first_chunk <= index) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/// Chunk `index` of `blocks`.
template <class Blocks>
WF_HD inline Chunk chunk_of(const Blocks& blocks, Position index) {
  const ChunkedBlock block = blocks[block_of_chunk(blocks, index)];
  const Position place = index - block.first_chunk, begin = block.begin + place * kChunkRatings;
  return {begin, begin + kChunkRatings < block.end ? begin + kChunkRatings : block.end,
          std::uint64_t{block.number} << 32 | static_cast<std::uint64_t>(place)};
}

}  // namespace wf
