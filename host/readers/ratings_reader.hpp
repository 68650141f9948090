// Reads one file: chunks of it are read in turn, parsed side by side, and committed in the order of the file.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/readers/chunk_parser.hpp"
#include "host/readers/line_reader.hpp"
#include "host/readers/read_ratings.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace wf {

/// Bytes a chunk has. With what is parsed out of it, it fits a core's second cache of 1 MB.
inline constexpr Position kChunkBytes = 256 << 10;

class RatingsReader {
 public:
  RatingsReader(const std::string& path, const ReadOptions& options, Dataset& into, Position chunk_bytes = kChunkBytes);

  ReadReport run(const std::function<void(Position bytes)>& progress = {});

 private:
  using Clock = std::chrono::steady_clock;

  void apply_id_kind(IdMap& ids) const;
  int threads() const;
  void reserve(const TextChunk& first);
  void commit(TextChunk& chunk);
  void append(const ParsedLines& parsed);
  void count(const ParsedLines& parsed);
  void tell(Position file_bytes, const std::function<void(Position bytes)>& progress);
  void finish();

  Clock::time_point start_ = Clock::now(), last_told_ = start_;
  LineReader lines_;
  ReadOptions options_;
  Dataset& into_;
  Position chunk_bytes_;
  ParserPlan plan_;
  ReadReport report_;
  Tally tally_;
  bool reserved_ = false;
};

}  // namespace wf
