#include "host/ratings/split.hpp"

#include "host/base/philox.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

constexpr Position kBins = 256;  // of keys, by their first byte

std::uint64_t key_of(std::uint64_t seed, RowId user, RowId item) {
  const std::uint64_t pair = std::uint64_t{static_cast<std::uint32_t>(user)} << 32 | static_cast<std::uint32_t>(item);
  const RandomBits bits = random_bits(seed, Purpose::split, pair);
  return std::uint64_t{bits.word[0]} << 32 | bits.word[1];
}

/// Which ratings have the smallest keys. A key takes 10 to 20 ns: it is drawn once, and its first byte, which is kept,
/// says of all ratings but those of one bin in 256 on which side of the cut they are.
class Cut {
 public:
  Cut(const RatingsView<Host> ratings, Position wanted, std::uint64_t seed, ThreadPool& pool)
      : ratings_(ratings),
        seed_(seed),
        bins_(ratings.size()),
        chunk_(std::max<Position>(1 << 16, (ratings.size() + 63) / 64)) {
    const Position chunks = (ratings.size() + chunk_ - 1) / chunk_;
    HostBuffer<Position> counts(chunks * kBins, 0);
    pool.for_chunks(ratings.size(), chunk_, [&](Position begin, Position end) {
      Position* const count = counts.data() + begin / chunk_ * kBins;
      std::uint8_t* const bins = bins_.data();
      for (Position n = begin; n < end; ++n) {  // no members: a store of bytes could change them, for all g++ knows
        const std::uint64_t first_byte = key_of(seed, ratings.user[n], ratings.item[n]) >> 56;
        bins[n] = static_cast<std::uint8_t>(first_byte);
        ++count[first_byte];
      }
    });
    Position below = 0;
    for (; bin_ < kBins; ++bin_) {
      Position count = 0;
      for (Position c = 0; c < chunks; ++c) count += counts[c * kBins + bin_];
      if (below + count > wanted) break;
      below += count;
    }
    if (bin_ < kBins) cut_inside(wanted - below);
  }

  bool takes(Position n) const {
    const Position bin = bins_[n];
    return bin < bin_ || (bin == bin_ && key(n) < first_kept_);
  }
  Position chunk() const { return chunk_; }

 private:
  std::uint64_t key(Position n) const { return key_of(seed_, ratings_.user[n], ratings_.item[n]); }

  /// The bin holds more than `wanted` ratings: the next key is the first that stays.
  void cut_inside(Position wanted) {
    std::vector<std::uint64_t> keys;
    for (Position n = 0; n < bins_.size(); ++n) {
      if (bins_[n] == bin_) keys.push_back(key(n));
    }
    std::nth_element(keys.begin(), keys.begin() + wanted, keys.end());
    first_kept_ = keys[static_cast<std::size_t>(wanted)];
  }

  RatingsView<Host> ratings_;
  std::uint64_t seed_;
  HostBuffer<std::uint8_t> bins_;  // [ratings]
  Position chunk_;
  Position bin_ = 0;  // where the cut is; kBins: everything is taken
  std::uint64_t first_kept_ = 0;
};

/// Moves the parts of an array that begin at chunk c and have kept[c] values together.
template <class T>
void close_gaps(HostBuffer<T>& values, const std::vector<Position>& kept, Position chunk) {
  Position to = 0;
  for (std::size_t c = 0; c < kept.size(); ++c) {
    const T* from = values.data() + static_cast<Position>(c) * chunk;
    std::memmove(values.data() + to, from, static_cast<std::size_t>(kept[c]) * sizeof(T));
    to += kept[c];
  }
  values.resize(to);
}

}  // namespace

Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed, ThreadPool& pool) {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw std::invalid_argument("a split needs a fraction from 0 to 1, not " + std::to_string(fraction));
  }
  const Position n = ratings.size();
  const Position wanted = std::llround(fraction * static_cast<double>(n));
  Ratings taken;
  if (wanted == 0) return taken;
  if (wanted == n) return std::exchange(ratings, {});
  const Cut cut(ratings.view(), wanted, seed, pool);
  const Position chunk = cut.chunk();
  std::vector<Position> first(static_cast<std::size_t>((n + chunk - 1) / chunk), 0);  // taken before the chunk
  std::vector<Position> kept = first;                                                 // in the chunk
  pool.for_chunks(n, chunk, [&](Position begin, Position end) {
    Position count = 0;
    for (Position p = begin; p < end; ++p) count += cut.takes(p) ? 0 : 1;
    kept[static_cast<std::size_t>(begin / chunk)] = count;
  });
  Position total = 0;
  for (std::size_t c = 0; c < kept.size(); ++c) {
    first[c] = total;
    total += std::min(chunk, n - static_cast<Position>(c) * chunk) - kept[c];
  }
  taken.user.resize(total);
  taken.item.resize(total);
  taken.value.resize(total);
  pool.for_chunks(n, chunk, [&](Position begin, Position end) {
    Position stays = begin, goes = first[static_cast<std::size_t>(begin / chunk)];
    for (Position p = begin; p < end; ++p) {
      const bool takes = cut.takes(p);
      Ratings& into = takes ? taken : ratings;
      const Position to = takes ? goes++ : stays++;
      into.user[to] = ratings.user[p];
      into.item[to] = ratings.item[p];
      into.value[to] = ratings.value[p];
    }
  });
  pool.for_each(3, [&](Position column) {
    if (column == 0) close_gaps(ratings.user, kept, chunk);
    if (column == 1) close_gaps(ratings.item, kept, chunk);
    if (column == 2) close_gaps(ratings.value, kept, chunk);
  });
  return taken;
}

}  // namespace wf
