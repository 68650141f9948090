// The normal equations of one row, summed over its ratings by a block: the matrix in tiles (tiles.cuh), its right side
// and, with biases, the border that the bias adds to it.
#pragma once
#include "cuda/device/pair.cuh"
#include "cuda/device/tiles.cuh"
#include "host/kernels/op_types.hpp"

namespace wf {

/// The ratings of lists, as add_ratings asks for them.
struct ListRatings {
  SolveWork work;

  __device__ const Rows<const float, Device>& table() const { return work.sides.partner_factors; }
  __device__ Position partner(Position n) const { return work.lists.partner[n]; }
  __device__ Term<float> term(Position n) const {
    const float value = work.lists.value[n];
    Term<float> term;
    if (work.settings.implicit) {
      term = implicit_term<float>(work.settings, value);
    } else if (work.sides.biases.empty()) {
      term = explicit_term<float>(value);
    } else {
      term = explicit_term<float>(value - (work.settings.mean + *work.sides.partner_biases.row(partner(n))));
    }
    if (!work.scores.empty()) term.pull -= term.curvature * work.scores[n];
    return term;
  }
};

/// All rows of a table as ratings of weight 1 that pull nowhere, for its Gram matrix.
struct TableRatings {
  Rows<const float, Device> rows;
  __device__ const Rows<const float, Device>& table() const { return rows; }
  __device__ static Position partner(Position n) { return n; }
  __device__ static Term<float> term(Position) { return {1, 0, 0}; }
};

inline constexpr int kStaged = kWarp;  ///< ratings whose partners are staged at a time: a lane for each one's term

/// Shared memory of a block that sums equations. No constructors: shared memory takes none.
template <class T>
struct EquationRoom {
  static constexpr int kPitch = T::kPitch > T::kSide + 8 ? T::kPitch : T::kSide + 8;  // of tensor_sums.cuh, the larger
  alignas(32) float stage[kStaged * kPitch];
  float curvature[kStaged], pull[kStaged];
  alignas(16) float right[T::kSide], border[T::kSide];  // of the columns at hand
  double total_curvature, total_pull;
};

/// A thread's part of a row's equations.
template <class T>
struct Equations {
  typename T::Values sums;
  float right = 0, border = 0;  ///< of column threadIdx.x
  TermSums terms;               ///< of the first warp: of this lane's ratings

  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < T::kTile; ++i) {
#pragma unroll
      for (int j = 0; j < T::kTile; ++j) sums[i][j] = 0;
    }
    right = border = 0;
    terms = {};
  }
};

__device__ inline int padded_columns(int count, int tile) {
  return (count + tile - 1) / tile * tile;
}

/// Adds ratings first .. end - 1 of `ratings`, in their order, to rows `left` and columns `right` of the matrix; the
/// two are the same, or `right_stage` is other memory than the room's. Callers: all threads of the block.
template <class T, Weight kWeight, class Ratings>
__device__ void add_ratings(const Ratings& ratings, Position first, Position end, TilePlace at, const Columns& left,
                            const Columns& right, bool vector, EquationRoom<T>& room, float* right_stage,
                            Equations<T>& equations) {
  const int thread = static_cast<int>(threadIdx.x);
  const int left_padded = padded_columns(left.count, T::kTile), right_padded = padded_columns(right.count, T::kTile);
  for (Position from = first; from < end; from += kStaged) {
    const int count = static_cast<int>(min(Position{kStaged}, end - from));
    __syncthreads();  // the stage is not read any more
    if (thread < count) {
      const Term<float> term = ratings.term(from + thread);
      room.curvature[thread] = term.curvature;
      room.pull[thread] = term.pull;
      equations.terms.curvature += static_cast<double>(term.curvature);
      equations.terms.pull += static_cast<double>(term.pull);
    }
    const auto partner = [&](int n) { return ratings.partner(from + n); };
    stage_rows<T>(ratings.table(), left, left_padded, vector, count, partner, room.stage);
    if (right_stage != room.stage) {
      stage_rows<T>(ratings.table(), right, right_padded, vector, count, partner, right_stage);
    }
    __syncthreads();
    if (at.row >= 0) {
      T::template add_products<kWeight>(equations.sums, at, room.stage, right_stage, count, room.curvature);
    }
    if (thread < left_padded) {
      const float* column = room.stage + T::place(thread);
      for (int n = 0; n < count; ++n, column += T::kPitch) {
        equations.right += room.pull[n] * *column;
        equations.border += room.curvature[n] * *column;
      }
    }
  }
}

/// Adds up the terms' sums of the first warp's lanes; all threads have them in the room after a barrier.
template <class T>
__device__ void share_terms(TermSums sums, EquationRoom<T>& room) {
  if (threadIdx.x >= kWarp) return;
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    sums.curvature += __shfl_down_sync(kAllLanes, sums.curvature, lanes);
    sums.pull += __shfl_down_sync(kAllLanes, sums.pull, lanes);
  }
  if (threadIdx.x != 0) return;
  room.total_curvature = sums.curvature;
  room.total_pull = sums.pull;
}

/// Adds what is there before the first rating, unobserved * gram, to a tile.
template <class T>
__device__ void add_base(const SolveWork& work, TilePlace at, const Columns& left, const Columns& right,
                         typename T::Values& sums) {
  if (work.gram.empty() || at.row < 0) return;
  const auto weight = static_cast<float>(work.settings.unobserved);
#pragma unroll
  for (int i = 0; i < T::kTile; ++i) {
    const int f = at.row * T::kTile + i;
#pragma unroll
    for (int j = 0; j < T::kTile; ++j) {
      const int g = at.column * T::kTile + j;
      if (f < left.count && g < right.count)
        sums[i][j] += weight * __ldg(work.gram.row(left.from + f) + right.from + g);
    }
  }
}

/// To the diagonal: `ridge`, and 1 for columns that are only there to fill a tile.
template <class T>
__device__ void add_ridge(TilePlace at, int columns, float ridge, typename T::Values& sums) {
  if (at.row < 0 || at.row != at.column) return;
#pragma unroll
  for (int i = 0; i < T::kTile; ++i) sums[i][i] += at.row * T::kTile + i < columns ? ridge : 1.0F;
}

}  // namespace wf
