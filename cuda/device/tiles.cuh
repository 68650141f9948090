// A square matrix of sums of products, spread over the registers of a block's threads: 16 x 16 tiles of kTile x kTile
// elements, a tile a thread. The vectors that are multiplied stand in shared memory, side by side ("staged").
#pragma once
#include "cuda/device/solve_plan.hpp"
#include "cuda/device/walk.cuh"

namespace wf {

/// Which tile a thread holds: rows kTile * row .. and columns kTile * column ..; -1: none.
struct TilePlace {
  int row = -1, column = -1;
};

/// Tiles on and below the diagonal, row by row: thread t of the first `across` (across + 1) / 2.
__device__ inline TilePlace triangle_place(int thread, int across) {
  if (thread >= across * (across + 1) / 2) return {};
  int row = 0;
  for (; thread > row; ++row) thread -= row + 1;
  return {row, thread};
}

enum class Weight { one, minus_one, given };

template <int kTileSide>
struct Tiles {
  static constexpr int kTile = kTileSide;
  static constexpr int kAcross = 16;
  static constexpr int kSide = kAcross * kTile;  ///< columns of a staged vector
  static constexpr int kTriangle = kAcross * (kAcross + 1) / 2;
  /// Threads for the triangle, whole warps; no fewer than columns.
  static constexpr int kThreads = (kTriangle + kWarp - 1) / kWarp * kWarp;
  /// Of 8 columns of a tile the first four stand in the first half of a vector, the others in the second: lanes with
  /// tiles side by side then load 16 bytes side by side. 16 more floats shift the second half by half the banks.
  static constexpr int kHalf = kTile == 8 ? kSide / 2 + 16 : kSide;
  static constexpr int kPitch = kTile == 8 ? 2 * kHalf : kSide;
  using Values = float[kTile][kTile];

  static_assert(kTile == 4 || kTile == 8);

  /// Where column f of a staged vector stands; f to f + 3 stand together where f is a multiple of four.
  WF_HD static int place(int f) { return kTile == 4 ? f : f / 4 % 2 * kHalf + f / 8 * 4 + f % 4; }

  /// The elements of one tile of a staged vector.
  __device__ static void load(const float* vector, int tile, float (&values)[kTile]) {
    for (int part = 0; part < kTile / 4; ++part) {
      const float4 four = *reinterpret_cast<const float4*>(vector + part * kHalf + 4 * tile);
      values[4 * part] = four.x;
      values[4 * part + 1] = four.y;
      values[4 * part + 2] = four.z;
      values[4 * part + 3] = four.w;
    }
  }
  __device__ static void store(const float (&values)[kTile], int tile, float* vector) {
    for (int part = 0; part < kTile / 4; ++part) {
      *reinterpret_cast<float4*>(vector + part * kHalf + 4 * tile) =
          make_float4(values[4 * part], values[4 * part + 1], values[4 * part + 2], values[4 * part + 3]);
    }
  }

  /// sums[i][j] += weight of n * left vector n [tile row, i] * right vector n [tile column, j], in the order of n.
  template <Weight kWeight>
  __device__ static void add_products(Values& sums, TilePlace at, const float* left, const float* right, int count,
                                      const float* weights = nullptr) {
#pragma unroll 2
    for (int n = 0; n < count; ++n) {
      float a[kTile], b[kTile];
      load(left + n * kPitch, at.row, a);
      load(right + n * kPitch, at.column, b);
      if constexpr (kWeight == Weight::given) {
        const float weight = weights[n];
        for (float& value : a) value *= weight;
      }
#pragma unroll
      for (int i = 0; i < kTile; ++i) {
#pragma unroll
        for (int j = 0; j < kTile; ++j) sums[i][j] += kWeight == Weight::minus_one ? -a[i] * b[j] : a[i] * b[j];
      }
    }
  }
};

inline constexpr int kTileColumns = Tiles<8>::kSide;  ///< that one block holds in its registers

/// Calls f with the tiles for so many columns, or for squares of a larger matrix.
template <class F>
void with_tiles(int columns, const F& f) {
  if (columns <= Tiles<4>::kSide) return f(Tiles<4>{});
  f(Tiles<8>{});
}

/// Columns f .. f + 3 of a row of which `count` are there, zeros behind them. `vector`: see stage_rows.
__device__ inline float4 load_columns(const float* row, int count, int f, bool vector) {
  float4 four = make_float4(0, 0, 0, 0);
  if (vector) {
    if (f < count) four = __ldg(reinterpret_cast<const float4*>(row + f));
  } else {
    if (f < count) four.x = __ldg(row + f);
    if (f + 1 < count) four.y = __ldg(row + f + 1);
    if (f + 2 < count) four.z = __ldg(row + f + 2);
    if (f + 3 < count) four.w = __ldg(row + f + 3);
  }
  return four;
}

/// Vector n of the stage: the columns of row row_of(n) of the table, zeros behind them up to `padded`. Callers: all
/// threads of the block. `vector`: the columns begin at 16 bytes in each row and are a multiple of four.
template <class T, class RowOf>
__device__ void stage_rows(const Rows<const float, Device>& table, const Columns& columns, int padded, bool vector,
                           int count, const RowOf& row_of, float* stage) {
  constexpr int kQuads = T::kSide / 4;
  for (int at = static_cast<int>(threadIdx.x); at < count * kQuads; at += static_cast<int>(blockDim.x)) {
    const int n = at / kQuads, f = at % kQuads * 4;
    if (f >= padded) continue;
    const float4 four = load_columns(table.row(row_of(n)) + columns.from, columns.count, f, vector);
    *reinterpret_cast<float4*>(stage + n * T::kPitch + T::place(f)) = four;
  }
}

}  // namespace wf
