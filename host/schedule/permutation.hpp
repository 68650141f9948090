// Random permutations: Fisher-Yates with numbers that are a function of (seed, purpose, stream, index).
#pragma once
#include "host/base/philox.hpp"

#include <utility>

namespace wf {

/// Calls exchange(a, b) for a = n - 1 .. 1 with a random b <= a: shuffles whatever `exchange` exchanges. Uses the draws
/// from `first_draw` on, n - 1 of them.
template <class Exchange>
void shuffle(Position n, std::uint64_t seed, Purpose purpose, std::uint32_t stream, const Exchange& exchange,
             Position first_draw = 0) {
  RandomBits bits{};
  for (Position a = n - 1; a > 0; --a) {
    const Position draw = first_draw + (n - 1 - a);  // one Philox call serves two draws of 64 bits
    if (draw % 2 == 0 || draw == first_draw)
      bits = random_bits(seed, purpose, static_cast<std::uint64_t>(draw / 2), stream);
    const std::uint32_t* word = bits.word + (draw % 2) * 2;
    exchange(a, static_cast<Position>(to_index(word[0], word[1], static_cast<std::uint64_t>(a) + 1)));
  }
}

/// The same for consecutive values.
template <class T>
void shuffle(T* values, Position n, std::uint64_t seed, Purpose purpose, std::uint32_t stream = 0,
             Position first_draw = 0) {
  shuffle(
      n, seed, purpose, stream, [values](Position a, Position b) { std::swap(values[a], values[b]); }, first_draw);
}

}  // namespace wf
