#include "host/base/scratch_file.hpp"

#include "host/base/error.hpp"
#include "host/base/file_places.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace wf {
namespace {

int open_unnamed(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
  std::string name = folder + "/warpfactor-XXXXXX";  // this file system wants a name: it has one for a moment
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

ScratchFile::ScratchFile(std::string folder, Position bytes)
    : folder_(std::move(folder)), descriptor_(open_unnamed(folder_)) {
  if (descriptor_ < 0) fail("create a file", errno);
  const int reason = bytes > 0 ? ::posix_fallocate(descriptor_, 0, bytes) : 0;
  if (reason == 0) return;
  ::close(descriptor_);
  fail("reserve " + std::to_string(bytes) + " bytes", reason);
}

ScratchFile::~ScratchFile() {
  ::close(descriptor_);
}

void ScratchFile::write_at(Position place, const void* data, Position bytes) {
  if (const int reason = write_all_at(descriptor_, place, data, bytes); reason != 0) fail("write", reason);
}

void ScratchFile::read_at(Position place, void* into, Position bytes) const {
  const int reason = read_all_at(descriptor_, place, into, bytes);
  if (reason != 0) fail("read what was written", reason == kEndOfFile ? EIO : reason);
}

void ScratchFile::fail(const std::string& call, int reason) const {
  throw FailedError(folder_ + ": cannot " + call + " in a scratch file: " + std::strerror(reason),
                    "put the model (--out) where there is room; with --memory, give more of it");
}

}  // namespace wf
