#include "host/ratings/folds.hpp"

#include "host/base/philox.hpp"
#include "host/ratings/split.hpp"

namespace wf {

HostBuffer<std::uint8_t> draw_folds(const RatingsView<Host>& ratings, int count, std::uint64_t seed, ThreadPool& pool) {
  HostBuffer<std::uint8_t> folds(ratings.size());
  constexpr Position kChunk = Position{1} << 14;
  pool.for_chunks(ratings.size(), kChunk, [&](Position begin, Position end) {
    for (Position n = begin; n < end; ++n) {
      // not the key itself: its smallest values are the validation part of a training with the same seed
      const std::uint64_t pair = split_key(seed, ratings.user[n], ratings.item[n]);
      const RandomBits bits = random_bits(seed, Purpose::folds, pair);
      folds[n] = static_cast<std::uint8_t>(to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(count)));
    }
  });
  return folds;
}

FoldParts parts_of_fold(const RatingsView<Host>& ratings, const HostBuffer<std::uint8_t>& folds, int fold) {
  FoldParts parts;
  for (Position n = 0; n < ratings.size(); ++n) {
    Ratings& part = folds[n] == fold ? parts.test : parts.train;
    part.push_back(ratings.user[n], ratings.item[n], ratings.value[n]);
  }
  return parts;
}

}  // namespace wf
