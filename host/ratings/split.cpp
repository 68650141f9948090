#include "host/ratings/split.hpp"

#include "host/base/philox.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace wf {

// Selection sampling (Knuth, The Art of Computer Programming vol. 2, 3.4.2, algorithm S): one pass, in order, an exact
// count.
Ratings split_off(Ratings& ratings, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw std::invalid_argument("a split needs a fraction from 0 to 1, not " + std::to_string(fraction));
  }
  const Position n = ratings.size();
  Position wanted = std::llround(fraction * static_cast<double>(n));
  Ratings taken;
  taken.user.reserve(wanted);
  taken.item.reserve(wanted);
  taken.value.reserve(wanted);
  Position kept = 0;
  for (Position p = 0; p < n; ++p) {
    const RandomBits bits = random_bits(seed, Purpose::split, static_cast<std::uint64_t>(p));
    const auto draw = static_cast<Position>(to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(n - p)));
    if (draw < wanted) {
      taken.push_back(ratings.user[p], ratings.item[p], ratings.value[p]);
      --wanted;
    } else {
      ratings.user[kept] = ratings.user[p];
      ratings.item[kept] = ratings.item[p];
      ratings.value[kept] = ratings.value[p];
      ++kept;
    }
  }
  ratings.user.resize(kept);
  ratings.item.resize(kept);
  ratings.value.resize(kept);
  return taken;
}

}  // namespace wf
