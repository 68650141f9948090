// Loses a block. AddressSanitizer's build must say so at the end, or the suite's silence about leaks means nothing.
#include <cstdlib>

namespace {
void* volatile lost = nullptr;  // volatile: the compiler may not leave the allocation out
}

int main() {
  lost = std::malloc(16);
  lost = nullptr;
  return 0;
}
