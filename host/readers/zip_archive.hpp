// A zip archive, as numpy.savez writes it and strangers may: APPNOTE.TXT 6.3.
#pragma once
#include "host/base/disk_file.hpp"

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wf {

/// A file of the archive. Its packed bytes lie within the archive and are no other entry's.
struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;  ///< 0: stored, 8: deflate; there are no others
  std::uint32_t sum = 0;     ///< CRC-32 of the bytes
  Position bytes = 0, packed = 0;
  Position begin = 0;  ///< of the packed bytes in the archive
};

/// The bytes "PK\3\4" at the beginning of a regular file.
bool is_zip_file(const std::string& path);

class ZipArchive {
 public:
  /// Reads the directory. Throws InputError for one that does not fit the file: truncated, overlapping, encrypted, on
  /// several disks, with names that occur twice, with sizes that deflate cannot reach, or that would unpack to over 100
  /// times its size and 64 MB.
  explicit ZipArchive(const std::string& path);

  const DiskFile& file() const { return file_; }
  /// nullptr: there is none.
  const ZipEntry* find(const std::string& name) const;

 private:
  struct Directory;

  [[noreturn]] void fail(const std::string& what) const;
  Directory find_directory() const;
  void read_entries(const Directory& directory);
  void place_entries(Position end);

  DiskFile file_;
  std::vector<ZipEntry> entries_;
};

/// The bytes of an entry, from the first to the last.
class ZipEntryReader {
 public:
  ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry);
  ~ZipEntryReader();
  ZipEntryReader(const ZipEntryReader&) = delete;
  ZipEntryReader& operator=(const ZipEntryReader&) = delete;

  Position left() const { return entry_.bytes - taken_; }
  /// Exactly `bytes` of those left. Throws InputError where the entry is damaged; with the last also for another sum.
  void read(void* into, Position bytes);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void read_packed(char* into, Position bytes);
  void inflate_into(char* into, Position bytes);

  const DiskFile& file_;
  const ZipEntry& entry_;
  Position taken_ = 0, unpacked_ = 0;  // bytes given, and of `packed` read
  std::uint32_t sum_ = 0;
  z_stream inflater_{};
  std::vector<char> raw_;
};

}  // namespace wf
