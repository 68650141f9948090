// Sums of real numbers that do not depend on the order of the terms: 64-bit integers, which add exactly.
#pragma once
#include "host/base/types.hpp"

#include <algorithm>
#include <cmath>

namespace wf {

/// Terms x with |x| <= largest, `count` of them at most, as multiples of 2^-s. s is the largest for which all of them
/// add up to at most 2^62: 36 fractional bits or more for 10 M terms up to 5. A term is rounded to the nearest
/// multiple, so a sum of n terms is off by at most n * 2^-(s + 1) and their mean by 2^-(s + 1), which is largest *
/// count / 2^62 at most: 1e-11 here. In return any partition of the terms over threads, in any order, gives the same
/// bits.
class FixedPoint {
 public:
  /// `largest` is finite.
  FixedPoint(double largest, Position count) {
    int exponent = 0;  // largest * count < 2^exponent
    std::frexp(largest * static_cast<double>(std::max<Position>(count, 1)), &exponent);
    if (largest > 0) bits_ = std::min(62 - exponent, 1000);  // 2^1000 is a double; no float is that small
    scale_ = std::ldexp(1.0, bits_);
  }

  std::int64_t of(double term) const { return std::llrint(term * scale_); }  // exact but for the rounding
  double value(std::int64_t sum) const { return std::ldexp(static_cast<double>(sum), -bits_); }

 private:
  int bits_ = 0;
  double scale_ = 1;
};

}  // namespace wf
