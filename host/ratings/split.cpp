#include "host/ratings/split.hpp"

#include "host/base/philox.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

constexpr std::size_t kBins = 256;  // of keys, by their first byte

/// A rating of the bin that the cut goes through.
struct AtCut {
  std::uint64_t key;
  Position rating;
};

/// The first bytes of all keys, and where the cut is among them. A key takes 10 to 20 ns: but for one bin in 256 it is
/// drawn once.
struct Bins {
  HostBuffer<std::uint8_t> of;  // [ratings]
  std::size_t cut = 0;          // bins before it are held out; kBins: all
  Position left = 0;            // to be held out of bin `cut`

  Bins(const RatingSource& ratings, Position wanted, std::uint64_t seed, ThreadPool& pool)
      : of(ratings.size()), left(wanted) {
    std::vector<std::array<Position, kBins>> counts(static_cast<std::size_t>(pool.size()));
    ratings.for_parts(pool, [&](int share, const RatingPart& part) {
      Position* const count = counts[static_cast<std::size_t>(share)].data();
      std::uint8_t* const bins = of.data() + part.first;
      const RatingsView<Host> view = part.ratings;
      for (Position n = 0; n < view.size(); ++n) {
        const std::uint64_t first_byte = split_key(seed, view.user[n], view.item[n]) >> 56;
        bins[n] = static_cast<std::uint8_t>(first_byte);
        ++count[first_byte];
      }
    });
    for (std::size_t share = 1; share < counts.size(); ++share) {
      for (std::size_t bin = 0; bin < kBins; ++bin) counts[0][bin] += counts[share][bin];
    }
    ratings.ranks().sum({counts[0].data(), kBins});
    for (; cut < kBins && counts[0][cut] <= left; ++cut) left -= counts[0][cut];
  }
};

/// Of the keys of all ranks, which begin with the byte `first`, the one that has `before` smaller ones. By its bytes,
/// one after the other: no rank sees another's keys.
std::uint64_t key_at(const std::vector<AtCut>& mine, std::size_t first, Position before, Ranks& ranks) {
  std::uint64_t key = first;
  for (int shift = 48; shift >= 0; shift -= 8) {
    std::array<Position, kBins> counts{};
    for (const AtCut& rating : mine) {
      if (rating.key >> (shift + 8) == key) ++counts[rating.key >> shift & (kBins - 1)];
    }
    ranks.sum({counts.data(), kBins});
    std::uint64_t byte = 0;
    for (; counts[byte] <= before; ++byte) before -= counts[byte];
    key = key << 8 | byte;
  }
  return key;
}

/// Those of bin `cut` that are held out: the keys below the one that is `bins.left`-th.
std::vector<AtCut> taken_at_cut(const RatingSource& ratings, const Bins& bins, std::uint64_t seed, ThreadPool& pool) {
  std::vector<std::vector<AtCut>> found(static_cast<std::size_t>(pool.size()));
  ratings.for_parts(pool, [&](int share, const RatingPart& part) {
    for (Position n = 0; n < part.ratings.size(); ++n) {
      if (bins.of[part.first + n] != bins.cut) continue;
      found[static_cast<std::size_t>(share)].push_back(
          {split_key(seed, part.ratings.user[n], part.ratings.item[n]), part.first + n});
    }
  });
  std::vector<AtCut> all;
  for (const auto& of_share : found) all.insert(all.end(), of_share.begin(), of_share.end());
  const std::uint64_t first_kept = key_at(all, bins.cut, bins.left, ratings.ranks());
  std::erase_if(all, [&](const AtCut& rating) { return rating.key >= first_kept; });
  return all;
}

/// The ratings of a part that are on one side, together in memory that a share keeps.
class PartFilter {
 public:
  RatingPart of(const RatingPart& part, const HeldOut& held_out, bool wanted) {
    const RatingsView<Host>& from = part.ratings;
    kept_.resize(from.size());
    Position count = 0;
    for (Position n = 0; n < from.size(); ++n) {  // every rating is written, the next over it where it does not stay
      kept_.user[count] = from.user[n];
      kept_.item[count] = from.item[n];
      kept_.value[count] = from.value[n];
      count += held_out[part.first + n] == wanted ? 1 : 0;
    }
    return {part.first, kept_.view().part(0, count)};
  }

 private:
  Ratings kept_;
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

std::uint64_t split_key(std::uint64_t seed, RowId user, RowId item) {
  const std::uint64_t pair = std::uint64_t{static_cast<std::uint32_t>(user)} << 32 | static_cast<std::uint32_t>(item);
  const RandomBits bits = random_bits(seed, Purpose::split, pair);
  return std::uint64_t{bits.word[0]} << 32 | bits.word[1];
}

HeldOut::HeldOut(const RatingSource& ratings, double fraction, std::uint64_t seed, ThreadPool& pool)
    : bits_((ratings.size() + 63) / 64, 0) {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw std::invalid_argument("a split needs a fraction from 0 to 1, not " + std::to_string(fraction));
  }
  const Position n = ratings.size();
  const Position wanted = std::llround(fraction * static_cast<double>(ratings.total()));
  if (wanted == 0) return;
  const Bins bins(ratings, wanted, seed, pool);
  constexpr Position kWords = 1024;
  pool.for_chunks(bits_.size(), kWords, [&](Position begin, Position end) {
    for (Position r = begin * 64; r < std::min(n, end * 64); ++r) {
      bits_[r / 64] |= std::uint64_t{bins.of[r] < bins.cut} << (r % 64);
    }
  });
  if (bins.cut < kBins && bins.left > 0) {
    for (const AtCut& rating : taken_at_cut(ratings, bins, seed, pool)) {
      bits_[rating.rating / 64] |= std::uint64_t{1} << (rating.rating % 64);
    }
  }
  for (const std::uint64_t word : bits_) taken_ += std::popcount(word);
}

void SplitPart::for_parts(ThreadPool& pool, int shares, const Visit& visit) const {
  if (size() == 0) return;
  if (size() == all_.size()) return all_.for_parts(pool, shares, visit);
  std::vector<PartFilter> filters(static_cast<std::size_t>(shares));
  all_.for_parts(pool, shares, [&](int share, const RatingPart& part) {
    visit(share, filters[static_cast<std::size_t>(share)].of(part, held_out_, side_ == Side::held_out));
  });
}

Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed, ThreadPool& pool) {
  const Position n = ratings.size();
  const HeldOut held_out(RatingsInMemory(ratings.view()), fraction, seed, pool);
  Ratings taken;
  if (held_out.size() == 0) return taken;
  if (held_out.size() == n) return std::exchange(ratings, {});
  const Position chunk = std::max<Position>(1 << 16, (n + 63) / 64);
  std::vector<Position> first(static_cast<std::size_t>((n + chunk - 1) / chunk), 0);  // held out before the chunk
  std::vector<Position> kept = first;                                                 // in the chunk
  pool.for_chunks(n, chunk, [&](Position begin, Position end) {
    Position count = 0;
    for (Position p = begin; p < end; ++p) count += held_out[p] ? 0 : 1;
    kept[static_cast<std::size_t>(begin / chunk)] = count;
  });
  Position total = 0;
  for (std::size_t c = 0; c < kept.size(); ++c) {
    first[c] = total;
    total += std::min(chunk, n - static_cast<Position>(c) * chunk) - kept[c];
  }
  taken.resize(total);
  pool.for_chunks(n, chunk, [&](Position begin, Position end) {
    Position stays = begin, goes = first[static_cast<std::size_t>(begin / chunk)];
    for (Position p = begin; p < end; ++p) {
      const bool takes = held_out[p];
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
