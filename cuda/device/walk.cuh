// How threads, and groups of lanes, share the work of a launch: each takes one piece, then strides over the grid.
#pragma once
#include "cuda/runtime/launch.hpp"

namespace wf {

inline constexpr int kBlockThreads = 256;

struct Walk {
  Position first, step;
};

/// A thread per piece.
inline Shape threads_over(Position pieces) {
  return grid_over(pieces, kBlockThreads, kBlockThreads);
}
__device__ inline Walk thread_walk() {
  return {Position{blockIdx.x} * kBlockThreads + threadIdx.x, Position{gridDim.x} * kBlockThreads};
}

/// `kLanes` lanes of a warp per piece, e.g. a row; kLanes divides kWarp.
template <int kLanes = kWarp>
Shape lanes_over(Position pieces) {
  return grid_over(pieces, kBlockThreads / kLanes, kBlockThreads);
}
template <int kLanes = kWarp>
__device__ inline Walk lanes_walk() {
  constexpr int kPieces = kBlockThreads / kLanes;
  return {Position{blockIdx.x} * kPieces + threadIdx.x / kLanes, Position{gridDim.x} * kPieces};
}
template <int kLanes = kWarp>
__device__ inline int this_lane() {
  return static_cast<int>(threadIdx.x) % kLanes;
}

}  // namespace wf
