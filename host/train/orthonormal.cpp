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
  HostBuffer<float> largest(rank), sign(rank);
  for (int f = 0; f < rank; ++f) largest[f] = 0;
  for (Position row = 0; row < tables.item_factors.size(); row += rank) {
    const float* const factors = tables.item_factors.data() + row;
    for (int f = 0; f < rank; ++f) {
      if (std::fabs(factors[f]) > std::fabs(largest[f])) largest[f] = factors[f];
    }
  }
  for (int f = 0; f < rank; ++f) sign[f] = largest[f] < 0 ? -1.0F : 1.0F;
  for (HostBuffer<float>* table : {&tables.user_factors, &tables.item_factors}) {
    for (Position row = 0; row < table->size(); row += rank) {
      for (int f = 0; f < rank; ++f) (*table)[row + f] *= sign[f];
    }
  }
}

}  // namespace wf
