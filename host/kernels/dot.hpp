// Dot products and norms of rows, in the two precisions of the project.
#pragma once
#include "host/base/types.hpp"

#include <cmath>

namespace wf {

inline constexpr int kDotLanes = 8;

/// <a, b> of two rows. double: one plain sum, the yardstick. float: the one summation order of all 32-bit engines, 8
/// running sums, element f into sum f mod 8, then a fixed tree, whose halves take the last rank mod 8 elements in turn.
/// Compilers may keep the sums in vector registers of any width: the bits do not change.
template <class Real>
WF_HD inline Real dot(const float* a, const float* b, int rank);

template <>
WF_HD inline double dot<double>(const float* a, const float* b, int rank) {
  double sum = 0;
  for (int f = 0; f < rank; ++f) sum += static_cast<double>(a[f]) * static_cast<double>(b[f]);
  return sum;
}

template <>
WF_HD inline float dot<float>(const float* a, const float* b, int rank) {
  float sums[kDotLanes] = {};
  int f = 0;
  for (; f + kDotLanes <= rank; f += kDotLanes) {
    for (int lane = 0; lane < kDotLanes; ++lane) sums[lane] += a[f + lane] * b[f + lane];
  }
  float even = (sums[0] + sums[4]) + (sums[2] + sums[6]);
  float odd = (sums[1] + sums[5]) + (sums[3] + sums[7]);
  for (; f < rank; ++f) (f % 2 == 0 ? even : odd) += a[f] * b[f];
  return even + odd;
}

/// The p-norm of a row as torch.norm has it; p = infinity: the largest magnitude.
WF_HD inline double norm(const float* row, int rank, float p) {
  double sum = 0;
  for (int f = 0; f < rank; ++f) {
    const double size = std::fabs(static_cast<double>(row[f]));
    if (std::isinf(p)) {
      sum = size > sum ? size : sum;
    } else if (p == 1) {
      sum += size;
    } else if (p == 2) {
      sum += size * size;
    } else {
      sum += std::pow(size, static_cast<double>(p));
    }
  }
  if (p == 2) return std::sqrt(sum);
  return p == 1 || std::isinf(p) ? sum : std::pow(sum, 1 / static_cast<double>(p));
}

}  // namespace wf
