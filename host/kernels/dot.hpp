// Sums over the elements of rows, in the two precisions of the project and in one order.
#pragma once
#include "host/base/types.hpp"

#include <cmath>

namespace wf {

inline constexpr int kSumLanes = 8;

/// sum of term(0) .. term(rank - 1) in the one order of all engines but the reference: 8 running sums, element f into
/// sum f mod 8, then a fixed tree. Sums may be kept in vector registers of any width, lanes of a GPU may share them,
/// and zeros may follow the row: the bits do not change.
template <class Real, class Term>
WF_HD inline Real sum_in_lanes(int rank, const Term& term) {
  Real sums[kSumLanes] = {};
  int f = 0;
  for (; f + kSumLanes <= rank; f += kSumLanes) {
    for (int lane = 0; lane < kSumLanes; ++lane) sums[lane] += term(f + lane);
  }
  for (int lane = 0; f + lane < rank; ++lane) sums[lane] += term(f + lane);
  const Real even = (sums[0] + sums[4]) + (sums[2] + sums[6]);
  const Real odd = (sums[1] + sums[5]) + (sums[3] + sums[7]);
  return even + odd;
}

/// <a, b> of two rows. float: in lanes. double: one plain sum, the yardstick.
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
  return sum_in_lanes<float>(rank, [=](int f) { return a[f] * b[f]; });
}

/// One element's share in the p-norm of a row, and the norm from the sum of the shares: as torch.norm has them, for
/// finite p.
WF_HD inline double norm_term(float value, float p) {
  const double size = std::fabs(static_cast<double>(value));
  return p == 1 ? size : p == 2 ? size * size : std::pow(size, static_cast<double>(p));
}
WF_HD inline double norm_of_sum(double sum, float p) {
  return p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / static_cast<double>(p));
}

/// The p-norm of a row; p = infinity: the largest magnitude.
WF_HD inline double norm(const float* row, int rank, float p) {
  if (std::isinf(p)) {
    double largest = 0;
    for (int f = 0; f < rank; ++f) largest = std::fmax(largest, std::fabs(static_cast<double>(row[f])));
    return largest;
  }
  return norm_of_sum(sum_in_lanes<double>(rank, [=](int f) { return norm_term(row[f], p); }), p);
}

}  // namespace wf
