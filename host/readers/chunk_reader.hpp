// The rest of a LineReader as chunks of whole lines.
#pragma once
#include "host/readers/line_reader.hpp"
#include "host/readers/text_chunk.hpp"

namespace wf {

/// Cuts behind the last line end before every multiple of `chunk_bytes`, counted from where the LineReader stands:
/// which lines make a chunk depends on the text alone, not on the sizes of reads.
class ChunkReader {
 public:
  ChunkReader(LineReader& lines, Position chunk_bytes) : lines_(lines), chunk_bytes_(chunk_bytes) {}

  /// Fills text, size, file_bytes and cut_short; false at the end. A chunk is as long as its line if that is longer,
  /// and ends inside a line only beyond kLongestLine bytes of it.
  bool next(TextChunk& chunk);

 private:
  void fill(TextChunk& chunk, Position target);
  void keep_whole_lines(TextChunk& chunk);

  LineReader& lines_;
  Position chunk_bytes_;
  HostBuffer<char> tail_;  // of the last chunk: a line that had not ended
  bool at_end_ = false;
};

}  // namespace wf
