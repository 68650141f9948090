// Text results: to stdout, or to a file that replaces the old one only when it is complete.
#pragma once
#include <cstdio>
#include <string>
#include <string_view>

namespace wf::cli {

class OutputFile {
 public:
  /// `path` empty or "-": stdout. A device or a pipe is written to in place, everything else through a temporary name
  /// beside it. Throws FailedError with the path and the system's reason.
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);
  /// Syncs and renames; without it the file is discarded.
  void commit();
  bool is_stdout() const { return file_ == stdout; }

 private:
  std::string path_, temporary_;
  std::FILE* file_ = nullptr;
};

/// Throws FailedError now if `path` could not be written after hours of work: no such folder, no permission, a folder
/// or a device.
void check_writable(const std::string& path);

}  // namespace wf::cli
