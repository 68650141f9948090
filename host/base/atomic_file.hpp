// A file that is replaced whole or not at all.
#pragma once
#include "host/base/error.hpp"
#include "host/base/types.hpp"

#include <string>

namespace wf {

/// The folder that a file of this name is in.
std::string folder_of(const std::string& path);

/// The file is complete and has its name; whether the name is still there after a loss of power is not known.
struct FolderNotSynced : FailedError {
  using FailedError::FailedError;
};

/// Writes to a temporary name beside `path`; commit() syncs and renames it, so the old file stays whole until the new
/// one is complete. Without commit() the temporary is removed. A link is followed: what it points to is replaced. What
/// is no regular file (/dev/null, a named pipe) is written in place. The temporary is its owner's alone, and no link
/// that lies at its name is followed; the result has the permissions of the file that it replaces, or those of any new
/// file. Throws FailedError with the path, the call and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  /// A part of the file that another process replaces: `temporary` is that of its AtomicFile, which commits when all
  /// parts are synced.
  AtomicFile(const std::string& path, const std::string& temporary);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& temporary() const { return temporary_; }  ///< empty: it is written in place

  void write(const void* data, Position bytes);
  void write_at(Position place, const void* data, Position bytes);
  void read_at(Position place, void* into, Position bytes) const;  ///< of what was written
  void sync();
  /// Throws FolderNotSynced where all but the last step was done.
  void commit() { commit_keeping({}); }
  /// As commit(); where there is an old file, it is then called `old_name`, of the same file system (empty: it is
  /// gone). Between the two renames there is the old file under its new name alone. Where the second one fails, the
  /// first is undone; what was called `old_name` before is lost by then. Where undoing fails as well, the old file
  /// stays under that name.
  void commit_keeping(const std::string& old_name);

 private:
  void open_temporary();
  void sync_folder() const;
  [[noreturn]] void fail(const char* call) const;

  std::string path_, temporary_;  // no temporary: the file is written in place
  int descriptor_ = -1;
  unsigned permissions_ = 0;  // of the result
  bool owns_ = true;          // the temporary
};

}  // namespace wf
