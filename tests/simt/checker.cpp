// Objects compiled with -fsanitize=thread call these functions at each memory access. Linked in place of libtsan, they
// hand the accesses of kernels to the interpreter. Likewise -fsanitize=alignment without its own library.
#include "tests/simt/internal.hpp"

using simt::access;
using simt::Access;

namespace {

// The operations stay atomic for the host's threads, whose std::atomic is instrumented like everything else.
template <class T, class F>
T read_modify_write(volatile T* p, const void* pc, F operation) {
  simt::relax(pc);
  access(const_cast<const T*>(p), sizeof(T), Access::atomic, pc);
  const T old = operation();
  if (__atomic_load_n(p, __ATOMIC_RELAXED) != old) simt::progress();
  return old;
}

template <class T>
bool compare_exchange(volatile T* p, T* expected, T value, const void* pc) {
  const T wanted = *expected;
  *expected = read_modify_write(p, pc, [&] {
    T old = wanted;
    __atomic_compare_exchange_n(p, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return old;
  });
  return *expected == wanted;
}

struct TypeMismatch {  // what -fsanitize=alignment passes: the layout is GCC's and clang's
  const char* file;
  unsigned line, column;
  const void* type;
  unsigned char log2_align, kind;
};

}  // namespace

#define PC __builtin_return_address(0)

extern "C" {

void __ubsan_handle_type_mismatch_v1(TypeMismatch* mismatch, std::uintptr_t p) {
  const std::size_t align = std::size_t{1} << mismatch->log2_align;
  if (p % align == 0) return;  // a null pointer: the access itself faults
  simt::misaligned(reinterpret_cast<const void*>(p), align, simt::Site{mismatch->file, mismatch->line});
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}
void __tsan_read_range(void* p, std::size_t bytes) {
  if (bytes != 0) access(p, bytes, Access::read, PC);
}
void __tsan_write_range(void* p, std::size_t bytes) {
  if (bytes != 0) access(p, bytes, Access::write, PC);
}

// Accesses through volatile are taken as relaxed atomics, which is how kernels use them.
#define SIMT_PLAIN(bytes)                        \
  void __tsan_read##bytes(void* p) {             \
    access(p, bytes, Access::read, PC);          \
  }                                              \
  void __tsan_write##bytes(void* p) {            \
    access(p, bytes, Access::write, PC);         \
  }                                              \
  void __tsan_unaligned_read##bytes(void* p) {   \
    access(p, bytes, Access::read, PC);          \
  }                                              \
  void __tsan_unaligned_write##bytes(void* p) {  \
    access(p, bytes, Access::write, PC);         \
  }                                              \
  void __tsan_volatile_write##bytes(void* p) {   \
    access(p, bytes, Access::relaxed_write, PC); \
  }                                              \
  void __tsan_volatile_read##bytes(void* p) {    \
    simt::relax(PC);                             \
    access(p, bytes, Access::relaxed_read, PC);  \
  }                                              \
  static_assert(true)
SIMT_PLAIN(1);
SIMT_PLAIN(2);
SIMT_PLAIN(4);
SIMT_PLAIN(8);
SIMT_PLAIN(16);

#define SIMT_FETCH(bits, T, operation)                                                             \
  T __tsan_atomic##bits##_##operation(volatile T* p, T v, int) {                                   \
    return read_modify_write(p, PC, [&] { return __atomic_##operation(p, v, __ATOMIC_SEQ_CST); }); \
  }                                                                                                \
  static_assert(true)
#define SIMT_ATOMIC(bits, T)                                                                      \
  SIMT_FETCH(bits, T, fetch_add);                                                                 \
  SIMT_FETCH(bits, T, fetch_sub);                                                                 \
  SIMT_FETCH(bits, T, fetch_and);                                                                 \
  SIMT_FETCH(bits, T, fetch_or);                                                                  \
  SIMT_FETCH(bits, T, fetch_xor);                                                                 \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                        \
    simt::relax(PC);                                                                              \
    access(const_cast<const T*>(p), sizeof(T), Access::relaxed_read, PC);                         \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                               \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) {                                     \
    access(const_cast<const T*>(p), sizeof(T), Access::relaxed_write, PC);                        \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                     \
  }                                                                                               \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) {                                     \
    return read_modify_write(p, PC, [&] { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }); \
  }                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* e, T v, int, int) {         \
    return compare_exchange(p, e, v, PC);                                                         \
  }                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* e, T v, int, int) {           \
    return compare_exchange(p, e, v, PC);                                                         \
  }                                                                                               \
  T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T e, T v, int, int) {               \
    compare_exchange(p, &e, v, PC);                                                               \
    return e;                                                                                     \
  }                                                                                               \
  static_assert(true)
SIMT_ATOMIC(8, std::uint8_t);
SIMT_ATOMIC(16, std::uint16_t);
SIMT_ATOMIC(32, std::uint32_t);
SIMT_ATOMIC(64, std::uint64_t);

}  // extern "C"
