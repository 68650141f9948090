// Conjugate gradients for the equations of a row in tiles (tiles.cuh). Hestenes, Stiefel: Methods of conjugate
// gradients for solving linear systems. J. Res. Nat. Bur. Standards 49(6), 1952.
#pragma once
#include "cuda/device/pair.cuh"
#include "cuda/device/tiles.cuh"

namespace wf {

/// A vector of unknowns, the bias apart.
template <class T>
struct Unknowns {
  float factors[T::kSide];
  float bias;
};

/// The bias' part of a symmetric matrix: border [columns], and its own element.
struct Border {
  const float* values;
  float own;
};

/// Sum over the first `columns` by a warp, all lanes of which call it and hold the result.
template <class Term>
__device__ float warp_sum_of(int columns, const Term& term) {
  float sum = 0;
  for (int f = this_lane(); f < columns; f += kWarp) sum += term(f);
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kAllLanes, sum, lanes);
  return sum;
}

/// product <- matrix * vector, both in shared memory; the matrix is symmetric, its lower tiles are there. `slots`
/// (shared, [kAcross x kSide]) holds what each tile adds, so that sums have one order. Callers: all threads of the
/// block, after a barrier; one follows.
template <class T>
__device__ void multiply_tiles(const typename T::Values& sums, TilePlace at, int across, const Border& border,
                               const Unknowns<T>& vector, Unknowns<T>& product, float* slots) {
  if (at.row >= 0) {
#pragma unroll
    for (int f = 0; f < T::kTile; ++f) {
      float sum = 0;
#pragma unroll
      for (int g = 0; g < T::kTile; ++g) sum += sums[f][g] * vector.factors[at.column * T::kTile + g];
      slots[at.column * T::kSide + at.row * T::kTile + f] = sum;
    }
    if (at.row != at.column) {
#pragma unroll
      for (int g = 0; g < T::kTile; ++g) {
        float sum = 0;
#pragma unroll
        for (int f = 0; f < T::kTile; ++f) sum += sums[f][g] * vector.factors[at.row * T::kTile + f];
        slots[at.row * T::kSide + at.column * T::kTile + g] = sum;
      }
    }
  }
  __syncthreads();
  const int column = static_cast<int>(threadIdx.x);
  if (column < across * T::kTile) {
    float sum = border.values[column] * vector.bias;
    for (int slot = 0; slot < across; ++slot) sum += slots[slot * T::kSide + column];
    product.factors[column] = sum;
  }
  if (threadIdx.x < kWarp) {
    const float sum = warp_sum_of(across * T::kTile, [&](int f) { return border.values[f] * vector.factors[f]; });
    if (threadIdx.x == 0) product.bias = sum + border.own * vector.bias;
  }
  __syncthreads();
}

template <class T>
struct DescentRoom {
  Unknowns<T> x, rest, direction, image;
  float length;
};

/// `steps` from room.x on, `rest` being the right side. Callers: all threads of the block, after a barrier.
template <class T>
__device__ void descend(const typename T::Values& sums, TilePlace at, int across, const Border& border, int steps,
                        DescentRoom<T>& room, float* slots) {
  const int columns = across * T::kTile;
  const auto inner = [&](const Unknowns<T>& a, const Unknowns<T>& b) {
    return warp_sum_of(columns, [&](int f) { return a.factors[f] * b.factors[f]; }) + a.bias * b.bias;
  };
  const auto add = [&](float rate, const Unknowns<T>& from, Unknowns<T>& to) {
    for (int f = this_lane(); f < columns; f += kWarp) to.factors[f] += rate * from.factors[f];
    if (threadIdx.x == 0) to.bias += rate * from.bias;
  };
  multiply_tiles<T>(sums, at, across, border, room.x, room.image, slots);
  if (threadIdx.x < kWarp) {
    add(-1, room.image, room.rest);
    for (int f = this_lane(); f < columns; f += kWarp) room.direction.factors[f] = room.rest.factors[f];
    if (threadIdx.x == 0) room.direction.bias = room.rest.bias;
    __syncwarp();
    const float length = inner(room.rest, room.rest);
    if (threadIdx.x == 0) room.length = length;
  }
  __syncthreads();
  for (int step = 0; step < steps && room.length > 0; ++step) {
    multiply_tiles<T>(sums, at, across, border, room.direction, room.image, slots);
    if (threadIdx.x < kWarp) {
      const float length = room.length, curvature = inner(room.direction, room.image);
      float shorter = 0;
      if (curvature > 0) {
        add(length / curvature, room.direction, room.x);
        add(-length / curvature, room.image, room.rest);
        __syncwarp();
        shorter = inner(room.rest, room.rest);
        const float turn = shorter / length;
        for (int f = this_lane(); f < columns; f += kWarp) {
          room.direction.factors[f] = room.rest.factors[f] + turn * room.direction.factors[f];
        }
        if (threadIdx.x == 0) room.direction.bias = room.rest.bias + turn * room.direction.bias;
      }
      __syncwarp();
      if (threadIdx.x == 0) room.length = shorter;  // 0 where it cannot go on
    }
    __syncthreads();
  }
}

}  // namespace wf
