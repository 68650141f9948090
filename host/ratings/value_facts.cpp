#include "host/ratings/value_facts.hpp"

#include "host/base/fixed_point.hpp"
#include "host/base/host_buffer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace wf {
namespace {

constexpr Position kChunk = 1 << 16;  // values; 90 us

struct Bounds {
  float least = std::numeric_limits<float>::infinity(), most = -std::numeric_limits<float>::infinity();
  bool finite = true;

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

  void operator+=(const Sums& other) {
    sum += other.sum;
    squares += other.squares;
  }
};

/// part(begin, end) of every chunk, put together: the order makes no difference to what is put together here.
template <class Part, class OfChunk>
Part reduced(Position n, ThreadPool& pool, const OfChunk& of_chunk) {
  HostBuffer<Part> parts((n + kChunk - 1) / kChunk);
  pool.for_chunks(n, kChunk, [&](Position begin, Position end) { parts[begin / kChunk] = of_chunk(begin, end); });
  Part all;
  for (const Part& part : parts) all += part;
  return all;
}

Bounds bounds_of(Span<const float, Host> values, ThreadPool& pool) {
  return reduced<Bounds>(values.size, pool, [&](Position begin, Position end) {
    Bounds bounds;
    for (Position n = begin; n < end; ++n) bounds.add(values[n]);
    return bounds;
  });
}

}  // namespace

float largest_magnitude(Span<const float, Host> values, ThreadPool& pool) {
  const Bounds bounds = bounds_of(values, pool);
  if (values.empty()) return 0;
  return bounds.finite ? std::max(-bounds.least, bounds.most) : std::numeric_limits<float>::quiet_NaN();
}

// Distances from the middle of the values are summed, not the values: they are smaller, so that more fractional bits
// fit, and the difference of the squares' mean and the mean's square does not cancel for values far from 0.
ValueFacts facts_of(Span<const float, Host> values, int threads) {
  if (values.empty()) return {};
  ThreadPool pool(useful_threads(threads, (values.size + kChunk - 1) / kChunk));
  const Bounds bounds = bounds_of(values, pool);
  if (!bounds.finite) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return {values.size, kNone, kNone, bounds.least, bounds.most};
  }
  const double middle = (static_cast<double>(bounds.least) + static_cast<double>(bounds.most)) / 2;
  const double furthest = static_cast<double>(bounds.most) - middle;
  const FixedPoint distances(furthest, values.size), squares(furthest * furthest, values.size);
  const Sums sums = reduced<Sums>(values.size, pool, [&](Position begin, Position end) {
    Sums part;
    for (Position n = begin; n < end; ++n) {
      const double distance = static_cast<double>(values[n]) - middle;
      part.sum += distances.of(distance);
      part.squares += squares.of(distance * distance);
    }
    return part;
  });
  const auto count = static_cast<double>(values.size);
  const double mean = distances.value(sums.sum) / count;
  const double variance = squares.value(sums.squares) / count - mean * mean;
  return {values.size, middle + mean, std::sqrt(std::max(0.0, variance)), bounds.least, bounds.most};
}

}  // namespace wf
