// Sums over the errors rating - prediction: all that the loss, RMSE and MAE of a set need.
#pragma once
#include "host/base/types.hpp"

#include <cmath>

namespace wf {

/// With bce_with_logits, `squared` and `absolute` are those of the probability, rating - sigmoid(score); with losses of
/// two classes both count the ratings whose score has the wrong sign.
struct ErrorSums {
  using Real = double;
  double loss = 0;
  double squared = 0;
  double absolute = 0;
  Position count = 0;
  Position skipped = 0;  ///< ratings that no unrated row could be set against; not among the count

  double mean_loss() const { return loss / static_cast<double>(count); }  ///< all three: NaN when count is 0
  double rmse() const { return std::sqrt(squared / static_cast<double>(count)); }
  double mae() const { return absolute / static_cast<double>(count); }
  ErrorSums& operator+=(const ErrorSums& other) {
    loss += other.loss;
    squared += other.squared;
    absolute += other.absolute;
    count += other.count;
    skipped += other.skipped;
    return *this;
  }
};

}  // namespace wf
