#include "host/base/resident_memory.hpp"

#include <unistd.h>

#include <fstream>

namespace wf {

Position resident_bytes() {
  std::ifstream facts("/proc/self/statm");  // pages: of the address space, in memory
  Position mapped = 0, resident = 0;
  if (!(facts >> mapped >> resident)) return 0;
  return resident * static_cast<Position>(::sysconf(_SC_PAGESIZE));
}

}  // namespace wf
