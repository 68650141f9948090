#include "host/cpu/grid_wish.hpp"

#include <unistd.h>

#include <algorithm>

namespace wf {

GridWish grid_wish_of_machine(int threads) {
  constexpr Position kUsual = Position{1} << 20;
  Position cache = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  cache = sysconf(_SC_LEVEL2_CACHE_SIZE);  // 0 or -1 where it is not known
#endif
  if (cache <= 0) cache = kUsual;
  return {.least_ranges = std::min(2 * threads, kMaxGrid), .cache = 2 * cache, .of_machine = true};
}

}  // namespace wf
