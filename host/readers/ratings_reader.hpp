// Reads one file: chunks of it are read in turn, parsed side by side, and committed in the order of the file. Several
// ranks read a part each, and agree about the whole.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/ranks/ranks.hpp"
#include "host/readers/chunk_parser.hpp"
#include "host/readers/line_reader.hpp"
#include "host/readers/read_ratings.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace wf {

/// Bytes a chunk has. With what is parsed out of it, it fits a core's second cache of 1 MB.
inline constexpr Position kChunkBytes = 256 << 10;

class RatingsReader {
 public:
  RatingsReader(const std::string& path, const ReadOptions& options, Dataset& into, Position chunk_bytes = kChunkBytes,
                Ranks& ranks = Ranks::alone());

  ReadReport run(const std::function<void(Position bytes)>& progress = {});

 private:
  using Clock = std::chrono::steady_clock;

  int threads() const;
  void check_parts() const;
  void take_part();
  void read_lines(ThreadPool& pool, const std::function<void(Position bytes)>& progress);
  void join_ranks(std::optional<Error> error);
  void share_side(IdMap& ids, Position known, HostBuffer<RowId>& rows, const char* side);
  void reserve(const TextChunk& first);
  void commit(TextChunk& chunk);
  void mirror(ParsedLines& parsed);
  void append(const ParsedLines& parsed);
  void count(const ParsedLines& parsed);
  void tell(Position file_bytes, const std::function<void(Position bytes)>& progress);
  void check_matrix() const;
  [[noreturn]] void throw_full(const std::invalid_argument& full, const std::string& side) const;
  std::string first_bad();
  void finish(ThreadPool& pool);

  Clock::time_point start_ = Clock::now(), last_told_ = start_;
  LineReader lines_;
  ReadOptions options_;
  Dataset& into_;
  Position chunk_bytes_;
  Ranks& ranks_;
  Position known_users_ = 0, known_items_ = 0, old_ratings_ = 0;  // of `into` as it was
  Position lines_before_ = 0;                                     // in the parts of other ranks
  std::string hash_;                                              // of the file, where its head was all of it
  std::optional<LineFault> fatal_, first_bad_;                    // lines count from 1 in this rank's part
  ParserPlan plan_;
  ReadReport report_;
  Tally tally_;
  Position entries_ = 0;                // of a matrix, mirror images apart
  bool above_ = false, below_ = false;  // its diagonal, of a symmetric one: there are entries
  bool reserved_ = false;
};

}  // namespace wf
