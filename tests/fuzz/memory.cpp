// Blocks of malloc are counted by the sanitizer's hooks, maps by the linker's --wrap (CMakeLists.txt).
#include "tests/fuzz/memory.hpp"

#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

extern "C" {
void* __real_mmap(void* address, std::size_t bytes, int protection, int flags, int descriptor, off_t offset);
void* __real_mremap(void* old, std::size_t old_bytes, std::size_t bytes, int flags);
int __real_munmap(void* address, std::size_t bytes);
}

namespace {

std::atomic<std::int64_t> held{0}, limit{INT64_MAX};

void count(std::int64_t bytes) {
  const std::int64_t now = held.fetch_add(bytes) + bytes;
  if (now <= limit.load()) return;
  limit.store(INT64_MAX);  // what the report itself takes
  std::fprintf(stderr, "holds %lld bytes, more than the file allows\n", static_cast<long long>(now));
  __builtin_trap();
}

void count_malloc(const volatile void* /*block*/, std::size_t bytes) {
  count(static_cast<std::int64_t>(bytes));
}

void count_free(const volatile void* block) {
  const void* plain = const_cast<const void*>(block);
  if (plain != nullptr) count(-static_cast<std::int64_t>(__sanitizer_get_allocated_size(plain)));
}

[[maybe_unused]] const int hooked = __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);

}  // namespace

extern "C" {

void* __wrap_mmap(void* address, std::size_t bytes, int protection, int flags, int descriptor, off_t offset) {
  count(static_cast<std::int64_t>(bytes));
  return __real_mmap(address, bytes, protection, flags, descriptor, offset);
}

void* __wrap_mremap(void* old, std::size_t old_bytes, std::size_t bytes, int flags) {
  count(static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(old_bytes));
  return __real_mremap(old, old_bytes, bytes, flags);
}

int __wrap_munmap(void* address, std::size_t bytes) {
  count(-static_cast<std::int64_t>(bytes));
  return __real_munmap(address, bytes);
}

}  // extern "C"

namespace wf::fuzz {

MemoryLimit::MemoryLimit(std::size_t bytes) {
  if (hooked == 0) __builtin_trap();
  held.store(0);
  limit.store(static_cast<std::int64_t>(bytes));
}

MemoryLimit::~MemoryLimit() {
  limit.store(INT64_MAX);
}

}  // namespace wf::fuzz
