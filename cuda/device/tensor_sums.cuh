// Equations (equations.cuh) by tensor cores: partners are rounded to 10 or 7 bits behind the point, products added in
// fp32. The right side takes the partners as rounded, so that a row is the solution for partners that are a little off.
#pragma once
#include "cuda/device/pieces.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

namespace wf {

namespace wmma = nvcuda::wmma;

#if WF_ARCH == 0 || WF_ARCH >= 800
/// How factors are kept for a precision: kDepth ratings go into one product of matrices.
template <Precision kPrecision>
struct TensorInput;

template <>
struct TensorInput<Precision::tf32> {
  using Stored = float;
  using Kind = wmma::precision::tf32;
  static constexpr int kDepth = 8, kStagedRatings = 16;
  __device__ static Stored from(float x) { return wmma::__float_to_tf32(x); }
  __device__ static float to_float(Stored x) { return x; }
};
template <>
struct TensorInput<Precision::fp16> {
  using Stored = __half;
  using Kind = __half;
  static constexpr int kDepth = 16, kStagedRatings = kStaged;
  __device__ static Stored from(float x) { return __float2half_rn(x); }
  __device__ static float to_float(Stored x) { return __half2float(x); }
};
template <>
struct TensorInput<Precision::bf16> {
  using Stored = __nv_bfloat16;
  using Kind = __nv_bfloat16;
  static constexpr int kDepth = 16, kStagedRatings = kStaged;
  __device__ static Stored from(float x) { return __float2bfloat16_rn(x); }
  __device__ static float to_float(Stored x) { return __bfloat162float(x); }
};
#endif

/// Powers of two that bring partners and weights below 1: fp16 ends at 65504, and loses bits below 2^-14.
struct Scales {
  float factor = 1, weight = 1;
};
__device__ inline float scale_below_one(float largest) {
  int exponent = 0;
  frexpf(largest, &exponent);
  return ldexpf(1, -exponent);
}
__device__ inline Scales scales_of(const SolveWork& work) {
  if (work.settings.precision != Precision::fp16) return {};
  Scales scales;
  const float factor = __uint_as_float(work.largest->factor), value = __uint_as_float(work.largest->value);
  if (factor > 0) scales.factor = scale_below_one(factor);
  if (!work.settings.implicit) return scales;
  const float weight = fmaxf(fabsf(implicit_term<float>(work.settings, value).curvature),
                             fabsf(implicit_term<float>(work.settings, 0.0F).curvature));
  if (weight > 1) scales.weight = scale_below_one(weight);
  return scales;
}

/// Blocks of a multiprocessor: the sums of a warp take 72 registers, 32 with tiles of 4 x 4, beside where they are.
template <class T>
inline constexpr int kTensorBlocks = T::kTile == 8 ? 2 : 4;

/// add_ratings for a square on the diagonal. The stage holds factors as rounded and, kWeight == given, once more times
/// their weights; at the end strips of 16 rows go through it from fragments to tiles. Callers: all threads of the
/// block.
template <class T, Weight kWeight, Precision kPrecision>
__device__ void add_ratings_by_tensors(const ListRatings& ratings, Position first, Position end, TilePlace at,
                                       const Columns& columns, bool vector, EquationRoom<T>& room,
                                       Equations<T>& equations) {
#if WF_ARCH > 0 && WF_ARCH < 800  // no tensor cores for tf32 and bf16: fp32, which is nearer
  add_ratings<T, kWeight>(ratings, first, end, at, columns, columns, vector, room, room.stage, equations);
#else
  using Input = TensorInput<kPrecision>;
  using Stored = typename Input::Stored;
  using Accumulator = wmma::fragment<wmma::accumulator, 16, 16, Input::kDepth, float>;
  constexpr int kRatings = Input::kStagedRatings;
  constexpr int kPitch = T::kSide + 8;          // 16 bytes more at least: rows begin at other banks
  constexpr int kSums = T::kTile == 8 ? 9 : 4;  // tiles of 16 x 16 that a warp has at most, of any count of columns
  static_assert(2 * kRatings * kPitch * sizeof(Stored) <= sizeof(room.stage));
  auto* const stage = reinterpret_cast<Stored*>(room.stage);
  Stored* const weighted = kWeight == Weight::given ? stage + kRatings * kPitch : stage;
  const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp, warps = static_cast<int>(blockDim.x) / kWarp;
  const int across = (columns.count + 15) / 16;
  const Scales scales = scales_of(ratings.work);
  Accumulator sums[kSums];
#pragma unroll
  for (int s = 0; s < kSums; ++s) wmma::fill_fragment(sums[s], 0.0F);
  for (Position from = first; from < end; from += kRatings) {
    const int count = static_cast<int>(min(Position{kRatings}, end - from));
    __syncthreads();  // the stage and the terms are not read any more
    if (thread < count) {
      const Term<float> term = ratings.term(from + thread);
      room.curvature[thread] = term.curvature;
      room.pull[thread] = term.pull;
      equations.terms.curvature += static_cast<double>(term.curvature);
      equations.terms.pull += static_cast<double>(term.pull);
    }
    if constexpr (kWeight == Weight::given) __syncthreads();
    constexpr int kQuads = T::kSide / 4;
    for (int turn = thread; turn < kRatings * kQuads; turn += static_cast<int>(blockDim.x)) {
      const int n = turn / kQuads, f = turn % kQuads * 4;
      if (f >= 16 * across) continue;
      float4 four = make_float4(0, 0, 0, 0);
      if (n < count) {
        four = load_columns(ratings.table().row(ratings.partner(from + n)) + columns.from, columns.count, f, vector);
      }
      const float values[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const Stored rounded = Input::from(values[e] * scales.factor);
        stage[n * kPitch + f + e] = rounded;
        if constexpr (kWeight == Weight::given) {
          const float weight = n < count ? room.curvature[n] * scales.weight : 0.0F;
          weighted[n * kPitch + f + e] = Input::from(Input::to_float(rounded) * weight);
        }
      }
    }
    __syncthreads();
#pragma unroll
    for (int s = 0; s < kSums; ++s) {
      const TilePlace tile = triangle_place(warp + s * warps, across);
      if (tile.row < 0) continue;
      for (int depth = 0; depth < kRatings; depth += Input::kDepth) {
        wmma::fragment<wmma::matrix_a, 16, 16, Input::kDepth, typename Input::Kind, wmma::col_major> left;
        wmma::fragment<wmma::matrix_b, 16, 16, Input::kDepth, typename Input::Kind, wmma::row_major> right;
        wmma::load_matrix_sync(left, weighted + depth * kPitch + 16 * tile.row, kPitch);
        wmma::load_matrix_sync(right, stage + depth * kPitch + 16 * tile.column, kPitch);
        wmma::mma_sync(sums[s], left, right, sums[s]);
      }
    }
    if (thread < columns.count) {
      for (int n = 0; n < count; ++n) {
        const float value = Input::to_float(stage[n * kPitch + thread]);
        equations.right += room.pull[n] * value;
        equations.border += room.curvature[n] * value;
      }
    }
  }
  equations.right /= scales.factor;
  equations.border /= scales.factor;
  const float unscaled = 1 / (scales.factor * scales.factor * scales.weight);
  constexpr int kStripPitch = T::kSide + 4;
  float* const strip = room.stage;
  for (int row = 0; row < across; ++row) {
    __syncthreads();
#pragma unroll
    for (int s = 0; s < kSums; ++s) {
      const TilePlace tile = triangle_place(warp + s * warps, across);
      if (tile.row != row) continue;
      wmma::store_matrix_sync(strip + 16 * tile.column, sums[s], kStripPitch, wmma::mem_row_major);
    }
    __syncthreads();
    if (at.row < 0 || at.row * T::kTile / 16 != row) continue;
#pragma unroll
    for (int i = 0; i < T::kTile; ++i) {
      const float* const from = strip + (at.row * T::kTile % 16 + i) * kStripPitch + at.column * T::kTile;
#pragma unroll
      for (int j = 0; j < T::kTile; ++j) equations.sums[i][j] += unscaled * from[j];
    }
  }
#endif
}

}  // namespace wf
