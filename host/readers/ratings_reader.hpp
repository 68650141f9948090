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

  int threads() const;
  void reserve(const TextChunk& first);
  void commit(TextChunk& chunk);
  void mirror(ParsedLines& parsed);
  void append(const ParsedLines& parsed);
  void count(const ParsedLines& parsed);
  void tell(Position file_bytes, const std::function<void(Position bytes)>& progress);
  void check_matrix() const;
  void finish();

  Clock::time_point start_ = Clock::now(), last_told_ = start_;
  LineReader lines_;
  ReadOptions options_;
  Dataset& into_;
  Position chunk_bytes_;
  ParserPlan plan_;
  ReadReport report_;
  Tally tally_;
  Position entries_ = 0;                // of a matrix, mirror images apart
  bool above_ = false, below_ = false;  // its diagonal, of a symmetric one: there are entries
  bool reserved_ = false;
};

}  // namespace wf
