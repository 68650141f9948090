// The hash of bytes whose parts are hashed apart is that of the library over all of them.
#include "host/base/hash_of_parts.hpp"
#include "host/base/hash.hpp"
#include "host/base/philox.hpp"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <string>
#include <vector>

namespace wf {
namespace {

std::string random_bytes(Position count) {
  std::string bytes;
  for (Position n = 0; n < count; ++n) {
    bytes.push_back(
        static_cast<char>(random_bits(3, Purpose::synthetic, static_cast<std::uint64_t>(n)).word[0] & 0xFF));
  }
  return bytes;
}

/// Of parts that end at `ends`, each added in pieces of `piece` bytes.
std::uint64_t hash_in_parts(const std::string& bytes, const std::vector<Position>& ends, Position piece) {
  const auto total = static_cast<Position>(bytes.size());
  HashOfPart::State state = HashOfPart::begin();
  Position first = 0;
  for (const Position end : ends) {
    HashOfPart part(first, total);
    for (Position at = first; at < end; at += piece) part.add(bytes.data() + at, std::min(piece, end - at));
    part.add(bytes.data() + end, part.missing());
    EXPECT_EQ(part.missing(), 0);
    state = part.joined(state);
    first = end;
  }
  return HashOfPart::finish(
      state, std::string_view(bytes).substr(static_cast<std::size_t>(HashOfPart::tail_begin(total))), total);
}

TEST(HashOfParts, IsThatOfAllBytesForEveryLength) {
  const std::string bytes = random_bytes(5000);
  for (std::size_t size = HashOfPart::kShort + 1; size <= bytes.size(); ++size) {
    const std::string some = bytes.substr(0, size);
    const auto total = static_cast<Position>(size);
    EXPECT_EQ(hash_in_parts(some, {total / 3, total}, 700), XXH3_64bits(some.data(), size)) << size;
  }
}

TEST(HashOfParts, IsTheSameWhereverPartsEndAndHoweverTheyAreAdded) {
  const std::string bytes = random_bytes(4500);
  const std::uint64_t expected = XXH3_64bits(bytes.data(), bytes.size());
  for (Position cut = 0; cut <= 4500; ++cut) {
    EXPECT_EQ(hash_in_parts(bytes, {cut, 4500}, 5000), expected) << cut;
    EXPECT_EQ(hash_in_parts(bytes, {cut / 2, cut, cut, std::min<Position>(cut + 1, 4500), 4500}, 1000), expected)
        << cut;
  }
  for (const Position piece : {1, 7, 63, 1023, 1024, 1025, 2048}) {
    EXPECT_EQ(hash_in_parts(bytes, {1000, 2048, 2050, 3000, 4500}, piece), expected) << piece;
  }
}

}  // namespace
}  // namespace wf
