// The bytes of a ratings file, decompressed by what they are and not by what the file is called.
#pragma once
#include "host/base/hash_of_parts.hpp"
#include "host/base/types.hpp"

#include <memory>
#include <string>

namespace wf {

/// A file, or stdin for "-": plain, gzip (any number of members) or zstd (any number of frames). Throws InputError,
/// with the system's reason, for a file that cannot be opened or read, for damaged or truncated compression, for what
/// unpacks to over 100 times its size and 64 MB, for a regular file whose length or time of change is another at its
/// end than at its beginning, and for formats that are known but not read (bzip2, xz, zip, Parquet, UTF-16).
class ByteSource {
 public:
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Up to `size` decompressed bytes; 0 only at the end.
  Position read(char* into, Position size);

  /// Whether parts of it can be read alone: a regular file, not compressed. For such a source only:
  bool has_parts() const;
  /// From now on read() gives the bytes first .. end - 1, and raw_bytes() counts those.
  void read_part(Position first, Position end);
  /// `size` bytes from `place` on, apart from what read() gives.
  void read_at(Position place, char* into, Position size) const;
  const HashOfPart& part_hash() const;  ///< of the part's bytes that were read

  const std::string& compression() const;  ///< "", "gzip" or "zstd"
  Position file_size() const;              ///< on disk when it was opened; 0 where that is not known, as of a pipe
  Position raw_bytes() const;              ///< read so far, as they lie on disk
  std::string hash() const;                ///< XXH3-64 of them, 16 hex digits; not of a part

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3-64 of a file's bytes as they lie on disk, 16 hex digits. Throws InputError.
std::string hash_of_file(const std::string& path);

}  // namespace wf
