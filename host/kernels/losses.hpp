// The losses, written once for host and device: value and slope (d loss / d score) for one rating. mse, l1, huber and
// bce_with_logits are PyTorch's. docs/losses.md says what each is for.
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

/// log(1 + exp(-x)) without overflow.
template <class Real>
WF_HD inline Real logistic_value(Real x) {
  return (x > Real(0) ? Real(0) : -x) + std::log(Real(1) + std::exp(-std::fabs(x)));  // log1p takes twice as long
}

/// kl is a straight line in the score below this: no slope is steeper than rating / kLeastScore.
inline constexpr double kLeastScore = 0.01;

/// Of losses of two classes.
template <class Real>
WF_HD inline Real label_of(Real rating) {
  return rating > Real(0) ? Real(1) : Real(-1);
}

/// Loss of one rating. huber: delta = 1. bce_with_logits: the overflow-free form, max(s,0) - s r + log(1 + exp(-|s|)).
/// kl: the generalised Kullback-Leibler divergence r log(r / s) - r + s; Lee, Seung: Algorithms for non-negative matrix
/// factorization. NIPS 2000. Those of two classes are functions of label * score.
template <Loss kind, class Real>
WF_HD inline Real loss_value(Real score, Real rating) {
  const Real difference = score - rating;
  if constexpr (kind == Loss::mse) {
    return difference * difference;
  } else if constexpr (kind == Loss::l1) {
    return std::fabs(difference);
  } else if constexpr (kind == Loss::huber) {
    const Real size = std::fabs(difference);
    return size <= Real(1) ? Real(0.5) * difference * difference : size - Real(0.5);
  } else if constexpr (kind == Loss::bce_with_logits) {
    return (score > Real(0) ? score : Real(0)) - score * rating + std::log1p(std::exp(-std::fabs(score)));
  } else if constexpr (kind == Loss::kl) {
    const Real least = static_cast<Real>(kLeastScore);
    const Real at = score > least ? score : least;
    const Real value = (rating > Real(0) ? rating * std::log(rating / at) : Real(0)) - rating + at;
    return value + (Real(1) - rating / at) * (score - at);
  } else {
    static_assert(kind == Loss::logistic || kind == Loss::hinge || kind == Loss::squared_hinge);
    const Real margin = label_of(rating) * score;
    if constexpr (kind == Loss::logistic) return logistic_value(margin);
    const Real missing = margin < Real(1) ? Real(1) - margin : Real(0);
    return kind == Loss::hinge ? missing : missing * missing;
  }
}

/// d loss / d score; l1 has slope 0 at 0, hinge at a margin of 1.
template <Loss kind, class Real>
WF_HD inline Real loss_slope(Real score, Real rating) {
  const Real difference = score - rating;
  if constexpr (kind == Loss::mse) {
    return Real(2) * difference;
  } else if constexpr (kind == Loss::l1) {
    return difference > Real(0) ? Real(1) : difference < Real(0) ? Real(-1) : Real(0);
  } else if constexpr (kind == Loss::huber) {
    return difference > Real(1) ? Real(1) : difference < Real(-1) ? Real(-1) : difference;
  } else if constexpr (kind == Loss::bce_with_logits) {
    return sigmoid(score) - rating;
  } else if constexpr (kind == Loss::kl) {
    const Real least = static_cast<Real>(kLeastScore);
    return Real(1) - rating / (score > least ? score : least);
  } else {
    static_assert(kind == Loss::logistic || kind == Loss::hinge || kind == Loss::squared_hinge);
    const Real label = label_of(rating);
    const Real margin = label * score;
    if constexpr (kind == Loss::logistic) return -label * sigmoid(-margin);
    if constexpr (kind == Loss::hinge) return margin < Real(1) ? -label : Real(0);
    return margin < Real(1) ? Real(-2) * label * (Real(1) - margin) : Real(0);
  }
}

