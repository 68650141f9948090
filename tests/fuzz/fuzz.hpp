// What the fuzz targets share: bytes as a file, and what a reader may do about it.
#pragma once
#include "host/base/error.hpp"
#include "tests/fuzz/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace wf::fuzz {

/// What libFuzzer takes for a crash.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Bytes as a regular file that is in no folder.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0 && write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Runs `read` on a file of `bytes`: it may refuse what it reads by an error of the project that says what to do, and
/// by no other, and may hold the memory that such a file is worth.
template <class Read>
void read_or_refuse(std::size_t bytes, const Read& read) {
  const MemoryLimit limit(kPerByte * bytes + kBeyond);
  try {
    read();
  } catch (const Error& error) {
    require(!error.problem().empty() && !error.cure().empty());
  }
}

/// The checksum of some bytes in the place of another, so that what lies behind it is reached.
inline void seal(const std::uint8_t* data, std::size_t size, void* into) {
  const std::uint64_t hash = XXH3_64bits(data, size);
  __builtin_memcpy(into, &hash, sizeof hash);
}

}  // namespace wf::fuzz
