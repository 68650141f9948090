#include "host/base/disk_file.hpp"

#include "host/base/error.hpp"
#include "host/base/file_places.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace wf {

DiskFile::DiskFile(std::string path) : path_(std::move(path)) {
  struct stat facts {};
  if (path_ == "-") fail("stdin cannot be read here: this file is read at any place", "name a file");
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a named pipe without a writer: no waiting
  if (descriptor_ < 0) {
    fail(std::string("cannot be opened: ") + std::strerror(errno), "check the path and its permissions");
  }
  if (const std::optional<FileStamp> stamp = stamp_of(descriptor_)) {
    stamp_ = *stamp;
    return;
  }
  const bool known = ::fstat(descriptor_, &facts) == 0;
  ::close(descriptor_);
  if (known && S_ISDIR(facts.st_mode)) fail("is a directory", "name a file in it");
  fail("is no regular file", "write it to a file first");
}

DiskFile::~DiskFile() {
  ::close(descriptor_);
}

void DiskFile::fail(const std::string& what, const std::string& cure) const {
  throw InputError(Place{path_}, what, cure);
}

void DiskFile::read_at(Position place, void* into, Position bytes) const {
  const int reason = read_all_at(descriptor_, place, into, bytes);
  if (reason == kEndOfFile) fail("became shorter while it was read", kLeaveUnchanged);
  if (reason != 0) fail(std::string("cannot be read: ") + std::strerror(reason), "check the file and the disk");
}

void DiskFile::check_unchanged() const {
  if (stamp_of(descriptor_) != stamp_) fail(kChangedWhileRead, kLeaveUnchanged);
}

}  // namespace wf