/// Losses of pairs, of the difference of a rated pair's score and an unrated one's. bpr: log(1 + exp(-difference));
/// Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR. UAI 2009. warp: max(0, 1 - difference), which rank_weight
/// multiplies; Weston, Bengio, Usunier: WSABIE. IJCAI 2011.
template <class Real>
struct PairLoss {
  Real value, slope;
};
template <class Real>
WF_HD inline PairLoss<Real> pair_loss(Loss loss, Real difference) {
  if (loss == Loss::warp) {
    const bool violated = difference < Real(1);
    return {violated ? Real(1) - difference : Real(0), violated ? Real(-1) : Real(0)};
  }
  const Real exponential = std::exp(-std::fabs(difference)), share = 1 / (1 + exponential);  // one for both
  const bool positive = difference > Real(0);
  return {(positive ? Real(0) : -difference) + std::log(Real(1) + exponential),
          positive ? -exponential * share : -share};
}

/// 1 + 1/2 + ... + 1/rank, to 0.6 %, of the rank that is estimated where the `tries`-th of `others` that were drawn at
/// random is the first to violate the margin.
WF_HD inline float rank_weight(Position others, int tries) {
  const Position rank = others / tries;
  const auto r = static_cast<float>(rank > 1 ? rank : 1);
  return std::log(r) + 0.5772157F + 0.5F / r - 1 / (12 * r * r);
}

/// Adds one rating's loss and error to the sums.
template <Loss kind, class Sums>
WF_HD inline void add_error(Sums& sums, typename Sums::Real score, typename Sums::Real rating) {
  typename Sums::Real error = rating - score;
  if constexpr (kind == Loss::bce_with_logits) error = rating - sigmoid(score);
  if constexpr (has_two_classes(kind)) {
    using Real = typename Sums::Real;
    error = label_of(rating) * score > Real(0) ? Real(0) : Real(1);
  }
  sums.loss += loss_value<kind>(score, rating);
  sums.squared += error * error;
  sums.absolute += std::fabs(error);
  ++sums.count;
}

/// Calls f with the loss as a compile-time constant: with_loss(loss, [&](auto kind) { loss_value<kind()>(...); }).
/// Kernels wait for memory, not for a branch that all threads take.
template <class F>
WF_HD inline decltype(auto) with_loss(Loss loss, const F& f) {
  switch (loss) {
    case Loss::l1:
      return f(std::integral_constant<Loss, Loss::l1>{});
    case Loss::huber:
      return f(std::integral_constant<Loss, Loss::huber>{});
    case Loss::bce_with_logits:
      return f(std::integral_constant<Loss, Loss::bce_with_logits>{});
    case Loss::kl:
      return f(std::integral_constant<Loss, Loss::kl>{});
    case Loss::logistic:
      return f(std::integral_constant<Loss, Loss::logistic>{});
    case Loss::hinge:
      return f(std::integral_constant<Loss, Loss::hinge>{});
    case Loss::squared_hinge:
      return f(std::integral_constant<Loss, Loss::squared_hinge>{});
    case Loss::bpr:  // a rating by itself has no loss of pairs
    case Loss::bpr_item:
    case Loss::warp:
    case Loss::mse:
      break;
  }
  return f(std::integral_constant<Loss, Loss::mse>{});
}

/// The same with the loss known at run time. nvcc lets a kernel take a constant's value, but not call it.
template <class Real>
WF_HD inline Real loss_slope(Loss loss, Real score, Real rating) {
  return with_loss(loss, [=](auto kind) { return loss_slope<decltype(kind)::value>(score, rating); });
}
template <class Sums>
WF_HD inline void add_error(Loss loss, Sums& sums, typename Sums::Real score, typename Sums::Real rating) {
  with_loss(loss, [&sums, score, rating](auto kind) { add_error<decltype(kind)::value>(sums, score, rating); });
}

}  // namespace wf
