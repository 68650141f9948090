// Text results: to stdout, or to a file that replaces the old one only when it is complete.
#pragma once
#include "host/base/atomic_file.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace wf::cli {

class OutputFile {
 public:
  /// `path` empty or "-": stdout. Throws FailedError with the path and the system's reason.
  explicit OutputFile(const std::string& path);
  ~OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);
  /// Completes the output; without it a file is discarded.
  void commit();
  bool is_stdout() const { return !file_; }

 private:
  void flush();

  std::optional<AtomicFile> file_;  // none: stdout
  std::string buffer_;
};

/// Throws FailedError now if `path` could not be written after hours of work: no such folder, no permission, a folder
/// or a device.
void check_writable(const std::string& path);

/// Throws UsageError where `output` is the file `input`, which it would destroy. Empty names and "-" are no files.
void refuse_same_file(const std::string& output, const std::string& input);

}  // namespace wf::cli
