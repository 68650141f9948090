// A regular file that is read at any place, by any number of threads.
#pragma once
#include "host/base/file_stamp.hpp"
#include "host/base/types.hpp"

#include <string>

namespace wf {

/// Throws InputError with the path, the system's reason and a cure. Read by pread, not mapped: a file that becomes
/// shorter is then an error and not the end of the process, and no page is faulted in.
class DiskFile {
 public:
  explicit DiskFile(std::string path);
  ~DiskFile();
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  const std::string& path() const { return path_; }
  Position size() const { return stamp_.bytes; }  ///< when it was opened
  void read_at(Position place, void* into, Position bytes) const;
  /// Throws where the file has been written to since it was opened: what was read may be of two files. For those of a
  /// format without checksums.
  void check_unchanged() const;

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& cure) const;

  std::string path_;
  int descriptor_ = -1;
  FileStamp stamp_;
};

}  // namespace wf
