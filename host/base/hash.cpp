#include "host/base/hash.hpp"

#include <xxhash.h>

#include <new>

namespace wf {

std::string hash_text(std::uint64_t hash) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (int digit = 0; digit < 16; ++digit) {
    text[static_cast<std::size_t>(15 - digit)] = kDigits[hash >> (4 * digit) & 15];
  }
  return text;
}

std::uint64_t hash_of_bytes(const void* data, Position bytes) {
  return XXH3_64bits(data, static_cast<std::size_t>(bytes));
}

void Hash::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

Hash::Hash() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state_.get());
}

void Hash::add(const void* data, Position bytes) {
  if (bytes > 0) XXH3_64bits_update(state_.get(), data, static_cast<std::size_t>(bytes));
}

std::uint64_t Hash::value() const {
  return XXH3_64bits_digest(state_.get());
}

}  // namespace wf
