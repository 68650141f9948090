// XXH3, 64 bits wide, of bytes that come in parts: it tells damage and other data apart, not forgeries.
#pragma once
#include "host/base/types.hpp"

#include <cstdint>
#include <memory>
#include <string>

struct XXH3_state_s;

namespace wf {

std::string hash_text(std::uint64_t hash);  ///< 16 hex digits

std::uint64_t hash_of_bytes(const void* data, Position bytes);

/// Of all bytes so far; the parts that they came in do not matter. The value is that of the library's one-shot
/// XXH3_64bits over the same bytes.
class Hash {
 public:
  Hash();
  void add(const void* data, Position bytes);
  std::uint64_t value() const;
  std::string text() const { return hash_text(value()); }

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace wf
