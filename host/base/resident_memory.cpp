#include "host/base/resident_memory.hpp"

#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

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

}  // namespace wf
