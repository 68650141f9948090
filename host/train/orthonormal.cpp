#include "host/train/orthonormal.hpp"

#include "host/base/error.hpp"

#include <string>

namespace wf {

int sketch_columns(const TrainConfig& config, Position rows) {
  if (config.rank > rows) {
    throw UsageError("a matrix whose shorter side has " + std::to_string(rows) + " rows has no more singular values",
                     "take --rank " + std::to_string(rows) + " or less, now " + std::to_string(config.rank));
  }
  constexpr int kLine = 16;
  const int wanted = (config.rank + config.oversample + kLine - 1) / kLine * kLine;
  return static_cast<int>(std::min<Position>(wanted, rows));
}

void draw_signs(HostBuffer<float>& values, std::uint64_t seed, std::uint32_t stream) {
  constexpr Position kAtOnce = 128, kWord = 32;
  for (Position first = 0; first < values.size(); first += kAtOnce) {
    const RandomBits bits = random_bits(seed, Purpose::sketch, static_cast<std::uint64_t>(first / kAtOnce), stream);
    for (Position n = first; n < std::min(first + kAtOnce, values.size()); ++n) {
      const Position bit = n - first;
      values[n] = (bits.word[bit / kWord] >> (bit % kWord) & 1U) != 0 ? 1.0F : -1.0F;
    }
  }
}

void fix_signs(Tables& tables, int rank) {
  HostBuffer<float> largest(rank, 0);
  for (Position n = 0; n < tables.item_factors.size(); ++n) {
    float& so_far = largest[n % rank];
    if (std::fabs(tables.item_factors[n]) > std::fabs(so_far)) so_far = tables.item_factors[n];
  }
  for (HostBuffer<float>* table : {&tables.user_factors, &tables.item_factors}) {
    for (Position n = 0; n < table->size(); ++n) {
      if (largest[n % rank] < 0) (*table)[n] = -(*table)[n];
    }
  }
}

}  // namespace wf
