// Nonnegative factors, written once for host and device: what a rating brings into the update of a row, and into the
// objective. Lee, Seung: Algorithms for non-negative matrix factorization. NIPS 2000; with weights of 0 for cells
// that nobody rated: Zhang, Wang, Ford, Makedon: Learning from incomplete ratings using non-negative matrix
// factorization. SDM 2006.
#pragma once
#include "host/base/types.hpp"
#include "host/config/config.hpp"

#include <cmath>

namespace wf {

/// A row x >= 0 of factors, with the partners q of its ratings, lowers
///   frobenius:  sum over cells (value - <x, q>)^2
///   kl:         sum over cells value log(value / <x, q>) - value + <x, q>
/// over its ratings, or with Missing::zero over all cells, those without a rating being 0.
///   multiplicative:  x_f <- x_f above_f / below_f     above = sum of pull q over its ratings
///   hals:            x_f <- max(0, x_f + (above_f - <row f of the matrix, x>) / its element f), f by f
/// below: sum of push q over its ratings; with Missing::zero, gram of all partners times x, or their column sums.
/// matrix: sum of q q' over its ratings, or that gram. hals, hierarchical alternating least squares: Cichocki, Phan:
/// Fast local algorithms for large scale nonnegative matrix and tensor factorizations. IEICE E92-A(3), 2009.
struct NmfSettings {
  NmfLoss loss = NmfLoss::frobenius;
  Missing missing = Missing::unobserved;
  Solver solver = Solver::multiplicative;

  WF_HD bool counts_zeros() const { return missing == Missing::zero; }
  /// Is above the product of all ratings with the partners? It is then the caller's to bring (multiply_rows).
  WF_HD bool takes_products() const { return counts_zeros() && loss == NmfLoss::frobenius; }
};

/// Values are not divided by less: where a score is 0, its rating cannot pull it up again.
inline constexpr float kLeastNmfScore = 1e-12F;

template <class Real>
WF_HD inline Real nmf_pull(const NmfSettings& settings, Real value, Real score) {
  if (settings.loss == NmfLoss::frobenius) return value;
  return value / (score > static_cast<Real>(kLeastNmfScore) ? score : static_cast<Real>(kLeastNmfScore));
}
template <class Real>
WF_HD inline Real nmf_push(const NmfSettings& settings, Real score) {
  return settings.loss == NmfLoss::frobenius ? score : Real(1);
}

template <class Real>
WF_HD inline Real nmf_scaled(Real factor, Real above, Real below) {
  return below > 0 ? factor * above / below : factor;
}
template <class Real>
WF_HD inline Real hals_moved(Real factor, Real slope, Real curvature) {
  if (!(curvature > 0)) return factor;
  const Real moved = factor + slope / curvature;
  return moved > 0 ? moved : Real(0);
}

/// Adds a rating's loss, and its error. With Missing::zero, less what its cell has in the sum over all cells of
/// score^2, or of scores: the caller adds that sum.
template <class Sums>
WF_HD inline void add_list_error(Sums& sums, const NmfSettings& settings, double score, double value) {
  const double error = value - score;
  if (settings.loss == NmfLoss::frobenius) {
    sums.loss += settings.counts_zeros() ? value * (value - 2 * score) : error * error;
  } else {
    const auto least = static_cast<double>(kLeastNmfScore);
    const double ratio = value > 0 ? value * std::log(value / (score > least ? score : least)) : 0;
    sums.loss += ratio - value + (settings.counts_zeros() ? 0 : score);
  }
  sums.squared += error * error;
  sums.absolute += error < 0 ? -error : error;
  ++sums.count;
}

}  // namespace wf
