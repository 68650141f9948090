#include "cuda/runtime/transfer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace wf {

/// A chunk that nobody reads any more, of at least min(bytes, kLargestChunk).
Transfer::Chunk& Transfer::next_chunk(Position bytes) {
  turn_ = 1 - turn_;
  Chunk& chunk = chunks_[static_cast<std::size_t>(turn_)];
  chunk.copied.wait();
  const Position wanted = std::min(bytes, kLargestChunk);
  if (chunk.memory.bytes() < wanted) {
    chunk.memory = PinnedBuffer(static_cast<Position>(std::bit_ceil(static_cast<std::uint64_t>(wanted))));
  }
  return chunk;
}

void Transfer::upload(cudaStream_t stream, void* to, Span<const HostBytes, Host> parts) {
  Position left = 0;
  for (const HostBytes& part : parts) left += part.bytes;
  char* end = static_cast<char*>(to);
  const HostBytes* part = parts.begin();
  Position taken = 0;  // of *part
  while (left > 0) {
    const Chunk& chunk = next_chunk(left);
    const Position filled = std::min(left, chunk.memory.bytes());
    for (Position at = 0; at < filled;) {
      if (taken == part->bytes) {
        ++part;
        taken = 0;
        continue;
      }
      const Position piece = std::min(filled - at, part->bytes - taken);
      std::memcpy(chunk.memory.data() + at, static_cast<const char*>(part->data) + taken,
                  static_cast<std::size_t>(piece));
      at += piece;
      taken += piece;
    }
    check_cuda(
        cudaMemcpyAsync(end, chunk.memory.data(), static_cast<std::size_t>(filled), cudaMemcpyHostToDevice, stream),
        "cudaMemcpyAsync to the device");
    chunk.copied.record(stream);
    end += filled;
    left -= filled;
  }
}

void Transfer::upload_pinned(cudaStream_t stream, void* to, Span<const HostBytes, Host> parts) {
  char* end = static_cast<char*>(to);
  for (const HostBytes& part : parts) {
    if (part.bytes == 0) continue;
    check_cuda(cudaMemcpyAsync(end, part.data, static_cast<std::size_t>(part.bytes), cudaMemcpyHostToDevice, stream),
               "cudaMemcpyAsync from pinned memory");
    end += part.bytes;
  }
}

void Transfer::download(cudaStream_t stream, void* to, const void* from, Position bytes) {
  const char* source = static_cast<const char*>(from);
  char* target = static_cast<char*>(to);
  const Chunk* arriving = nullptr;
  Position arriving_bytes = 0;
  const auto land = [&] {
    if (arriving == nullptr) return;
    arriving->copied.wait();
    std::memcpy(target, arriving->memory.data(), static_cast<std::size_t>(arriving_bytes));
    target += arriving_bytes;
  };
  while (bytes > 0) {
    const Chunk& chunk = next_chunk(bytes);
    const Position piece = std::min(bytes, chunk.memory.bytes());
    check_cuda(
        cudaMemcpyAsync(chunk.memory.data(), source, static_cast<std::size_t>(piece), cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync to the host");
    chunk.copied.record(stream);
    land();  // the chunk before, while this one travels
    arriving = &chunk;
    arriving_bytes = piece;
    source += piece;
    bytes -= piece;
  }
  land();
}

}  // namespace wf
