// Two lanes that share a rating: sums over the elements of its rows, in the order of sum_in_lanes
// (host/kernels/dot.hpp). Lane 0 of the pair keeps the running sums 0 .. 3, lane 1 the sums 4 .. 7: for every 8
// elements each lane loads 16 bytes, so a pair uses whole sectors of 32, and 16 ratings share four shuffles. Callers:
// all lanes of the warp at once, both lanes of a pair with the same arguments; a pair without rows says so and gets 0.
// Both lanes hold the result.
#pragma once
#include "cuda/device/rank.cuh"
#include "cuda/device/walk.cuh"
#include "host/kernels/dot.hpp"

namespace wf {

inline constexpr int kPair = 2;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

/// Which of the pair's two this lane is.
__device__ inline int this_half() {
  return static_cast<int>(threadIdx.x) % kPair;
}

/// The tree of sum_in_lanes over both lanes' four sums.
template <class Real>
__device__ inline Real finish_sum(Real (&sums)[4]) {
  for (int lane = 0; lane < 4; ++lane) sums[lane] += __shfl_xor_sync(kAllLanes, sums[lane], 1);
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/// sum_in_lanes with add(sum, f) for the next running sum.
template <class Real, class Add>
__device__ inline Real pair_fold(int rank, const Add& add) {
  Real sums[4] = {};
#pragma unroll 1  // a term may hold a power: unrolled, registers spill
  for (int f = 4 * this_half(); f < rank; f += kSumLanes) {
    for (int lane = 0; lane < 4; ++lane) {
      if (f + lane < rank) sums[lane] = add(sums[lane], f + lane);
    }
  }
  return finish_sum(sums);
}
/// sum_in_lanes<Real>(rank, term).
template <class Real, class Term>
__device__ inline Real pair_sum(int rank, const Term& term) {
  return pair_fold<Real>(rank, [=](Real sum, int f) { return sum + term(f); });
}

/// <a, b> of two rows in global memory that nobody writes meanwhile, or 0.
template <class Rank>
__device__ inline float pair_dot(bool has_rows, const float* a, const float* b, Rank rank) {
  const int elements = has_rows ? rank.count() : 0;
  if constexpr (Rank::kStorage != Storage::fp32) {
    float sums[4] = {};
#pragma unroll 4
    for (int f = 8 * this_half(); f < elements; f += 2 * kSumLanes) {
      const uint4 x = __ldg(reinterpret_cast<const uint4*>(a) + f / 8);
      const uint4 y = __ldg(reinterpret_cast<const uint4*>(b) + f / 8);
      const auto add = [](float& sum, unsigned of_a, unsigned of_b) {
        const float2 p = from_pair(Rank::kStorage, of_a), q = from_pair(Rank::kStorage, of_b);
        sum += p.x * q.x + p.y * q.y;
      };
      add(sums[0], x.x, y.x);
      add(sums[1], x.y, y.y);
      add(sums[2], x.z, y.z);
      add(sums[3], x.w, y.w);
    }
    return finish_sum(sums);
  } else if constexpr (Rank::kVector) {  // a multiple of four: a lane's share is whole vectors
    float sums[4] = {};
#pragma unroll 4
    for (int f = 4 * this_half(); f < elements; f += kSumLanes) {
      const float4 x = load4(a + f);
      const float4 y = load4(b + f);
      sums[0] += x.x * y.x;
      sums[1] += x.y * y.y;
      sums[2] += x.z * y.z;
      sums[3] += x.w * y.w;
    }
    return finish_sum(sums);
  } else {
    return pair_sum<float>(elements, [=](int f) { return __ldg(a + f) * __ldg(b + f); });
  }
}

/// norm (host/kernels/dot.hpp) of a row, or 0.
__device__ inline double pair_norm(bool has_row, const float* row, int rank, float p) {
  const int elements = has_row ? rank : 0;
  if (std::isinf(p)) return norm(row, elements, p);  // a maximum has no order to keep; both lanes find it
  return norm_of_sum(pair_sum<double>(elements, [=](int f) { return norm_term(row[f], p); }), p);
}

/// How pairs share the pieces of a launch. All pairs of a warp make the same number of steps: in the last, some have no
/// piece, and take part in the warp's shuffles all the same.
struct PairWalk {
  Position piece, step, size;
  __device__ bool warp_has_work() const { return piece - this_lane() / kPair < size; }
  __device__ bool has_piece() const { return piece < size; }
};

inline Shape pairs_over(Position pieces) {
  return grid_over(pieces, kBlockThreads / kPair, kBlockThreads);
}
__device__ inline PairWalk pair_walk(Position size) {
  constexpr int kPieces = kBlockThreads / kPair;
  return {Position{blockIdx.x} * kPieces + threadIdx.x / kPair, Position{gridDim.x} * kPieces, size};
}

}  // namespace wf
