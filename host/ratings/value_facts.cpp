#include "host/ratings/value_facts.hpp"

#include "host/base/host_buffer.hpp"
#include "host/base/thread_pool.hpp"

#include <algorithm>
#include <cmath>

namespace wf {
namespace {

constexpr Position kChunk = 1 << 16;  // values; 90 us

struct Sums {
  double sum = 0, squares = 0;
  float least = 0, most = 0;
};

Sums sums_of(const float* values, Position count) {
  Sums sums{0, 0, values[0], values[0]};
  for (Position n = 0; n < count; ++n) {
    const auto value = static_cast<double>(values[n]);
    sums.sum += value;
    sums.squares += value * value;
    sums.least = std::min(sums.least, values[n]);
    sums.most = std::max(sums.most, values[n]);
  }
  return sums;
}

}  // namespace

ValueFacts facts_of(Span<const float, Host> values, int threads) {
  if (values.empty()) return {};
  const Position chunks = (values.size + kChunk - 1) / kChunk;
  HostBuffer<Sums> parts(chunks);
  ThreadPool pool(useful_threads(threads, chunks));
  pool.for_chunks(values.size, kChunk, [&](Position begin, Position end) {
    parts[begin / kChunk] = sums_of(values.data + begin, end - begin);
  });
  Sums all{0, 0, values[0], values[0]};
  for (const Sums& part : parts) {
    all.sum += part.sum;
    all.squares += part.squares;
    all.least = std::min(all.least, part.least);
    all.most = std::max(all.most, part.most);
  }
  const auto count = static_cast<double>(values.size);
  const double mean = all.sum / count;
  return {values.size, mean, std::sqrt(std::max(0.0, all.squares / count - mean * mean)), all.least, all.most};
}

}  // namespace wf
