// Arithmetic that the toolkit's headers keep for nvcc; a part of device.hpp. The device's approximations (__expf,
// rsqrtf) are the exact functions here, rounded: tests of them need tolerances.
#pragma once
#include "tests/simt/device.hpp"

#include <bit>
#include <cmath>

// ---- float and double: the names fix the rounding; -ffp-contract=off keeps the compiler from fusing
inline float __fmaf_rn(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __frcp_rn(float x) {
  return 1 / x;
}
inline float __fsqrt_rn(float x) {
  return std::sqrt(x);
}
inline float __frsqrt_rn(float x) {
  return float(1 / std::sqrt(double(x)));
}
inline double __fma_rn(double a, double b, double c) {
  return std::fma(a, b, c);
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dsub_rn(double a, double b) {
  return a - b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline double __ddiv_rn(double a, double b) {
  return a / b;
}
inline double __dsqrt_rn(double x) {
  return std::sqrt(x);
}
inline float rsqrtf(float x) {
  return 1 / std::sqrt(x);
}
inline double rsqrt(double x) {
  return 1 / std::sqrt(x);
}
inline float __expf(float x) {
  return std::exp(x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __log2f(float x) {
  return std::log2(x);
}
inline float __powf(float x, float y) {
  return std::pow(x, y);
}
inline float __saturatef(float x) {  // of NaN it is 0
  return x > 0 ? std::fmin(x, 1.0F) : 0.0F;
}

// ---- half types, by way of float
namespace simt {

inline float to_float(__half x) {
  return __half2float(x);
}
inline float to_float(__nv_bfloat16 x) {
  return __bfloat162float(x);
}
template <class T>
T from_float(float x) {
  if constexpr (std::is_same_v<T, __half>)
    return __float2half(x);
  else
    return __float2bfloat16(x);
}
template <class T>
concept Half = OneOf<T, __half, __nv_bfloat16>;

}  // namespace simt

template <simt::Half T>
T __hfma(T a, T b, T c) {
  return simt::from_float<T>(std::fma(simt::to_float(a), simt::to_float(b), simt::to_float(c)));
}
template <simt::OneOf<__half2, __nv_bfloat162> T>
T __hfma2(T a, T b, T c) {
  return T(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));
}
template <simt::Half T>
T hsqrt(T x) {
  return simt::from_float<T>(std::sqrt(simt::to_float(x)));
}
template <simt::Half T>
T hrsqrt(T x) {
  return simt::from_float<T>(1 / std::sqrt(simt::to_float(x)));
}
template <simt::Half T>
T hrcp(T x) {
  return simt::from_float<T>(1 / simt::to_float(x));
}
template <simt::Half T>
T hexp(T x) {
  return simt::from_float<T>(std::exp(simt::to_float(x)));
}
template <simt::Half T>
T hlog(T x) {
  return simt::from_float<T>(std::log(simt::to_float(x)));
}

// ---- conversions and bits
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline long long __double_as_longlong(double x) {
  return std::bit_cast<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return std::bit_cast<double>(x);
}
inline int __float2int_rn(float x) {
  return int(std::nearbyint(x));
}
inline int __float2int_rz(float x) {
  return int(x);
}
inline int __float2int_rd(float x) {
  return int(std::floor(x));
}
inline float __int2float_rn(int x) {
  return float(x);
}
inline float __uint2float_rn(unsigned x) {
  return float(x);
}
inline float __double2float_rn(double x) {
  return float(x);
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(unsigned(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(unsigned(x)) + 1;
}
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (x >> i & 1U) << (31 - i);
  return reversed;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return unsigned((std::uint64_t(a) * b) >> 32);
}
inline int __mulhi(int a, int b) {
  return int((std::int64_t(a) * b) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((Wide(a) * b) >> 64);
}
inline long long __mul64hi(long long a, long long b) {
  __extension__ using Wide = __int128;
  return static_cast<long long>((Wide(a) * b) >> 64);
}

// Overloads and not a template, which would be ambiguous with std::min where that is visible, too.
#define SIMT_MIN_MAX(T)    \
  inline T min(T a, T b) { \
    return b < a ? b : a;  \
  }                        \
  inline T max(T a, T b) { \
    return a < b ? b : a;  \
  }                        \
  static_assert(true)
SIMT_MIN_MAX(int);
SIMT_MIN_MAX(unsigned);
SIMT_MIN_MAX(long);
SIMT_MIN_MAX(unsigned long);
SIMT_MIN_MAX(long long);
SIMT_MIN_MAX(unsigned long long);
#undef SIMT_MIN_MAX
inline float min(float a, float b) {  // of a number and NaN it is the number
  return std::fmin(a, b);
}
inline float max(float a, float b) {
  return std::fmax(a, b);
}
inline double min(double a, double b) {
  return std::fmin(a, b);
}
inline double max(double a, double b) {
  return std::fmax(a, b);
}
