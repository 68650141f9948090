// The memory that a reader takes, counted: what malloc and new give out, and what host arrays map.
#pragma once
#include <cstddef>

namespace wf::fuzz {

/// Bytes that a reader of a file may hold at a time: 8 times the file and 64 MB.
inline constexpr std::size_t kPerByte = 8, kBeyond = 64 << 20;

/// While it lives, a process that holds more than `limit` bytes above what it held before is ended, as by a crash.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t limit);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
};

}  // namespace wf::fuzz
