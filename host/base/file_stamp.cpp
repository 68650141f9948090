#include "host/base/file_stamp.hpp"

#include <sys/stat.h>

namespace wf {
namespace {

std::optional<FileStamp> stamp_from(const struct stat& facts) {
  if (!S_ISREG(facts.st_mode)) return std::nullopt;
  constexpr Position kSecond = 1'000'000'000;
  return FileStamp{facts.st_size, Position{facts.st_mtim.tv_sec} * kSecond + facts.st_mtim.tv_nsec};
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? stamp_from(facts) : std::nullopt;
}

std::optional<FileStamp> stamp_of(int descriptor) {
  struct stat facts {};
  return ::fstat(descriptor, &facts) == 0 ? stamp_from(facts) : std::nullopt;
}

}  // namespace wf
