#include "host/ratings/value_facts.hpp"

#include "host/base/fixed_point.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

namespace wf {
namespace {

constexpr Position kValuesAtOnce = 1 << 16;  // values; 90 us

struct Bounds {
  float least = std::numeric_limits<float>::infinity(), most = -std::numeric_limits<float>::infinity();
  bool finite = true;

  /// Of all ranks.
  void join(Ranks& ranks) {
    double values[] = {-static_cast<double>(least), static_cast<double>(most), finite ? 0.0 : 1.0};
    ranks.most({values, std::size(values)});
    *this = {static_cast<float>(-values[0]), static_cast<float>(values[1]), values[2] == 0};
  }
  void add(float value) {
    least = std::min(least, value);
    most = std::max(most, value);
    finite &= std::isfinite(value);
  }
  void operator+=(const Bounds& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
    finite &= other.finite;
  }
};

struct Sums {
  std::int64_t sum = 0, squares = 0;

  void join(Ranks& ranks) {
    std::int64_t values[] = {sum, squares};
    ranks.sum({values, std::size(values)});
    *this = {values[0], values[1]};
  }
  void operator+=(const Sums& other) {
    sum += other.sum;
    squares += other.squares;
  }
};

Bounds bounds_of(Span<const float, Host> values) {
  Bounds bounds;
  for (const float value : values) bounds.add(value);
  return bounds;
}

/// of_part(ratings) of all parts, put together: the order makes no difference to what is put together here.
template <class Part, class OfPart>
Part reduced(const RatingSource& ratings, ThreadPool& pool, const OfPart& of_part) {
  std::vector<Part> shares(static_cast<std::size_t>(pool.size()));
  ratings.for_parts(pool, [&](int share, const RatingPart& part) {
    shares[static_cast<std::size_t>(share)] += of_part(part.ratings.value);
  });
  Part all;
  for (const Part& share : shares) all += share;
  all.join(ratings.ranks());
  return all;
}

}  // namespace

float largest_magnitude(Span<const float, Host> values, ThreadPool& pool) {
  HostBuffer<Bounds> parts((values.size + kValuesAtOnce - 1) / kValuesAtOnce);
  pool.for_chunks(values.size, kValuesAtOnce, [&](Position begin, Position end) {
    parts[begin / kValuesAtOnce] = bounds_of(values.part(begin, end - begin));
  });
  Bounds bounds;
  for (const Bounds& part : parts) bounds += part;
  if (values.empty()) return 0;
  return bounds.finite ? std::max(-bounds.least, bounds.most) : std::numeric_limits<float>::quiet_NaN();
}

double mean_of(Span<const float, Host> values, ThreadPool& pool, Ranks& ranks) {
  auto largest = static_cast<double>(largest_magnitude(values, pool));
  ranks.most({&largest, 1});
  const Position count = ranks.sum(values.size);
  const FixedPoint terms(largest, count);
  std::atomic<std::int64_t> sum{0};
  pool.for_chunks(values.size, kValuesAtOnce, [&](Position begin, Position end) {
    std::int64_t part = 0;
    for (Position n = begin; n < end; ++n) part += terms.of(static_cast<double>(values[n]));
    sum += part;
  });
  return terms.value(ranks.sum(sum)) / static_cast<double>(std::max<Position>(count, 1));
}

// Distances from the middle of the values are summed, not the values: they are smaller, so that more fractional bits
// fit, and the difference of the squares' mean and the mean's square does not cancel for values far from 0.
ValueFacts facts_of(const RatingSource& ratings, int threads) {
  const Position total = ratings.total();
  if (total == 0) return {};
  ThreadPool pool(useful_threads(threads, (ratings.size() + kValuesAtOnce - 1) / kValuesAtOnce));
  const auto bounds = reduced<Bounds>(ratings, pool, bounds_of);
  if (!bounds.finite) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return {total, kNone, kNone, bounds.least, bounds.most};
  }
  const double middle = (static_cast<double>(bounds.least) + static_cast<double>(bounds.most)) / 2;
  const double furthest = static_cast<double>(bounds.most) - middle;
  const FixedPoint distances(furthest, total), squares(furthest * furthest, total);
  const Sums sums = reduced<Sums>(ratings, pool, [&](Span<const float, Host> values) {
    Sums part;
    for (const float value : values) {
      const double distance = static_cast<double>(value) - middle;
      part.sum += distances.of(distance);
      part.squares += squares.of(distance * distance);
    }
    return part;
  });
  const auto count = static_cast<double>(total);
  const double mean = distances.value(sums.sum) / count;
  const double variance = squares.value(sums.squares) / count - mean * mean;
  return {total, middle + mean, std::sqrt(std::max(0.0, variance)), bounds.least, bounds.most};
}

}  // namespace wf
