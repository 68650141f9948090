// Each rating draws a bucket, buckets are filled in the order of the ratings, then each is shuffled by itself.
//
// Why every order is equally likely: the draws are independent and uniform, so, given the sizes c_1 .. c_B of the
// buckets, each of the n! / (c_1! .. c_B!) ways to deal the ratings out has the same probability. Each bucket is then
// in each of its c_b! orders with the same probability, independently. So each of the n! orders has, for any sizes and
// therefore altogether, probability 1 / n!.
//
// One Fisher-Yates over all ratings would visit memory at random twice a rating, on one thread. Here memory is written
// along one line per bucket, and what is random stays in a cache.
#include "host/schedule/rating_shuffle.hpp"

#include "host/base/philox.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace wf {
namespace {

constexpr Position kBucketRatings = 4096;  // 16 KB of each array: a bucket is shuffled in the first cache
constexpr int kMostBucketBits = 10;        // 1,024 buckets, three lines of 64 bytes each: 192 KB are written at a time
constexpr Position kPartsPerThread = 4;    // of the ratings as they are dealt out
constexpr Position kDrawsPerCall = 8;      // 16 bits each

int bucket_bits(Position ratings) {
  int bits = 0;
  while (bits < kMostBucketBits && (ratings >> bits) > kBucketRatings) ++bits;
  return bits;
}

struct Draws {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;

  RandomBits operator()(std::uint64_t index) const { return random_bits(seed, Purpose::shuffle, index, epoch); }

  /// Calls f(rating, its bucket) for ratings begin .. end - 1; `begin` must be a multiple of kDrawsPerCall.
  template <class F>
  void for_buckets(Position begin, Position end, int bits, const F& f) const {
    for (Position first = begin; first < end; first += kDrawsPerCall) {
      const RandomBits drawn = (*this)(static_cast<std::uint64_t>(first / kDrawsPerCall));
      const Position count = std::min(kDrawsPerCall, end - first);
      for (Position n = 0; n < count; ++n) {
        const std::uint32_t half = drawn.word[n / 2] >> (16 * (n % 2)) & 0xFFFF;
        f(first + n, static_cast<Position>(half >> (16 - bits)));
      }
    }
  }
};

/// The random words of one bucket. Their indices have the highest bit set, those of for_buckets have not.
class Words {
 public:
  Words(const Draws& draws, Position bucket)
      : draws_(draws), index_(std::uint64_t{1} << 63 | static_cast<std::uint64_t>(bucket) << 48) {}

  /// Uniform in 0 .. bound - 1, without bias: the products that fall on a value once too often are drawn again
  /// (Lemire: Fast random integer generation in an interval. TOMACS 2019).
  Position below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t surplus = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < surplus) product = std::uint64_t{next()} * bound;
    }
    return static_cast<Position>(product >> 32);
  }

 private:
  std::uint32_t next() {
    if (used_ == 4) {
      bits_ = draws_(index_++);
      used_ = 0;
    }
    return bits_.word[used_++];
  }

  Draws draws_;
  std::uint64_t index_;
  RandomBits bits_{};
  int used_ = 4;
};

/// values[n] = what was values[order[n]].
template <class T>
void reorder(Span<T, Host> values, const HostBuffer<std::int32_t>& order, HostBuffer<T>& before) {
  std::copy(values.begin(), values.end(), before.begin());
  for (Position n = 0; n < values.size; ++n) values[n] = before[order[n]];
}

/// Fisher-Yates over the positions in the bucket, then each array by itself: 4 bytes a rating are in use at a time, and
/// those of a bucket are in the first cache.
void shuffle_bucket(Words words, Position first, Position count, Ratings& ratings) {
  HostBuffer<std::int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (Position n = count; n > 1; --n) std::swap(order[n - 1], order[words.below(static_cast<std::uint32_t>(n))]);
  HostBuffer<RowId> rows(count);
  HostBuffer<float> values(count);
  reorder(ratings.user.span().part(first, count), order, rows);
  reorder(ratings.item.span().part(first, count), order, rows);
  reorder(ratings.value.span().part(first, count), order, values);
}

/// counts[part][bucket] -> where the part's first rating of the bucket goes. Returns where buckets start, and the end.
HostBuffer<Position> places_of(HostBuffer<Position>& counts, Position parts, Position buckets) {
  HostBuffer<Position> starts(buckets + 1);
  Position place = 0;
  for (Position b = 0; b < buckets; ++b) {
    starts[b] = place;
    for (Position part = 0; part < parts; ++part) place += std::exchange(counts[part * buckets + b], place);
  }
  starts[buckets] = place;
  return starts;
}

}  // namespace

void shuffle_ratings(ThreadPool& pool, const RatingsView<Host>& from, std::uint64_t seed, std::uint32_t epoch,
                     Ratings& to) {
  const Draws draws{seed, epoch};
  const int bits = bucket_bits(from.size());
  const Position buckets = Position{1} << bits;
  const Position wanted = (from.size() + kPartsPerThread * pool.size() - 1) / (kPartsPerThread * pool.size());
  const Position part = std::max<Position>(1, (wanted + kDrawsPerCall - 1) / kDrawsPerCall) * kDrawsPerCall;
  const Position parts = (from.size() + part - 1) / part;

  HostBuffer<Position> places(parts * buckets, 0);
  pool.for_chunks(from.size(), part, [&](Position begin, Position end) {
    Position* counts = places.data() + begin / part * buckets;
    draws.for_buckets(begin, end, bits, [&](Position, Position bucket) { ++counts[bucket]; });
  });
  const HostBuffer<Position> starts = places_of(places, parts, buckets);
  pool.for_chunks(from.size(), part, [&](Position begin, Position end) {
    Position* place = places.data() + begin / part * buckets;
    draws.for_buckets(begin, end, bits, [&](Position rating, Position bucket) {
      const Position there = place[bucket]++;
      to.user[there] = from.user[rating];
      to.item[there] = from.item[rating];
      to.value[there] = from.value[rating];
    });
  });
  pool.for_each(buckets, [&](Position b) { shuffle_bucket({draws, b}, starts[b], starts[b + 1] - starts[b], to); });
}

}  // namespace wf
