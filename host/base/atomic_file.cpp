#include "host/base/atomic_file.hpp"

#include "host/base/file_places.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>

namespace wf {
namespace {

/// Where `path` leads; `path` itself if it leads nowhere yet.
std::string follow_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved ? resolved.get() : path;
}

/// What open takes from the permissions of a new file. Not umask(), which would change it for other threads meanwhile.
mode_t mask_of_new_files() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view kField = "Umask:";
    if (line.starts_with(kField)) return static_cast<mode_t>(std::strtoul(line.c_str() + kField.size(), nullptr, 8));
  }
  return 077;  // no /proc: the file stays its owner's
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

AtomicFile::AtomicFile(const std::string& path) : path_(follow_links(path)) {
  struct stat facts {};
  const bool exists = ::stat(path_.c_str(), &facts) == 0;
  if (!exists || S_ISREG(facts.st_mode)) {
    permissions_ = exists ? facts.st_mode & 0777 : 0666 & ~mask_of_new_files();
    open_temporary();
  } else {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);  // a directory refuses this by itself
  }
  if (descriptor_ >= 0) return;
  temporary_.clear();
  fail("create");
}

AtomicFile::AtomicFile(const std::string& path, const std::string& temporary)
    : path_(path), temporary_(temporary), owns_(false) {
  descriptor_ = ::open((temporary.empty() ? path : temporary).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor_ < 0) fail("write a part of");
}

void AtomicFile::open_temporary() {
  static std::atomic<unsigned> counter{0};
  do {  // the owner's alone until it is whole
    temporary_ = path_ + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  } while (descriptor_ < 0 && errno == EEXIST);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (owns_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, Position bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ::ssize_t written = ::write(descriptor_, next, static_cast<std::size_t>(bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    next += written;
    bytes -= written;
  }
}

void AtomicFile::write_at(Position place, const void* data, Position bytes) {
  errno = write_all_at(descriptor_, place, data, bytes);
  if (errno != 0) fail("write");
}

void AtomicFile::read_at(Position place, void* into, Position bytes) const {
  const int reason = read_all_at(descriptor_, place, into, bytes);
  errno = reason == kEndOfFile ? EIO : reason;  // what was written is not there
  if (reason != 0) fail("read back");
}

void AtomicFile::sync() {
  if (!temporary_.empty() && ::fsync(descriptor_) != 0) fail("sync");
}

void AtomicFile::commit_keeping(const std::string& old_name) {
  const bool in_place = temporary_.empty();
  if (!in_place) static_cast<void>(::fchmod(descriptor_, permissions_));  // refused where a file system has none
  sync();
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("close");
  if (in_place) return;
  struct stat facts {};
  const bool kept = !old_name.empty() && ::lstat(path_.c_str(), &facts) == 0;
  if (kept && ::rename(path_.c_str(), old_name.c_str()) != 0) fail("keep the old state of");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    if (kept) static_cast<void>(::rename(old_name.c_str(), path_.c_str()));  // if not: it is whole under that name
    errno = reason;
    fail("rename");
  }
  temporary_.clear();
  sync_folder();
}

void AtomicFile::sync_folder() const {
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // a folder that may not be read cannot be synced; the file itself is
  const int reason = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  if (reason == 0 || reason == EINVAL) return;  // EINVAL: this file system syncs no folders
  throw FolderNotSynced(path_ + ": is written, but its folder cannot be synced: " + std::strerror(reason),
                        "after a loss of power, look whether it is there");
}

void AtomicFile::fail(const char* call) const {
  const std::string reason = std::strerror(errno);
  throw FailedError(path_ + ": cannot " + call + " the file: " + reason,
                    "check the folder, its permissions and free space");
}

}  // namespace wf
