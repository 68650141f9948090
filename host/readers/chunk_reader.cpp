#include "host/readers/chunk_reader.hpp"

#include "host/readers/fast_number.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace wf {

bool ChunkReader::next(TextChunk& chunk) {
  chunk.cut_short = nullptr;
  chunk.text.resize(std::max(chunk.text.size(), tail_.size() + 1 + kReadBeyond));
  chunk.size = tail_.size();
  std::copy(tail_.begin(), tail_.end(), chunk.text.begin());
  tail_.resize(0);
  try {
    bool line_ended = false;
    while (!at_end_ && !line_ended && chunk.size <= kLongestLine) {
      const Position searched = chunk.size;
      fill(chunk, searched + chunk_bytes_);
      line_ended =
          std::string_view(chunk.text.data() + searched, static_cast<std::size_t>(chunk.size - searched)).find('\n') !=
          std::string_view::npos;
    }
    if (line_ended && !at_end_) keep_whole_lines(chunk);
  } catch (...) {
    chunk.cut_short = std::current_exception();
    at_end_ = true;
    keep_whole_lines(chunk);
  }
  if (chunk.size == 0 && !chunk.cut_short) return false;
  if (chunk.size > 0 && chunk.text[chunk.size - 1] != '\n') chunk.text[chunk.size++] = '\n';
  std::memset(chunk.text.data() + chunk.size, 0, kReadBeyond);
  chunk.file_bytes = lines_.source().raw_bytes();
  return true;
}

/// Reads until the chunk has `target` bytes or the file is at its end.
void ChunkReader::fill(TextChunk& chunk, Position target) {
  chunk.text.resize(std::max(chunk.text.size(), target + 1 + kReadBeyond));
  while (chunk.size < target) {
    const Position count = lines_.read(chunk.text.data() + chunk.size, target - chunk.size);
    at_end_ = count == 0;
    if (at_end_) return;
    chunk.size += count;
  }
}

/// Leaves the bytes behind the last line end to the next chunk.
void ChunkReader::keep_whole_lines(TextChunk& chunk) {
  const std::string_view text(chunk.text.data(), static_cast<std::size_t>(chunk.size));
  const auto whole = static_cast<Position>(text.rfind('\n') + 1);  // npos + 1 is 0
  tail_.resize(chunk.size - whole);
  std::copy(chunk.text.begin() + whole, chunk.text.begin() + chunk.size, tail_.begin());
  chunk.size = whole;
}

}  // namespace wf
