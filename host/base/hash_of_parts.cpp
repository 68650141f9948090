#include "host/base/hash_of_parts.hpp"

#include <algorithm>
#include <cstring>

namespace wf {
namespace {

constexpr Position kStripe = 64;  // bytes
constexpr std::uint64_t kPrime32[] = {0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D};
constexpr std::uint64_t kPrime64[] = {0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                                      0x27D4EB2F165667C5};
constexpr std::uint64_t kAvalanche = 0x165667919E3779F9;
// the format's default secret
constexpr unsigned char kSecret[] = {
    0xB8, 0xFE, 0x6C, 0x39, 0x23, 0xA4, 0x4B, 0xBE, 0x7C, 0x01, 0x81, 0x2C, 0xF7, 0x21, 0xAD, 0x1C, 0xDE, 0xD4,
    0x6D, 0xE9, 0x83, 0x90, 0x97, 0xDB, 0x72, 0x40, 0xA4, 0xA4, 0xB7, 0xB3, 0x67, 0x1F, 0xCB, 0x79, 0xE6, 0x4E,
    0xCC, 0xC0, 0xE5, 0x78, 0x82, 0x5A, 0xD0, 0x7D, 0xCC, 0xFF, 0x72, 0x21, 0xB8, 0x08, 0x46, 0x74, 0xF7, 0x43,
    0x24, 0x8E, 0xE0, 0x35, 0x90, 0xE6, 0x81, 0x3A, 0x26, 0x4C, 0x3C, 0x28, 0x52, 0xBB, 0x91, 0xC3, 0x00, 0xCB,
    0x88, 0xD0, 0x65, 0x8B, 0x1B, 0x53, 0x2E, 0xA3, 0x71, 0x64, 0x48, 0x97, 0xA2, 0x0D, 0xF9, 0x4E, 0x38, 0x19,
    0xEF, 0x46, 0xA9, 0xDE, 0xAC, 0xD8, 0xA8, 0xFA, 0x76, 0x3F, 0xE3, 0x9C, 0x34, 0x3F, 0xF9, 0xDC, 0xBB, 0xC7,
    0xC7, 0x0B, 0x4F, 0x1D, 0x8A, 0x51, 0xE0, 0x4B, 0xCD, 0xB4, 0x59, 0x31, 0xC8, 0x9F, 0x7E, 0xC9, 0xD9, 0x78,
    0x73, 0x64, 0xEA, 0xC5, 0xAC, 0x83, 0x34, 0xD3, 0xEB, 0xC3, 0xC5, 0x81, 0xA0, 0xFF, 0xFA, 0x13, 0x63, 0xEB,
    0x17, 0x0D, 0xDD, 0x51, 0xB7, 0xF0, 0xDA, 0x49, 0xD3, 0x16, 0x55, 0x26, 0x29, 0xD4, 0x68, 0x9E, 0x2B, 0x16,
    0xBE, 0x58, 0x7D, 0x47, 0xA1, 0xFC, 0x8F, 0xF8, 0xB8, 0xD1, 0x7A, 0xD0, 0x31, 0xCE, 0x45, 0xCB, 0x3A, 0x8F,
    0x95, 0x16, 0x04, 0x28, 0xAF, 0xD7, 0xFB, 0xCA, 0xBB, 0x4B, 0x40, 0x7E,
};
constexpr Position kSecretOfScramble = 192 - kStripe, kSecretOfLastStripe = 192 - kStripe - 7, kSecretOfMerge = 11;

std::uint64_t word_at(const void* bytes, Position place) {
  std::uint64_t word = 0;
  std::memcpy(&word, static_cast<const char*>(bytes) + place, sizeof word);
  return word;
}

void add_stripe(HashOfPart::State& sums, const char* stripe, Position secret) {
  std::uint64_t words[8], keys[8];
  std::memcpy(words, stripe, sizeof words);
  std::memcpy(keys, kSecret + secret, sizeof keys);
  for (std::size_t lane = 0; lane < 8; ++lane) {
    const std::uint64_t key = words[lane] ^ keys[lane];
    sums[lane] += words[lane ^ 1] + (key & 0xFFFFFFFF) * (key >> 32);
  }
}

void add_stripes(HashOfPart::State& state, std::string_view bytes) {
  HashOfPart::State sums = state;  // in registers
  const auto stripes = static_cast<Position>(bytes.size()) / kStripe;
  for (Position n = 0; n < stripes; ++n) add_stripe(sums, bytes.data() + n * kStripe, 8 * n);
  state = sums;
}

void scramble(HashOfPart::State& state) {
  for (int lane = 0; lane < 8; ++lane) {
    std::uint64_t& word = state[static_cast<std::size_t>(lane)];
    word = (word ^ word >> 47 ^ word_at(kSecret, kSecretOfScramble + 8 * lane)) * kPrime32[0];
  }
}

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Bytes of the blocks that others follow: the last one, complete or not, is finish()'s.
Position bytes_in_blocks(Position total) {
  return total > 0 ? (total - 1) / HashOfPart::kBlock * HashOfPart::kBlock : 0;
}

}  // namespace

HashOfPart::HashOfPart(Position first, Position total)
    : next_((first + kBlock - 1) / kBlock * kBlock), end_(bytes_in_blocks(total)), place_(first) {}

void HashOfPart::add(const char* bytes, Position size) {
  const auto pass = [&](Position count) {
    bytes += count;
    size -= count;
    place_ += count;
  };
  pass(std::clamp<Position>(next_ - place_, 0, size));
  while (size > 0 && next_ < end_) {
    const Position count = std::min(kBlock - pending_, size);
    if (count == kBlock) {
      add_block(bytes);
    } else {
      std::memcpy(block_.data() + pending_, bytes, static_cast<std::size_t>(count));
      pending_ += count;
      if (pending_ == kBlock) add_block(block_.data());
    }
    pass(count);
  }
}

void HashOfPart::add_block(const char* block) {
  State sums{};
  add_stripes(sums, {block, kBlock});
  sums_.push_back(sums);
  next_ += kBlock;
  pending_ = 0;
}

HashOfPart::State HashOfPart::begin() {
  return {kPrime32[2], kPrime64[0], kPrime64[1], kPrime64[2], kPrime64[3], kPrime32[1], kPrime64[4], kPrime32[0]};
}

HashOfPart::State HashOfPart::joined(State state) const {
  for (const State& sums : sums_) {
    for (std::size_t lane = 0; lane < 8; ++lane) state[lane] += sums[lane];
    scramble(state);
  }
  return state;
}

Position HashOfPart::tail_begin(Position total) {
  return std::max<Position>(0, bytes_in_blocks(total) - kStripe);
}

std::uint64_t HashOfPart::finish(State state, std::string_view tail, Position total) {
  const std::string_view block = tail.substr(static_cast<std::size_t>(bytes_in_blocks(total) - tail_begin(total)));
  add_stripes(state, block.substr(0, block.size() - 1));  // the last byte is the last stripe's
  add_stripe(state, tail.data() + tail.size() - kStripe, kSecretOfLastStripe);
  std::uint64_t hash = static_cast<std::uint64_t>(total) * kPrime64[0];
  for (std::size_t pair = 0; pair < 4; ++pair) {
    const Position secret = kSecretOfMerge + 16 * static_cast<Position>(pair);
    hash +=
        folded_product(state[2 * pair] ^ word_at(kSecret, secret), state[2 * pair + 1] ^ word_at(kSecret, secret + 8));
  }
  hash = (hash ^ hash >> 37) * kAvalanche;
  return hash ^ hash >> 32;
}

}  // namespace wf
