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

/// What stands in front of a row's factors while per-rating SGD works on it, one float each.
enum RecordColumn {
  kSlowSum,     ///< row_adagrad's accumulator of the slow factors: mean squared gradients, summed over ratings
  kFastSum,     ///< and of the others
  kSlowLength,  ///< the squared lengths of these two parts of the row
  kFastLength,
  kSlowScale,  ///< a part of the row is this times what stands in its place
  kFastScale,
  kBias,       ///< 0 without biases
  kBiasShare,  ///< each rating's share of the bias's penalty
  kRecord
};

template <class Float>
WF_HD inline Float* record_of(Float* row) {
  return row - kRecord;
}

/// The tables of per-rating SGD: rows of factors, each with its record in front of it.
template <class Space>
struct SgdTables {
  Rows<float, Space> user, item;  ///< [n x rank], pitch >= kRecord + rank; of 16 bits: two factors in a float's room
  bool biases = false;
  float global_mean = 0;  ///< added where there are biases
  Storage storage = Storage::fp32;

  WF_HD int rank() const { return user.rank; }
};

/// A row's scales fall below this: they are multiplied into the row.
inline constexpr float kLeastScale = 0x1p-10F;
/// No step leaves less than this of a row: at lr * lambda > 1, decay alone would turn it round.
inline constexpr float kLeastKeep = 0x1p-10F;

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
  int negatives = 1;  ///< warp: of a rating at most
  bool nonnegative = false;
  std::uint64_t seed = 0;  ///< with the epoch: of the random numbers that kernels draw
  std::uint32_t epoch = 0;
  Position ratings = 0;  ///< of an epoch, and the ranges of its grid: how many ratings may be under way depends on both
  int ranges = 1;

  /// Is a row more than scaled and added to?
  WF_HD bool projects() const { return l1_user > 0 || l1_item > 0 || nonnegative; }
  /// Do decays go to the scales of a row? Otherwise these stay 1.
  WF_HD bool scales() const { return adagrad && loss == Loss::mse && !projects(); }
  /// Of a bias's learning rate to its row's.
  WF_HD float rate_of_biases(bool biases) const { return !biases ? 0.0F : adagrad ? bias_rate : 1.0F; }
};

/// What a number type needs beyond arithmetic.
template <class Number>
struct NumberOps {
  WF_HD static Number root(Number value) { return std::sqrt(value); }
  WF_HD static Number at_least(float least, Number value) { return value > least ? value : least; }
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
  return {NumberOps<Number>::at_least(kLeastKeep, 1 - lr * lambda), lr * error, lr};
}

/// The same at the rate lr / sqrt(sum), sum: the accumulated mean squared gradient of the part of the row in question.
/// Neither the gradient's energy |g|^2, g = error q - lambda p, nor the new squared length |p + rate g|^2 needs a pass
/// over the row: both follow from <p, q> and the two squared lengths. `length` and `partner_length` are those before
/// the step.
template <class Number>
WF_HD inline Step<Number> row_adagrad_rule(const Number& error, const Number& lr, const Number& lambda, float share,
                                           const Number& product, const Number& partner_length, Number& sum,
                                           Number& length) {
  const Step<Number> step = sgd_rule<Number>(error, lr / NumberOps<Number>::root(sum), lambda);
  const Number along = error * product - lambda * length;  // <g, p>
  const Number energy = error * (error * partner_length - lambda * product) - lambda * along;
  sum += share * NumberOps<Number>::at_least(0, energy);
  length += step.rate * (along + along + step.rate * energy);
  return step;
}

/// A step of both parts of a row that has scales: row = scale * factors becomes keep * row + take * partner when scale
/// becomes keep * scale and `push` times the partner's factors is added to the factors, one operation each. Bottou:
/// Stochastic gradient descent tricks. Neural Networks: Tricks of the Trade, 2012, section 5.1.
template <class Number>
struct ScaledStep {
  Number slow_scale, fast_scale;  ///< before the step; after it
  Number slow_push, fast_push;

  WF_HD void move(const Step<Number>& slow, const Step<Number>& fast, const Number& slow_partner,
                  const Number& fast_partner) {
    slow_scale = slow_scale * slow.keep;
    fast_scale = fast_scale * fast.keep;
    const Number inverse = 1 / (slow_scale * fast_scale);  // of 2^-40 or more
    slow_push = slow.take * slow_partner * (inverse * fast_scale);
    fast_push = fast.take * fast_partner * (inverse * slow_scale);
  }
};

/// Multiplies a row's scales into it; they are then 1.
WF_HD inline void unscale_row(float* row, int rank) {
  float* const record = record_of(row);
  const int slow = slow_factors(rank);
  if (record[kSlowScale] != 1) {
    for (int f = 0; f < slow; ++f) row[f] *= record[kSlowScale];
  }
  if (record[kFastScale] != 1) {
    for (int f = slow; f < rank; ++f) row[f] *= record[kFastScale];
  }
  record[kSlowScale] = record[kFastScale] = 1;
}

/// The squared lengths of a row of factors value(f), whose scales are 1, into its record.
template <class Value>
WF_HD inline void measure_row(float* row, int rank, const Value& value) {
  const auto square = [=](int f) {
    const float factor = value(f);
    return factor * factor;
  };
  const auto slow = sum_in_lanes<float>(slow_factors(rank), square);
  record_of(row)[kSlowLength] = slow;
  record_of(row)[kFastLength] = sum_in_lanes<float>(rank, square) - slow;
}
WF_HD inline void measure_row(float* row, int rank) {
  measure_row(row, rank, [=](int f) { return row[f]; });
}

/// What steps have left in the record, into the row; what they then start from, into the record.
WF_HD inline void settle_row(float* row, int rank) {
  unscale_row(row, rank);
  measure_row(row, rank);
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

/// One element of both rows. Always inlined: a multiply_add may hold instructions that only its caller is compiled for.
template <class Number, class Scalar, class MultiplyAdd>
WF_HD __attribute__((always_inline)) inline void apply(const Step<Scalar>& user, const Step<Scalar>& item, Number& p,
                                                       Number& q, const MultiplyAdd& multiply_add) {
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
