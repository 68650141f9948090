// The steps of per-rating SGD, written once for host and device. A rating changes both of its rows by
// row = keep * row + take * partner, from the values before the step: the rules say what keep and take are. `Number` is
// float, or a vector of floats that stand for several ratings; it goes by reference, because how vectors are passed by
// value depends on the instruction set that a function is compiled for.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/dot.hpp"
#include "host/kernels/rules.hpp"

#include <algorithm>
#include <cmath>

namespace wf {

/// The first factors of a row, which row_adagrad steps by an accumulator of their own: they learn first and fast, the
/// others follow. Chin, Zhuang, Juan, Lin: A learning-rate schedule for stochastic gradient methods to matrix
/// factorization. PAKDD 2015.
inline constexpr int kSlowFactors = 8;

WF_HD inline int slow_factors(int rank) {
  return rank < kSlowFactors ? rank : kSlowFactors;
}

/// What row_adagrad keeps of a row, one float each: the accumulators of the slow and of the fast factors (mean squared
/// gradients, summed over ratings) and the squared lengths of these two parts of the row.
enum AdagradColumn { kSlowSum, kFastSum, kSlowLength, kFastLength, kAdagradColumns };

/// row_adagrad's memory, [rows x kAdagradColumns] each, side by side. Empty: plain SGD.
template <class Space>
struct RowStates {
  Rows<float, Space> user, item;
};

/// How ratings are stepped.
struct SgdSettings {
  Loss loss = Loss::mse;
  float lr = 0;
  bool adagrad = false;
  bool slow_only = false;                  ///< row_adagrad's first epoch: the fast factors rest
  float bias_rate = 0;                     ///< row_adagrad: of a bias's learning rate to its row's slow factors'
  float slow_share = 0;                    ///< 1 / the number of slow factors
  float fast_share = 0;                    ///< 1 / the number of fast factors, 0: there are none
  float lambda_user = 0, lambda_item = 0;  ///< of all rows alike; RowPenalties add to it
  float l1_user = 0, l1_item = 0;
  bool nonnegative = false;

  /// Is a row more than scaled and added to?
  WF_HD bool projects() const { return l1_user > 0 || l1_item > 0 || nonnegative; }
};

/// What a number type needs beyond arithmetic.
template <class Number>
struct NumberOps {
  WF_HD static Number root(Number value) { return std::sqrt(value); }
  WF_HD static Number positive(Number value) { return value > 0 ? value : 0; }
};

template <class Number>
struct Step {
  Number keep, take;
  Number rate;  ///< the learning rate that is in them
};

/// SGD on loss / 2 + (lambda / 2) |row|^2; error = -loss' / 2, which for the squared loss is rating - score. Koren,
/// Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009.
template <class Number>
WF_HD inline Step<Number> sgd_rule(const Number& error, const Number& lr, const Number& lambda) {
  return {1 - lr * lambda, lr * error, lr};
}

/// The same at the rate lr / sqrt(sum), sum: the accumulated mean squared gradient of the part of the row in question.
/// Neither the gradient's energy |error q - lambda p|^2 nor the new squared length needs a pass over the row: both
/// follow from <p, q> and the two squared lengths. `length` and `partner_length` are those before the step.
template <class Number>
WF_HD inline Step<Number> row_adagrad_rule(const Number& error, const Number& lr, const Number& lambda, float share,
                                           const Number& product, const Number& partner_length, Number& sum,
                                           Number& length) {
  const Step<Number> step = sgd_rule<Number>(error, lr / NumberOps<Number>::root(sum), lambda);
  const Number energy = error * error * partner_length - 2 * error * lambda * product + lambda * lambda * length;
  sum += share * NumberOps<Number>::positive(energy);
  length =
      step.keep * step.keep * length + 2 * step.keep * step.take * product + step.take * step.take * partner_length;
  return step;
}

/// The squared lengths of a row into its state.
WF_HD inline void measure_row(const float* row, int rank, float* state) {
  const auto square = [=](int f) { return row[f] * row[f]; };
  const auto slow = sum_in_lanes<float>(slow_factors(rank), square);
  state[kSlowLength] = slow;
  state[kFastLength] = sum_in_lanes<float>(rank, square) - slow;
}

/// For a bias, whose partner is the constant 1.
template <class Number>
WF_HD inline void bias_rule(const Number& error, const Number& lr, const Number& lambda, Number& bias) {
  bias += lr * (error - lambda * bias);
}

/// a * b + c with the product rounded.
struct MultiplyThenAdd {
  template <class Scalar, class Number>
  WF_HD Number operator()(const Scalar& a, const Number& b, const Number& c) const {
    return a * b + c;
  }
};
/// a * b + c rounded once.
struct FusedMultiplyAdd {
  WF_HD float operator()(float a, float b, float c) const { return std::fma(a, b, c); }
};

/// One element of both rows.
template <class Number, class Scalar, class MultiplyAdd>
WF_HD inline void apply(const Step<Scalar>& user, const Step<Scalar>& item, Number& p, Number& q,
                        const MultiplyAdd& multiply_add) {
  const Number old = p;
  p = multiply_add(user.take, q, user.keep * p);
  q = multiply_add(item.take, old, item.keep * q);
}

/// Soft threshold (the proximal step of threshold * |value|), then the projection on value >= 0.
WF_HD inline float projected(float value, float threshold, bool nonnegative) {
  const float size = std::fabs(value) - threshold;
  const float shrunk = size > 0 ? (value > 0 ? size : -size) : 0.0F;
  return nonnegative && shrunk < 0 ? 0.0F : shrunk;
}

}  // namespace wf
