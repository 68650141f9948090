#include "host/ratings/synthetic.hpp"

#include "host/base/error.hpp"
#include "host/base/host_buffer.hpp"
#include "host/base/philox.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace wf {
namespace {

constexpr int kGuides = 1 << 16;      // entries of the table that inverts a popularity law
constexpr Position kChunk = 1 << 16;  // ratings drawn at once by a thread: 4 ms

/// Streams of Purpose::synthetic: what a number is drawn for.
enum Stream : std::uint32_t { kRating = 1, kUserFactor, kItemFactor, kUserOffset, kItemOffset, kUserName, kItemName };

double normal(std::uint64_t seed, Stream stream, Position index) {
  const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(index), stream);
  constexpr double kTwoPi = 6.283185307179586;
  return std::sqrt(-2 * std::log(to_unit_double(bits.word[0], bits.word[1]))) *
         std::cos(kTwoPi * to_unit_double(bits.word[2], bits.word[3]));
}

/// Rank r = 0 .. n - 1 with weight (r + 1)^-skew, drawn by inverting the continuous law; the name of a rank is a random
/// permutation of the rows.
class Popularity {
 public:
  Popularity(Position n, double skew, std::uint64_t seed, Stream stream) : names_(n), guide_(kGuides + 1) {
    for (Position r = 0; r < n; ++r) names_[r] = static_cast<std::int32_t>(r);
    for (Position r = n - 1; r > 0; --r) {
      const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(r), stream);
      const auto other = static_cast<Position>(to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(r) + 1));
      std::swap(names_[r], names_[other]);
    }
    for (int g = 0; g <= kGuides; ++g) guide_[g] = quantile(static_cast<double>(g) / kGuides, n, skew);
  }

  /// 32 random bits -> a row: the table entry of the upper 16 bits, the lower ones interpolate.
  std::int32_t draw(std::uint32_t word) const {
    const double low = guide_[word >> 16];
    const double high = guide_[(word >> 16) + 1];
    const double rank = low + (high - low) * ((word & 0xFFFF) * 0x1p-16);
    return names_[std::min(static_cast<Position>(rank), names_.size() - 1)];
  }

 private:
  /// Where the integral of x^-skew from 1 reaches the share `p` of its value at n + 1, less 1.
  static double quantile(double p, Position n, double skew) {
    const double end = static_cast<double>(n) + 1;
    if (std::fabs(skew - 1) < 1e-9) return std::pow(end, p) - 1;
    return std::pow(1 + p * (std::pow(end, 1 - skew) - 1), 1 / (1 - skew)) - 1;
  }

  HostBuffer<std::int32_t> names_;
  HostBuffer<double> guide_;
};

/// n normals of a stream: 40 ns each, and a shape plants rank + 1 of them a row.
HostBuffer<float> planted(Position n, double deviation, std::uint64_t seed, Stream stream, ThreadPool& pool) {
  HostBuffer<float> values(n);
  constexpr Position kNormals = 4096;
  pool.for_chunks(n, kNormals, [&](Position begin, Position end) {
    for (Position f = begin; f < end; ++f) values[f] = static_cast<float>(deviation * normal(seed, stream, f));
  });
  return values;
}

/// Planted table [n x rank] and biases [n], per row.
struct Planted {
  HostBuffer<float> factors, biases;
};

/// Nearly normal with deviation 1: the sum of four uniforms of 16 bits (Irwin-Hall), without a logarithm per rating.
float rough_normal(std::uint32_t first, std::uint32_t second) {
  const auto sum = static_cast<float>((first & 0xFFFF) + (first >> 16) + (second & 0xFFFF) + (second >> 16));
  constexpr float kMean = 2 * 65535.0F;
  constexpr float kScale = 1 / (65536 * 0.57735027F);  // deviation of the sum: sqrt(4 / 12)
  return (sum - kMean) * kScale;
}

void check(const SyntheticShape& shape) {
  const auto rows_fit = [](Position n) { return n >= 1 && n <= kMaxRows; };
  if (!rows_fit(shape.n_users) || !rows_fit(shape.n_items) || shape.n_ratings < 1) {
    throw UsageError("a synthetic shape needs 1 to 2147483647 users and items, and at least 1 rating",
                     "--users, --items and --ratings");
  }
  const auto from_zero = [](double value) { return std::isfinite(value) && value >= 0; };
  if (shape.rank < 0 || shape.rank > kMaxRank || !from_zero(shape.noise)) {
    throw UsageError("a synthetic shape needs a rank from 0 to 4096 and finite noise from 0", "--rank and --noise");
  }
  if (!from_zero(shape.user_skew) || !from_zero(shape.item_skew)) {
    throw UsageError("a synthetic shape needs finite skews from 0");
  }
  if (!std::isfinite(shape.low) || !std::isfinite(shape.high) || !(shape.step > 0) ||
      !(shape.high - shape.low >= shape.step)) {
    throw UsageError("a synthetic shape needs a finite scale: low, high at least a positive step above it");
  }
}

}  // namespace

