#include "host/base/file_places.hpp"

#include <unistd.h>

#include <cerrno>

namespace wf {

int write_all_at(int descriptor, Position place, const void* data, Position bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ::ssize_t count = ::pwrite(descriptor, next, static_cast<std::size_t>(bytes), place);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    next += count;
    place += count;
    bytes -= count;
  }
  return 0;
}

int read_all_at(int descriptor, Position place, void* into, Position bytes) {
  char* next = static_cast<char*>(into);
  while (bytes > 0) {
    const ::ssize_t count = ::pread(descriptor, next, static_cast<std::size_t>(bytes), place);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return kEndOfFile;
    next += count;
    place += count;
    bytes -= count;
  }
  return 0;
}

}  // namespace wf
