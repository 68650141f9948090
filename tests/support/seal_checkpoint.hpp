// Sets the checksums of a checkpoint right, so that what lies behind them is reached. docs/formats.md has the layout.
#pragma once
#include "host/base/hash.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace wf::test {

/// Does nothing where so few bytes have no place for them.
inline void seal_checkpoint(char* bytes, Position size) {
  constexpr Position kPiece = 4 << 20;
  std::uint64_t length = 0;
  if (size < 16) return;
  std::memcpy(&length, bytes, sizeof(length));
  if (length > static_cast<std::uint64_t>(size - 16)) return;
  const Position head = 8 + static_cast<Position>(length), rest = size - 8 - head;
  const Position pieces = (rest + kPiece + 7) / (kPiece + 8), data = rest - 8 * pieces;
  if (data < 0) return;
  const auto put = [](std::uint64_t value, char* into) { std::memcpy(into, &value, sizeof(value)); };
  for (Position n = 0; n < pieces; ++n) {
    Hash hash;
    hash.add(bytes + head + n * kPiece, std::min(kPiece, data - n * kPiece));
    put(hash.value(), bytes + head + data + 8 * n);
  }
  Hash hash;
  hash.add(bytes, head);
  hash.add(bytes + head + data, 8 * pieces);
  put(hash.value(), bytes + size - 8);
}

}  // namespace wf::test