const std::vector<SyntheticShape>& synthetic_shapes() {
  static const std::vector<SyntheticShape> shapes{
      {"tiny", 50, 40, 500},
      {"ml-100k", 943, 1682, 100'000},
      {"ml-1m", 6040, 3706, 1'000'209},
      {"ml-10m", 69'878, 10'677, 10'000'054},
      {"ml-20m", 138'493, 26'744, 20'000'263},
      {"ml-25m", 162'541, 59'047, 25'000'095},
      {"netflix-4", 120'047, 17'770, 25'120'126},
      {"netflix", 480'189, 17'770, 100'480'507},
      {"hugewiki", 50'082'603, 39'780, 3'069'817'980},
  };
  return shapes;
}

struct SyntheticRatings::State {
  SyntheticShape shape;
  std::uint64_t seed;
  Popularity users, items;
  Planted user, item;
};

SyntheticRatings::SyntheticRatings(const SyntheticShape& shape, std::uint64_t seed, ThreadPool& pool) {
  check(shape);
  // deviations on a scale from 0.5 to 5: with the usual noise 26 % of the variance are biases, 37 % factors; rounded
  // and clipped, ratings deviate by about 1, as MovieLens's do
  constexpr double kUserBias = 0.36, kItemBias = 0.42;
  constexpr double kFactorDeviation = 0.66;  // of <p, q>
  const double element = shape.rank > 0 ? std::sqrt(kFactorDeviation / std::sqrt(static_cast<double>(shape.rank))) : 0;
  const auto plant = [&](Position n, double bias, Stream factor_stream, Stream bias_stream) {
    return Planted{planted(checked_product(n, shape.rank), element, seed, factor_stream, pool),
                   planted(n, bias, seed, bias_stream, pool)};
  };
  state_ = std::make_unique<State>(State{shape, seed, Popularity(shape.n_users, shape.user_skew, seed, kUserName),
                                         Popularity(shape.n_items, shape.item_skew, seed, kItemName),
                                         plant(shape.n_users, kUserBias, kUserFactor, kUserOffset),
                                         plant(shape.n_items, kItemBias, kItemFactor, kItemOffset)});
}

SyntheticRatings::~SyntheticRatings() = default;

Position SyntheticRatings::size() const {
  return state_->shape.n_ratings;
}

void SyntheticRatings::draw(Position first, Position count, SyntheticRating* out) const {
  const auto& [shape, seed, users, items, user, item] = *state_;
  const auto low = static_cast<float>(shape.low);
  const auto high = static_cast<float>(shape.high);
  const auto step = static_cast<float>(shape.step);
  const float mean = low + (high - low) * 2 / 3;  // 3.5 of 0.5 to 5
  const float unit_size = (high - low) / 4.5F;    // planted deviations are in units of a scale from 0.5 to 5
  // the highest step of the scale; 0.3 / 0.1 comes out below 3
  const auto last = static_cast<float>(std::floor((shape.high - shape.low) / shape.step * (1 + 1e-9)));
  for (Position n = first; n < first + count; ++n) {
    const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(n), kRating);
    SyntheticRating& rating = *out++;
    rating.user = users.draw(bits.word[0]);
    rating.item = items.draw(bits.word[1]);
    const float* p = user.factors.data() + Position{rating.user} * shape.rank;
    const float* q = item.factors.data() + Position{rating.item} * shape.rank;
    float score = user.biases[rating.user] + item.biases[rating.item];
    for (int f = 0; f < shape.rank; ++f) score += p[f] * q[f];
    score += static_cast<float>(shape.noise) * rough_normal(bits.word[2], bits.word[3]);
    const float steps = std::clamp(std::round((mean + unit_size * score - low) / step), 0.0F, last);
    rating.value = std::min(low + steps * step, high);
  }
}

void synthesize(const SyntheticShape& shape, std::uint64_t seed,
                const std::function<void(const SyntheticRating* ratings, Position count)>& emit, int threads) {
  ThreadPool pool(threads);
  const SyntheticRatings ratings(shape, seed, pool);
  HostBuffer<SyntheticRating> round(std::min(ratings.size(), kChunk * pool.size()));
  for (Position begin = 0; begin < ratings.size(); begin += round.size()) {
    const Position count = std::min(round.size(), ratings.size() - begin);
    pool.for_chunks(count, kChunk, [&](Position first, Position end) {
      ratings.draw(begin + first, end - first, round.data() + first);
    });
    emit(round.data(), count);
  }
}

}  // namespace wf
