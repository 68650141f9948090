// Cholesky's method for a matrix in tiles (tiles.cuh): tile columns from left to right, each factor going through
// shared memory to the tiles right of it. What is lower than the matrix's own part of the registers is never written.
#pragma once
#include "cuda/device/tiles.cuh"
#include "host/kernels/solve_rules.hpp"

namespace wf {

/// Shared memory of a factorization beside a panel of kTile staged vectors.
template <class T>
struct CholeskyRoom {
  float corner[T::kTile][T::kTile];  // a diagonal tile of L; on its diagonal 1 / pivot, 0 for an unknown that is open
  float diagonal[T::kSide];          // of the matrix before
};

/// sums <- the diagonal tile's L, with 1 / pivot on the diagonal. Returns whether an unknown is open.
template <class T>
__device__ bool factorize_corner(typename T::Values& sums, const float* diagonal) {
  bool open = false;
#pragma unroll
  for (int g = 0; g < T::kTile; ++g) {
    float pivot = sums[g][g];
#pragma unroll
    for (int h = 0; h < g; ++h) pivot -= sums[g][h] * sums[g][h];
    const bool none = !(pivot > kSmallestPivot * diagonal[g]);
    open = open || none;
    const float inverse = none ? 0.0F : rsqrtf(pivot);
    sums[g][g] = inverse;
#pragma unroll
    for (int f = g + 1; f < T::kTile; ++f) {
      float sum = sums[f][g];
#pragma unroll
      for (int h = 0; h < g; ++h) sum -= sums[f][h] * sums[g][h];
      sums[f][g] = sum * inverse;
    }
  }
  return open;
}

/// values <- L^-1 values for a corner.
template <class T>
__device__ void solve_corner(const typename T::Values& corner, float* values) {
#pragma unroll
  for (int f = 0; f < T::kTile; ++f) {
    float sum = values[f];
#pragma unroll
    for (int g = 0; g < f; ++g) sum -= corner[f][g] * values[g];
    values[f] = sum * corner[f][f];
  }
}
/// values <- L'^-1 values.
template <class T>
__device__ void solve_corner_back(const typename T::Values& corner, float* values) {
#pragma unroll
  for (int f = T::kTile - 1; f >= 0; --f) {
    float sum = values[f];
#pragma unroll
    for (int g = f + 1; g < T::kTile; ++g) sum -= corner[g][f] * values[g];
    values[f] = sum * corner[f][f];
  }
}

/// sums <- sums * L'^-1 for a corner in shared memory: a tile below it becomes its part of the factor.
template <class T>
__device__ void solve_below(typename T::Values& sums, const float (&corner)[T::kTile][T::kTile]) {
#pragma unroll
  for (int g = 0; g < T::kTile; ++g) {
#pragma unroll
    for (int f = 0; f < T::kTile; ++f) {
      float sum = sums[f][g];
#pragma unroll
      for (int h = 0; h < g; ++h) sum -= sums[f][h] * corner[g][h];
      sums[f][g] = sum * corner[g][g];
    }
  }
}

/// A tile as kTile staged vectors, one for each of its columns.
template <class T>
__device__ void stage_tile(const typename T::Values& sums, int row, float* panel) {
#pragma unroll
  for (int g = 0; g < T::kTile; ++g) {
    float column[T::kTile];
#pragma unroll
    for (int f = 0; f < T::kTile; ++f) column[f] = sums[f][g];
    T::store(column, row, panel + g * T::kPitch);
  }
}

/// values of a tile's rows -= tile * values of its columns.
template <class T>
__device__ void subtract_rows(const typename T::Values& sums, TilePlace at, float* values) {
#pragma unroll
  for (int f = 0; f < T::kTile; ++f) {
    float sum = values[at.row * T::kTile + f];
#pragma unroll
    for (int g = 0; g < T::kTile; ++g) sum -= sums[f][g] * values[at.column * T::kTile + g];
    values[at.row * T::kTile + f] = sum;
  }
}

/// L in the lower tiles' registers, of a matrix of `across` tile columns; right and border (shared, [across * kTile])
/// become L^-1 times themselves. Returns whether this thread met an open unknown. Callers: all threads of the block,
/// after a barrier; `panel` is overwritten; a barrier must follow before it is used again.
template <class T>
__device__ bool factorize(typename T::Values& sums, TilePlace at, int across, CholeskyRoom<T>& room, float* panel,
                          float* right, float* border) {
  const bool corner = at.row >= 0 && at.row == at.column;
  if (corner) {
#pragma unroll
    for (int f = 0; f < T::kTile; ++f) room.diagonal[at.row * T::kTile + f] = sums[f][f];
  }
  bool open = false;
  for (int step = 0; step < across; ++step) {
    if (corner && at.row == step) {
      open = factorize_corner<T>(sums, room.diagonal + step * T::kTile);
#pragma unroll
      for (int f = 0; f < T::kTile; ++f) {
#pragma unroll
        for (int g = 0; g <= f; ++g) room.corner[f][g] = sums[f][g];
      }
      solve_corner<T>(sums, right + step * T::kTile);
      solve_corner<T>(sums, border + step * T::kTile);
    }
    __syncthreads();
    if (at.column == step && at.row > step) {
      solve_below<T>(sums, room.corner);
      stage_tile<T>(sums, at.row, panel);
      subtract_rows<T>(sums, at, right);
      subtract_rows<T>(sums, at, border);
    }
    __syncthreads();
    if (at.column > step) T::template add_products<Weight::minus_one>(sums, at, panel, panel, T::kTile);
  }
  return open;
}

/// values <- L'^-1 values. Callers: all threads of the block, after a barrier; one follows at the end.
template <class T>
__device__ void solve_back(const typename T::Values& sums, TilePlace at, int across, float* values) {
  for (int step = across - 1; step >= 0; --step) {
    if (at.row == step && at.column == step) solve_corner_back<T>(sums, values + step * T::kTile);
    __syncthreads();
    if (at.row == step && at.column < step) {
#pragma unroll
      for (int g = 0; g < T::kTile; ++g) {
        float sum = values[at.column * T::kTile + g];
#pragma unroll
        for (int f = 0; f < T::kTile; ++f) sum -= sums[f][g] * values[step * T::kTile + f];
        values[at.column * T::kTile + g] = sum;
      }
    }
    __syncthreads();
  }
}

}  // namespace wf
