#include "host/schedule/chunks.hpp"

#include <algorithm>

namespace wf {

Position end_of_stratum(Span<const Block, Host> blocks, Position begin) {
  std::vector<bool> users, items;
  const auto take = [](std::vector<bool>& taken, int range) {
    const auto at = static_cast<std::size_t>(range);
    if (at >= taken.size()) taken.resize(at + 1);
    const bool free = !taken[at];
    taken[at] = true;
    return free;
  };
  Position end = begin;
  while (end < blocks.size && take(users, blocks[end].user_range) && take(items, blocks[end].item_range)) ++end;
  return end;
}

int ranges_of(Span<const Block, Host> blocks) {
  int most = 0;
  for (const Block& block : blocks) most = std::max(most, block.user_range);
  return most + 1;
}

std::vector<ChunkedBlock> chunked(Span<const Block, Host> blocks, Position& chunks) {
  std::vector<ChunkedBlock> result;
  chunks = 0;
  for (const Block& block : blocks) {
    result.push_back({block.begin, block.end, chunks, number_of(block)});
    chunks += (block.end - block.begin + kChunkRatings - 1) / kChunkRatings;
  }
  return result;
}

}  // namespace wf
