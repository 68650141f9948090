// The update rules, written once for host and device, for one element of a row.
#pragma once
#include "host/base/types.hpp"
#include "host/base/view.hpp"
#include "host/config/config.hpp"

#include <cmath>
#include <type_traits>

namespace wf {

/// What one rating of a row adds to the gradient of the row's penalty: lambda s(row) / count(row), per row. Empty:
/// nothing.
template <class Space>
struct RowPenalties {
  Span<const float, Space> user, item, user_bias, item_bias;  ///< [n_users], [n_items], [n_users], [n_items]
};

template <class Space>
WF_HD inline float penalty_of(const Span<const float, Space>& penalties, RowId row) {
  return penalties.empty() ? 0.0F : penalties[row];
}

/// PyTorch's optimizers; momentum is told from plain sgd because it keeps state.
enum class Rule { sgd, momentum, adagrad, adam, sparse_adam };

/// What an optimizer needs besides the gradient.
struct RuleSettings {
  Rule rule = Rule::sgd;
  double lr = 0, momentum = 0, weight_decay = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool dense = false;  ///< a row without gradient is stepped as well, with gradient 0

  /// Number of state values per weight.
  WF_HD int state_count() const {
    return rule == Rule::sgd ? 0 : rule == Rule::momentum || rule == Rule::adagrad ? 1 : 2;
  }
  /// Does a row change in a step that has no gradient for it? PyTorch's momentum buffer keeps every row ever touched,
  /// so with sparse gradients too its rows go on moving.
  WF_HD bool moves_without_gradient() const {
    if (rule == Rule::momentum) return true;
    return dense && (rule == Rule::adam || weight_decay != 0);
  }
};

/// The scalars of step t = 1, 2, ..., in the precision PyTorch computes them: double, then rounded to float.
struct StepScalars {
  float lr = 0, momentum = 0, weight_decay = 0, beta1 = 0, beta2 = 0, complement1 = 0, complement2 = 0, eps = 0;
  float step_size = 0;         ///< lr / (1 - beta1^t); sparse_adam: times sqrt(1 - beta2^t)
  float root_correction2 = 1;  ///< sqrt(1 - beta2^t)
};

WF_HD inline StepScalars scalars_of_step(const RuleSettings& settings, Position step) {
  StepScalars s;
  s.lr = static_cast<float>(settings.lr);
  s.momentum = static_cast<float>(settings.momentum);
  s.weight_decay = static_cast<float>(settings.weight_decay);
  s.beta1 = static_cast<float>(settings.beta1);
  s.beta2 = static_cast<float>(settings.beta2);
  s.complement1 = static_cast<float>(1 - settings.beta1);
  s.complement2 = static_cast<float>(1 - settings.beta2);
  s.eps = static_cast<float>(settings.eps);
  if (settings.rule == Rule::adam || settings.rule == Rule::sparse_adam) {
    const double correction1 = 1 - std::pow(settings.beta1, static_cast<double>(step));
    const double root = std::sqrt(1 - std::pow(settings.beta2, static_cast<double>(step)));
    s.root_correction2 = static_cast<float>(root);
    s.step_size = static_cast<float>(settings.lr / correction1 * (settings.rule == Rule::sparse_adam ? root : 1));
  }
  return s;
}

/// One optimizer step for one weight. `first` and `second` are its state: momentum buffer; adagrad's sum of squares;
/// adam's moments. References that a rule does not use may refer to anything. `Number` is float or, for rules without a
/// root, a vector of floats.
/// Duchi et al. 2011 (adagrad); Kingma, Ba 2015 (adam); sparse_adam is torch.optim.SparseAdam's variant of it.
template <Rule rule, class Number>
WF_HD inline void optimizer_rule(const StepScalars& s, Number& weight, const Number& given, Number& first,
                                 Number& second) {
  Number gradient = given;
  if (rule != Rule::sparse_adam && s.weight_decay != 0) gradient += s.weight_decay * weight;
  if constexpr (rule == Rule::sgd) {
    weight -= s.lr * gradient;
  } else if constexpr (rule == Rule::momentum) {
    first = s.momentum * first + gradient;
    weight -= s.lr * first;
  } else if constexpr (rule == Rule::adagrad) {
    first += gradient * gradient;
    weight -= s.lr * (gradient / (std::sqrt(first) + s.eps));
  } else if constexpr (rule == Rule::adam) {
    first = s.beta1 * first + s.complement1 * gradient;
    second = s.beta2 * second + s.complement2 * gradient * gradient;
    weight -= s.step_size * (first / (std::sqrt(second) / s.root_correction2 + s.eps));
  } else {
    first += s.complement1 * (gradient - first);
    second += s.complement2 * (gradient * gradient - second);
    weight -= s.step_size * (first / (std::sqrt(second) + s.eps));
  }
}

/// Momentum alone without gradient is a geometric series: after d steps the buffer is mu^d b and the weight has moved
/// by -lr b (mu + mu^2 + ... + mu^d). The cost does not depend on d.
struct MomentumSeries {
  float distance = 0, decay = 0;
};
WF_HD inline MomentumSeries momentum_series(const RuleSettings& settings, Position missed) {
  const double mu = settings.momentum;
  const double power = std::pow(mu, static_cast<double>(missed));
  const double series = mu == 1 ? static_cast<double>(missed) : mu * (1 - power) / (1 - mu);
  return {static_cast<float>(settings.lr * series), static_cast<float>(power)};
}
WF_HD inline void apply(const MomentumSeries& series, float& weight, float& buffer) {
  weight -= series.distance * buffer;
  buffer *= series.decay;
}

/// Calls f with the rule as a compile-time constant.
template <class F>
decltype(auto) with_rule(Rule rule, F&& f) {
  switch (rule) {
    case Rule::momentum:
      return f(std::integral_constant<Rule, Rule::momentum>{});
    case Rule::adagrad:
      return f(std::integral_constant<Rule, Rule::adagrad>{});
    case Rule::adam:
      return f(std::integral_constant<Rule, Rule::adam>{});
    case Rule::sparse_adam:
      return f(std::integral_constant<Rule, Rule::sparse_adam>{});
    case Rule::sgd:
      break;
  }
  return f(std::integral_constant<Rule, Rule::sgd>{});
}

/// nn.Embedding's max_norm: the factor that a row of norm `norm` is multiplied with (torch.embedding_renorm_).
WF_HD inline float renorm_factor(double norm, const NormLimit& limit) {
  const double largest = limit.max_norm;
  return norm > largest ? static_cast<float>(largest / (norm + 1e-7)) : 1.0F;
}

}  // namespace wf
