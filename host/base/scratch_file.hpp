// A file without a name, for what has no room in memory: gone with its owner, however that ends.
#pragma once
#include "host/base/types.hpp"

#include <string>

namespace wf {

/// Read and written at any place, by any number of threads. Throws FailedError with the folder, the system's reason
/// and a cure.
class ScratchFile {
 public:
  /// Room for `bytes` in `folder` is there from the beginning: a full disk is an error here, not hours later.
  ScratchFile(std::string folder, Position bytes);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write_at(Position place, const void* data, Position bytes);
  void read_at(Position place, void* into, Position bytes) const;

 private:
  [[noreturn]] void fail(const std::string& call, int reason) const;

  std::string folder_;
  int descriptor_ = -1;
};

}  // namespace wf
