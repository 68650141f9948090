// The losses, written once for host and device: value and slope (d loss / d score) for one rating, as PyTorch defines
// them.
#pragma once
#include "host/base/types.hpp"
#include "host/config/config.hpp"
#include "host/kernels/error_sums.hpp"

#include <cmath>
#include <type_traits>

namespace wf {

template <class Real>
WF_HD inline Real sigmoid(Real x) {
  return Real(1) / (Real(1) + std::exp(-x));
}

/// Loss of one rating. huber: delta = 1. bce_with_logits: the overflow-free form, max(s,0) - s r + log(1 + exp(-|s|)).
template <Loss kind, class Real>
WF_HD inline Real loss_value(Real score, Real rating) {
  const Real difference = score - rating;
  if constexpr (kind == Loss::mse) return difference * difference;
  if constexpr (kind == Loss::l1) return std::fabs(difference);
  if constexpr (kind == Loss::huber) {
    const Real size = std::fabs(difference);
    return size <= Real(1) ? Real(0.5) * difference * difference : size - Real(0.5);
  }
  if constexpr (kind == Loss::bce_with_logits) {
    return (score > Real(0) ? score : Real(0)) - score * rating + std::log1p(std::exp(-std::fabs(score)));
  }
}

/// d loss / d score; l1 has slope 0 at 0.
template <Loss kind, class Real>
WF_HD inline Real loss_slope(Real score, Real rating) {
  const Real difference = score - rating;
  if constexpr (kind == Loss::mse) return Real(2) * difference;
  if constexpr (kind == Loss::l1) return difference > Real(0) ? Real(1) : difference < Real(0) ? Real(-1) : Real(0);
  if constexpr (kind == Loss::huber) {
    return difference > Real(1) ? Real(1) : difference < Real(-1) ? Real(-1) : difference;
  }
  if constexpr (kind == Loss::bce_with_logits) return sigmoid(score) - rating;
}

/// Adds one rating's loss and error to the sums.
template <Loss kind, class Sums>
WF_HD inline void add_error(Sums& sums, typename Sums::Real score, typename Sums::Real rating) {
  typename Sums::Real error = rating - score;
  if constexpr (kind == Loss::bce_with_logits) error = rating - sigmoid(score);
  sums.loss += loss_value<kind>(score, rating);
  sums.squared += error * error;
  sums.absolute += std::fabs(error);
  ++sums.count;
}

/// The same with the loss known at run time, for kernels: they wait for memory, not for a branch that all threads take.
template <class Real>
WF_HD inline Real loss_slope(Loss kind, Real score, Real rating) {
  switch (kind) {
    case Loss::l1:
      return loss_slope<Loss::l1>(score, rating);
    case Loss::huber:
      return loss_slope<Loss::huber>(score, rating);
    case Loss::bce_with_logits:
      return loss_slope<Loss::bce_with_logits>(score, rating);
    case Loss::mse:
      break;
  }
  return loss_slope<Loss::mse>(score, rating);
}

template <class Sums>
WF_HD inline void add_error(Loss kind, Sums& sums, typename Sums::Real score, typename Sums::Real rating) {
  switch (kind) {
    case Loss::l1:
      return add_error<Loss::l1>(sums, score, rating);
    case Loss::huber:
      return add_error<Loss::huber>(sums, score, rating);
    case Loss::bce_with_logits:
      return add_error<Loss::bce_with_logits>(sums, score, rating);
    case Loss::mse:
      break;
  }
  add_error<Loss::mse>(sums, score, rating);
}

/// Calls f with the loss as a compile-time constant: with_loss(loss, [&](auto kind) { loss_value<kind()>(...); }).
template <class F>
decltype(auto) with_loss(Loss loss, F&& f) {
  switch (loss) {
    case Loss::l1:
      return f(std::integral_constant<Loss, Loss::l1>{});
    case Loss::huber:
      return f(std::integral_constant<Loss, Loss::huber>{});
    case Loss::bce_with_logits:
      return f(std::integral_constant<Loss, Loss::bce_with_logits>{});
    case Loss::mse:
      break;
  }
  return f(std::integral_constant<Loss, Loss::mse>{});
}

}  // namespace wf
