// Copies between host and device: through two pinned chunks, so that one is filled while the other travels, or from
// memory that somebody has pinned. Rows that visit the device have their own (cuda/kernels/visiting_rows.hpp).
#pragma once
#include "cuda/runtime/context.hpp"
#include "cuda/runtime/memory.hpp"
#include "host/base/view.hpp"

#include <array>
#include <initializer_list>

namespace wf {

struct HostBytes {
  const void* data = nullptr;
  Position bytes = 0;
};

class Transfer {
 public:
  /// Largest pinned chunk: PCIe's full rate is reached at about 1 MiB, and pinned memory is taken from everybody.
  static constexpr Position kLargestChunk = Position{4} << 20;

  /// Copies the parts, one behind the other, to `to` on the device in the order of `stream`. The host may change them
  /// as soon as this returns; the copy itself may still be on its way.
  void upload(cudaStream_t stream, void* to, std::initializer_list<HostBytes> parts) {
    upload(stream, to, Span<const HostBytes, Host>{parts.begin(), static_cast<Position>(parts.size())});
  }
  void upload(cudaStream_t stream, void* to, Span<const HostBytes, Host> parts);

  /// The same from pinned memory (PinnedRange), without a stop on the way: it may not change before the copy is over.
  static void upload_pinned(cudaStream_t stream, void* to, Span<const HostBytes, Host> parts);

  /// Copies to the host in the order of `stream` and waits for it.
  void download(cudaStream_t stream, void* to, const void* from, Position bytes);

 private:
  struct Chunk {
    PinnedBuffer memory;
    Event copied;  // the copy that last read it is over
  };
  Chunk& next_chunk(Position bytes);

  std::array<Chunk, 2> chunks_;
  int turn_ = 0;
};

}  // namespace wf
