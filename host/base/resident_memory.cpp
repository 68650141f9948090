#include "host/base/resident_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstdint>
#include <fstream>

namespace wf {

Position resident_bytes() {
  std::ifstream facts("/proc/self/statm");  // pages: of the address space, in memory
  Position mapped = 0, resident = 0;
  if (!(facts >> mapped >> resident)) return 0;
  return resident * static_cast<Position>(::sysconf(_SC_PAGESIZE));
}

Position machine_bytes() {
  const Position pages = ::sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? pages * ::sysconf(_SC_PAGESIZE) : 0;
}

void release_freed_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

void release_pages(void* begin, void* end) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
  const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(end) / page * page;
  if (first >= last) return;
  auto* const at = static_cast<char*>(begin) + (first - reinterpret_cast<std::uintptr_t>(begin));
  ::madvise(at, last - first, MADV_DONTNEED);  // where it fails, memory stays taken
}

}  // namespace wf
