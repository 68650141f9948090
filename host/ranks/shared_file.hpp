// One file that several ranks write, each its parts, and that is replaced whole or not at all.
#pragma once
#include "host/base/atomic_file.hpp"
#include "host/ranks/ranks.hpp"

#include <functional>
#include <memory>
#include <string>

namespace wf {

/// An AtomicFile of rank 0, in a folder that all ranks have. Its functions are for all ranks together, but write_at and
/// read_at, and throw FailedError on all of them or on none.
class SharedFile {
 public:
  SharedFile(Ranks& ranks, const std::string& path);

  void write_at(Position place, const void* data, Position bytes) { file_->write_at(place, data, bytes); }
  /// What any rank has written before the last sync().
  void read_at(Position place, void* into, Position bytes) const { file_->read_at(place, into, bytes); }
  /// f(), which begins nothing together.
  void together(const std::function<void()>& f);
  void sync();
  /// Throws FolderNotSynced where all but the last step was done.
  void commit_keeping(const std::string& old_name);

 private:
  Ranks& ranks_;
  std::unique_ptr<AtomicFile> file_;
};

}  // namespace wf
