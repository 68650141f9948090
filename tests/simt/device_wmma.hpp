// Matrix fragments of a warp, <mma.h>'s nvcuda::wmma, as device code calls them; a part of device.hpp. Which lane holds
// which element is nobody's business but here. Inputs are rounded as the device takes them; sums are in float, in
// order, where the device has an order of its own: tests of them need tolerances.
#pragma once
#include "tests/simt/device.hpp"

#include <bit>
#include <cmath>

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision {
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

template <class T>
struct Stored {
  using Type = T;
};
template <>
struct Stored<precision::tf32> {
  using Type = float;
};

template <class Use, int kM, int kN, int kK, class T, class Layout = void>
struct fragment {
  static constexpr int kRows = std::is_same_v<Use, matrix_b> ? kK : kM;
  static constexpr int kColumns = std::is_same_v<Use, matrix_a> ? kK : kN;
  static constexpr int num_elements = kRows * kColumns / warpSize;  // CUDA's name
  using Element = typename Stored<T>::Type;
  static_assert(kM == 16 && kN == 16);
  static_assert(std::is_same_v<Use, accumulator> || kK == (std::is_same_v<T, precision::tf32> ? 8 : 16));

  Element x[num_elements];  // element e of this lane is number warpSize * e + lane of the matrix, row by row

  static int row(int e) { return (warpSize * e + int(simt::lane_id())) / kColumns; }
  static int column(int e) { return (warpSize * e + int(simt::lane_id())) % kColumns; }
  Element at(const fragment* const* of_lane, int row, int column) const {
    const int number = row * kColumns + column;
    return of_lane[number % warpSize]->x[number / warpSize];
  }
};

// As the device's: 256 bits before the first element, 128 bits between rows.
template <class T>
void check_tile(const T* p, unsigned pitch) {
  simt::check_pointer(p, 32, simt::Space::any);
  simt::check_pointer(p + pitch, 16, simt::Space::any);
}

template <class Fragment, class T>
void fill_fragment(Fragment& to, T value) {
  for (auto& x : to.x) x = value;
}

template <class Use, int kM, int kN, int kK, class T, class Layout>
void load_matrix_sync(fragment<Use, kM, kN, kK, T, Layout>& to, const typename Stored<T>::Type* from, unsigned pitch) {
  __syncwarp();
  check_tile(from, pitch);
  for (int e = 0; e < to.num_elements; ++e) {
    to.x[e] = std::is_same_v<Layout, row_major> ? from[to.row(e) * pitch + to.column(e)]
                                                : from[to.column(e) * pitch + to.row(e)];
  }
}

template <int kM, int kN, int kK>
void store_matrix_sync(float* to, const fragment<accumulator, kM, kN, kK, float>& from, unsigned pitch,
                       layout_t layout) {
  __syncwarp();
  check_tile(to, pitch);
  for (int e = 0; e < from.num_elements; ++e) {
    to[layout == mem_row_major ? from.row(e) * pitch + from.column(e) : from.column(e) * pitch + from.row(e)] =
        from.x[e];
  }
}

// Of a tf32 factor the device reads 10 bits behind the point.
template <class T>
float factor(T x) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(std::bit_cast<unsigned>(x) & ~0x1FFFU);
  else
    return simt::to_float(x);
}

template <int kM, int kN, int kK, class T, class LayoutA, class LayoutB>
void mma_sync(fragment<accumulator, kM, kN, kK, float>& to, const fragment<matrix_a, kM, kN, kK, T, LayoutA>& a,
              const fragment<matrix_b, kM, kN, kK, T, LayoutB>& b,
              const fragment<accumulator, kM, kN, kK, float>& plus) {
  const std::remove_cvref_t<decltype(a)>* a_of[warpSize];
  const std::remove_cvref_t<decltype(b)>* b_of[warpSize];
  for (int lane = 0; lane < warpSize; ++lane) {  // lanes' stacks are one memory here
    a_of[lane] = reinterpret_cast<decltype(a_of[0] + 0)>(
        __shfl_sync(~0U, static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(&a)), lane));
    b_of[lane] = reinterpret_cast<decltype(b_of[0] + 0)>(
        __shfl_sync(~0U, static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(&b)), lane));
  }
  for (int e = 0; e < to.num_elements; ++e) {
    float sum = plus.x[e];
    for (int k = 0; k < kK; ++k) sum += factor(a.at(a_of, to.row(e), k)) * factor(b.at(b_of, k, to.column(e)));
    to.x[e] = sum;
  }
  __syncwarp();
}

// To the nearest, halves away from zero.
inline float __float_to_tf32(float x) {
  return std::isfinite(x) ? std::bit_cast<float>((std::bit_cast<unsigned>(x) + 0x1000U) & ~0x1FFFU) : x;
}

}  // namespace nvcuda::wmma
