// The sum of scaled rows: in registers where the rank is known to the compiler, in memory otherwise. Elements do
// not mix, so vectors of any width give the same bits.
#pragma once
#include "host/cpu/lanes.hpp"

namespace wf::lanes {

/// kRank floats; the memory is written by `store` alone.
template <class Vector, int kRank>
class RowSum {
 public:
  static constexpr int kFloats = sizeof(Vector) / sizeof(float);
  static constexpr int kParts = kRank / kFloats;
  static_assert(kRank % kFloats == 0);

  WF_INLINE RowSum(float* memory, int) : memory_(memory) {}
  WF_INLINE void set_scaled(float scale, const float* row) {
    for_parts([&](int p) WF_INLINE_LAMBDA { part_[p] = scale * load<Vector>(row + p * kFloats); });
  }
  WF_INLINE void add_scaled(float scale, const float* row) {
    for_parts([&](int p) WF_INLINE_LAMBDA { part_[p] += scale * load<Vector>(row + p * kFloats); });
  }
  WF_INLINE void add(const RowSum& other) {
    for_parts([&](int p) WF_INLINE_LAMBDA { part_[p] += other.part_[p]; });
  }
  WF_INLINE void divide(float divisor) {
    for_parts([&](int p) WF_INLINE_LAMBDA { part_[p] /= divisor; });
  }
  WF_INLINE void store() const {
    for_parts([&](int p) WF_INLINE_LAMBDA { lanes::store(part_[p], memory_ + p * kFloats); });
  }

 private:
  template <class F>
  WF_INLINE static void for_parts(const F& f) {
#pragma GCC unroll 32
    for (int p = 0; p < kParts; ++p) f(p);
  }

  Vector part_[kParts];
  float* memory_;
};

/// Any rank: the memory is the sum.
template <class Vector>
class RowSum<Vector, 0> {
 public:
  static constexpr int kFloats = sizeof(Vector) / sizeof(float);

  WF_INLINE RowSum(float* memory, int rank) : memory_(memory), rank_(rank) {}
  WF_INLINE void set_scaled(float scale, const float* row) {
    each([&](const auto&, const auto& value) WF_INLINE_LAMBDA { return scale * value; }, row);
  }
  WF_INLINE void add_scaled(float scale, const float* row) {
    each([&](const auto& sum, const auto& value) WF_INLINE_LAMBDA { return sum + scale * value; }, row);
  }
  WF_INLINE void add(const RowSum& other) {
    each([&](const auto& sum, const auto& value) WF_INLINE_LAMBDA { return sum + value; }, other.memory_);
  }
  WF_INLINE void divide(float divisor) {
    each([&](const auto& sum, const auto&) WF_INLINE_LAMBDA { return sum / divisor; }, memory_);
  }
  WF_INLINE void store() const {}

 private:
  /// sum = f(sum, value of row), elementwise.
  template <class F>
  WF_INLINE void each(const F& f, const float* row) {
    int at = 0;
    for (; at + kFloats <= rank_; at += kFloats) {
      lanes::store(Vector(f(load<Vector>(memory_ + at), load<Vector>(row + at))), memory_ + at);
    }
    for (; at < rank_; ++at) memory_[at] = f(memory_[at], row[at]);
  }

  float* memory_;
  int rank_;
};

/// dot<float> of host/kernels/dot.hpp.
template <int kRank>
WF_INLINE float dot_of(const float* a, const float* b, int any_rank) {
  const int rank = kRank > 0 ? kRank : any_rank;
  Eight sums{};
  int f = 0;
#pragma GCC unroll 16
  for (; f + kSumLanes <= rank; f += kSumLanes) sums += load<Eight>(a + f) * load<Eight>(b + f);
  if (kRank == 0 && f < rank) sums += load_part(a + f, rank - f) * load_part(b + f, rank - f);
  const Four halves = low_half(sums) + high_half(sums);  // 0 + 4, 1 + 5, 2 + 6, 3 + 7
  return (halves[0] + halves[2]) + (halves[1] + halves[3]);
}

}  // namespace wf::lanes
