// A file that is replaced whole or not at all.
#pragma once
#include "host/base/types.hpp"

#include <string>

namespace wf {

/// Writes to a temporary name beside `path`; commit() syncs and renames it, so the old file stays whole until the new
/// one is complete. Without commit() the temporary is removed. Throws FailedError with the path, the call and the
/// system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, Position bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* call) const;

  std::string path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace wf
