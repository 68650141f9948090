// Lines of text out of a ByteSource, without copying them.
#pragma once
#include "host/readers/byte_source.hpp"
#include "host/readers/fields.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace wf {

inline constexpr Position kLongestLine = 1 << 18;  ///< bytes: 40,000 items of a list; more is no ratings file

/// What is said about a line that no reader goes on behind.
BadLine too_long_fault();
BadLine nul_fault(Position column);

class LineReader {
 public:
  explicit LineReader(const std::string& path);

  /// The next line without its end (LF or CR LF; the last line needs none). False at the end. The view holds until the
  /// next call. Throws InputError for a line over kLongestLine or with a NUL byte.
  bool next(std::string_view& line);
  /// Undoes one next().
  void put_back();
  Position line_number() const { return line_number_; }  ///< of the line last returned, from 1

  /// The lines that come next, at most `count` and 512 KB. Nothing is consumed.
  std::vector<std::string> peek(int count);

  /// Up to `size` of the bytes that come next, lines or not and unchecked; 0 only at the end. What is taken so is not
  /// counted in line_number().
  Position read(char* into, Position size);
  /// Of a source that has parts: where the bytes begin that come next.
  Position place() const { return source_.raw_bytes() - static_cast<Position>(end_ - begin_); }
  /// From now on the bytes first .. end - 1 of such a source come next, by read().
  void read_part(Position first, Position end);
  /// Everything that is not yet read lies in memory.
  bool at_end() const { return at_end_; }

  const ByteSource& source() const { return source_; }
  const std::string& name() const { return name_; }

 private:
  bool fill();  // reads more bytes behind those not yet used; false at the end
  void check_no_nul(std::size_t from) const;

  std::string name_;
  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // bytes not yet returned
  std::size_t last_begin_ = 0;       // of the line last returned
  bool at_end_ = false;
  Position line_number_ = 0;
};

}  // namespace wf
