// Alternating least squares, written once for host and device: what one rating and one row bring into the normal
// equations of a row.
#pragma once
#include "host/base/view.hpp"
#include "host/config/config.hpp"

#include <cmath>

namespace wf {

/// How one side is solved while the other stands. A row x of factors, with partners q of its ratings, minimises
///   explicit:  sum over its ratings (rating - mean - biases - <x, q>)^2 + lambda s |x|^2 + lambda_bias bias^2
///   implicit:  sum over its ratings c (t - <x, q>)^2 + unobserved * sum over all other partners <x, q>^2 + lambda s
///   |x|^2
/// with t = 1 for values above 0, else 0, and c by the convention. s by reg_scaling, see row_scale.
/// Explicit: Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009.
/// Implicit: Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets. ICDM 2008.
struct SolveSettings {
  bool implicit = false;
  Convention convention = Convention::hu;
  double alpha = 1;
  double unobserved = 0;  ///< weight of a cell without rating; 0 where explicit
  double lambda = 0;
  RegScaling scaling = RegScaling::count;
  double nu = 1;
  double lambda_bias = 0;
  float mean = 0;           ///< of explicit ratings, where there are biases
  Position n_partners = 0;  ///< rows of the other side
  Solver solver = Solver::cholesky;
  int cg_steps = 3;
  int block = 64;                         ///< factors that Solver::subspace solves together
  Precision precision = Precision::fp32;  ///< of the sums over ratings, on devices
  bool diagonal_gram = false;             ///< the partners' Gram matrix has nothing beside its diagonal
};

/// A rating's part in the equations (sum of curvature q q' + ...) x = sum of pull q, and in the objective: curvature
/// s^2 - 2 pull s + constant for the score s.
template <class Real>
struct Term {
  Real curvature, pull, constant;
};

/// Of an explicit rating, `rest` being the rating without mean and the partner's bias; of an implicit one, its value.
template <class Real>
WF_HD inline Term<Real> explicit_term(Real rest) {
  return {Real(1), rest, rest * rest};
}
/// implicit: Hu et al. as that library has it, confidence alpha |r|. hu and spark: 1 + alpha |r|; Spark takes ratings
/// of 0 for cells without one. ials: Rendle, Krichene, Zhang, Koren: Revisiting the performance of iALS on item
/// recommendation benchmarks. RecSys 2022; each rating 1, beside the weight of all cells.
template <class Real>
WF_HD inline Term<Real> implicit_term(const SolveSettings& settings, Real value) {
  const Real size = value < 0 ? -value : value;
  const auto unobserved = static_cast<Real>(settings.unobserved);
  Real confidence = static_cast<Real>(settings.alpha) * size;
  if (settings.convention == Convention::spark && size == 0) return {Real(0), Real(0), Real(0)};
  if (settings.convention == Convention::hu || settings.convention == Convention::spark) confidence += 1;
  if (settings.convention == Convention::ials) confidence = 1 + unobserved;
  const Real pull = settings.convention == Convention::ials ? Real(1) : confidence;
  const bool liked = value > 0;
  return {confidence - unobserved, liked ? pull : Real(0), liked ? pull : Real(0)};
}

/// Does a rating count for row_scale?
WF_HD inline bool counts(const SolveSettings& settings, float value) {
  return !settings.implicit || value > 0;
}

/// s of a row with `ratings` that count: 1, their number, or (ratings + unobserved * partners)^nu.
WF_HD inline double row_scale(const SolveSettings& settings, Position ratings) {
  const auto count = static_cast<double>(ratings);
  if (settings.scaling == RegScaling::none) return 1;
  if (settings.scaling == RegScaling::count) return count;
  return std::pow(count + settings.unobserved * static_cast<double>(settings.n_partners), settings.nu);
}

/// Adds a rating's loss, and its error: of an implicit one, from 1 where it is liked, else from 0.
template <class Sums>
WF_HD inline void add_list_error(Sums& sums, const SolveSettings& settings, double score, double value) {
  const double target = settings.implicit ? static_cast<double>(value > 0) : value;
  const double error = target - score;
  if (settings.implicit) {
    const Term<double> term = implicit_term<double>(settings, value);
    sums.loss += (term.curvature * score - 2 * term.pull) * score + term.constant;
  } else {
    sums.loss += error * error;
  }
  sums.squared += error * error;
  sums.absolute += error < 0 ? -error : error;
  ++sums.count;
}

/// What solve_rows met.
struct SolvedRows {
  Position empty = 0;      ///< rows without ratings: now zeros
  Position deficient = 0;  ///< rows whose equations leave some factors open: those are zero

  SolvedRows& operator+=(const SolvedRows& other) {
    empty += other.empty;
    deficient += other.deficient;
    return *this;
  }
};

/// A pivot of Cholesky's method this small, relative to its diagonal element, is taken for zero: what rounding leaves
/// of one, with sums of many terms in between.
inline constexpr float kSmallestPivot = 1e-6F;

/// A row that is solved for a weight per rating gets their rounding multiplied by its condition, at most the sum of
/// curvature |q|^2 over the ridge. Above this its own equations, whose rounding is not, are better.
inline constexpr float kLargestDualCondition = 128;

/// The tables that one side's equations are made of and their solutions go to. Biases are [rows x 1], or empty.
template <class Space>
struct SolveSides {
  Rows<const float, Space> partner_factors, partner_biases;
  Rows<float, Space> factors, biases;

  WF_HD int rank() const { return factors.rank; }
};

}  // namespace wf
