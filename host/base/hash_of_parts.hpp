// XXH3, 64 bits wide, of bytes whose parts are read side by side: what Hash gives, without one pass from end to end.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/types.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace wf {

/// XXH3 goes through blocks of 1024 bytes. What a block adds does not depend on those before; only the step from one
/// block to the next does, and it needs 64 bytes of each. Those are what a part keeps: 1/16 of its bytes.
/// The format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, "XXH3 Algorithm (for long inputs)".
class HashOfPart {
 public:
  static constexpr Position kBlock = 1024;
  /// Inputs of up to as many bytes are hashed in another way, which has no parts.
  static constexpr Position kShort = 240;
  using State = std::array<std::uint64_t, 8>;

  HashOfPart() = default;
  /// Of the blocks that begin at `first` or behind it, of `total` bytes in all.
  HashOfPart(Position first, Position total);

  /// The next bytes from `first` on. Those of the part before's last block are passed over.
  void add(const char* bytes, Position size);
  /// Bytes behind those added that its last block still needs; they are another part's, too.
  Position missing() const { return pending_ > 0 ? kBlock - pending_ : 0; }

  static State begin();
  /// The state behind all parts before -> behind this one.
  State joined(State state) const;
  /// Where the bytes begin that finish() wants: up to kBlock + 64 at the end.
  static Position tail_begin(Position total);
  /// The hash of all `total` > kShort bytes, of which `tail` are the last, from tail_begin on.
  static std::uint64_t finish(State state, std::string_view tail, Position total);

 private:
  void add_block(const char* block);

  Position next_ = 0, end_ = 0;       // where the block begins that is not yet complete, and where no more begin
  Position place_ = 0;                // of the next byte
  Position pending_ = 0;              // bytes of that block which are there
  std::array<char, kBlock> block_{};  // they
  HostBuffer<State> sums_;            // of each block
};

}  // namespace wf
