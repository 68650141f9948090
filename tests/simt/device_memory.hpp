// Loads and stores with cache hints, fences and atomics, as device code calls them; a part of device.hpp.
#pragma once
#include "tests/simt/device.hpp"

// The accesses below must not be instrumented, or an atomic would look like a plain read and a plain write. They then
// stay calls, and the address they return to is the kernel's.
#if defined(__SANITIZE_THREAD__)
#define SIMT_RAW __attribute__((no_sanitize("thread"), noinline))
#define SIMT_PC __builtin_return_address(0)
#else
#define SIMT_RAW
#define SIMT_PC nullptr  // inlined: note_access takes the address that it returns to itself
#endif

namespace simt {

enum class Access : std::uint8_t { read, write, relaxed_read, relaxed_write, atomic, ldg };
enum class Space : std::uint8_t { any, global };

// ---- access.cpp
void note_access(const void* p, std::size_t bytes, Access access, const void* pc);
void check_pointer(const void* p, std::size_t align, Space space);

template <class T>
SIMT_RAW T raw_load(const T* p, Access access) {
  note_access(p, sizeof(T), access, SIMT_PC);
  return *p;
}

template <class T>
SIMT_RAW void raw_store(T* p, T value) {
  note_access(p, sizeof(T), Access::write, SIMT_PC);
  *p = value;
}

/// *p = next(*p) in one step; the old value.
template <class T, class F>
SIMT_RAW T atomic_apply(T* p, F next) {
  note_access(p, sizeof(T), Access::atomic, SIMT_PC);
  const T old = *p;
  const T value = next(old);
  *p = value;
  if (to_bits(value) != to_bits(old)) progress();
  return old;
}

template <class T>
T sum_of(T a, T b) {
  if constexpr (OneOf<T, __half, __nv_bfloat16>)
    return __hadd(a, b);
  else if constexpr (std::is_same_v<T, int>)
    return int(unsigned(a) + unsigned(b));  // wraps, as the device does
  else
    return a + b;
}

}  // namespace simt

// Execution is sequentially consistent, so that a fence has nothing to order; it is a good place to switch.
inline void __threadfence() {
  simt::relax();
}
inline void __threadfence_block() {
  simt::relax();
}
inline void __threadfence_system() {
  simt::relax();
}
inline void __nanosleep(unsigned) {
  simt::relax();
}
[[noreturn]] inline void __trap() {
  simt::trap();
}

// ---- loads and stores
template <class T>
__forceinline__ T __ldg(const T* p) {
  return simt::raw_load(p, simt::Access::ldg);
}
template <class T>
__forceinline__ T __ldca(const T* p) {
  return simt::raw_load(p, simt::Access::read);
}
template <class T>
__forceinline__ T __ldcg(const T* p) {
  return simt::raw_load(p, simt::Access::read);
}
template <class T>
__forceinline__ T __ldcs(const T* p) {
  return simt::raw_load(p, simt::Access::read);
}
template <class T>
__forceinline__ T __ldlu(const T* p) {
  return simt::raw_load(p, simt::Access::read);
}
template <class T>
__forceinline__ T __ldcv(const T* p) {
  return simt::raw_load(p, simt::Access::relaxed_read);
}

template <class T>
__forceinline__ void __stcg(T* p, std::type_identity_t<T> value) {
  simt::raw_store(p, value);
}
template <class T>
__forceinline__ void __stcs(T* p, std::type_identity_t<T> value) {
  simt::raw_store(p, value);
}
template <class T>
__forceinline__ void __stwb(T* p, std::type_identity_t<T> value) {
  simt::raw_store(p, value);
}
template <class T>
__forceinline__ void __stwt(T* p, std::type_identity_t<T> value) {
  simt::raw_store(p, value);
}

// ---- atomics: for the types that the device has them for
template <simt::OneOf<int, unsigned, unsigned long long, float, double, __half, __nv_bfloat16> T>
__forceinline__ T atomicAdd(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return simt::sum_of(old, value); });
}
template <simt::OneOf<int, unsigned> T>
__forceinline__ T atomicSub(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return T(unsigned(old) - unsigned(value)); });
}
template <simt::OneOf<int, unsigned, unsigned long long, float> T>
__forceinline__ T atomicExch(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T) { return value; });
}
template <simt::OneOf<int, unsigned, long long, unsigned long long> T>
__forceinline__ T atomicMin(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return value < old ? value : old; });
}
template <simt::OneOf<int, unsigned, long long, unsigned long long> T>
__forceinline__ T atomicMax(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return old < value ? value : old; });
}
template <simt::OneOf<int, unsigned, unsigned long long> T>
__forceinline__ T atomicAnd(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return old & value; });
}
template <simt::OneOf<int, unsigned, unsigned long long> T>
__forceinline__ T atomicOr(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return old | value; });
}
template <simt::OneOf<int, unsigned, unsigned long long> T>
__forceinline__ T atomicXor(T* p, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [value](T old) { return old ^ value; });
}
template <simt::OneOf<int, unsigned, unsigned long long, unsigned short> T>
__forceinline__ T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return simt::atomic_apply(p, [expected, value](T old) { return old == expected ? value : old; });
}
__forceinline__ unsigned atomicInc(unsigned* p, unsigned last) {
  return simt::atomic_apply(p, [last](unsigned old) { return old >= last ? 0 : old + 1; });
}
__forceinline__ unsigned atomicDec(unsigned* p, unsigned last) {
  return simt::atomic_apply(p, [last](unsigned old) { return old == 0 || old > last ? last : old - 1; });
}

// The vector forms are atomic per element only, so that other threads may come between the elements; yet the address
// must be aligned to the whole vector, and float2 and float4 exist for global memory only.
namespace simt {

template <class Element, class Vector>
__forceinline__ Vector vector_add(Vector* p, Vector value, Space space) {
  check_pointer(p, sizeof(Vector), space);
  Vector old = value;
  auto* to = reinterpret_cast<Element*>(p);
  auto* elements = reinterpret_cast<Element*>(&old);
  for (std::size_t i = 0; i < sizeof(Vector) / sizeof(Element); ++i) elements[i] = atomicAdd(to + i, elements[i]);
  return old;
}

}  // namespace simt

__forceinline__ float2 atomicAdd(float2* p, float2 value) {
  return simt::vector_add<float>(p, value, simt::Space::global);
}
__forceinline__ float4 atomicAdd(float4* p, float4 value) {
  return simt::vector_add<float>(p, value, simt::Space::global);
}
__forceinline__ __half2 atomicAdd(__half2* p, __half2 value) {
  return simt::vector_add<__half>(p, value, simt::Space::any);
}
__forceinline__ __nv_bfloat162 atomicAdd(__nv_bfloat162* p, __nv_bfloat162 value) {
  return simt::vector_add<__nv_bfloat16>(p, value, simt::Space::any);
}
