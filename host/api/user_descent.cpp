#include "host/api/user_descent.hpp"

#include "host/kernels/losses.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

constexpr int kSteps = 500;
constexpr double kLeastGain = 1e-9;
constexpr double kSufficient = 1e-4;  // Armijo's constant
constexpr double kLeastRate = 1e-12;

double score_of(const UserProblem::Term& term, const UserSolution& at) {
  double score = term.offset + at.bias;
  for (std::size_t f = 0; f < at.factors.size(); ++f) score += at.factors[f] * term.factor(f);
  return score;
}

PairLoss<double> loss_at(Loss loss, double score, double rating) {
  if (is_pairwise(loss)) return pair_loss(loss, score);
  return with_loss(loss, [&](auto kind) -> PairLoss<double> {
    return {loss_value<kind()>(score, rating), loss_slope<kind()>(score, rating)};
  });
}

/// Of everything but the l1 penalty.
UserSolution gradient_at(const UserProblem& problem, const UserSolution& at) {
  UserSolution gradient{std::vector<double>(at.factors.size()), 2 * problem.l2_bias * at.bias};
  for (std::size_t f = 0; f < at.factors.size(); ++f) gradient.factors[f] = 2 * problem.l2 * at.factors[f];
  for (const UserProblem::Term& term : problem.terms) {
    const double slope = term.weight * loss_at(problem.loss, score_of(term, at), term.rating).slope;
    for (std::size_t f = 0; f < at.factors.size(); ++f) gradient.factors[f] += slope * term.factor(f);
    gradient.bias += slope;
  }
  if (!problem.has_bias) gradient.bias = 0;
  return gradient;
}

/// A step along the gradient, then the penalty's own: factors nearer to zero, and none below where that is asked for.
UserSolution stepped(const UserProblem& problem, const UserSolution& from, const UserSolution& gradient, double rate) {
  UserSolution to = from;
  to.bias -= rate * gradient.bias;
  for (std::size_t f = 0; f < to.factors.size(); ++f) {
    const double value = from.factors[f] - rate * gradient.factors[f];
    const double size = std::max(0.0, std::fabs(value) - rate * problem.l1);
    to.factors[f] = problem.nonnegative && value < 0 ? 0 : std::copysign(size, value);
  }
  return to;
}

double squared_distance(const UserSolution& a, const UserSolution& b) {
  double sum = (a.bias - b.bias) * (a.bias - b.bias);
  for (std::size_t f = 0; f < a.factors.size(); ++f) {
    sum += (a.factors[f] - b.factors[f]) * (a.factors[f] - b.factors[f]);
  }
  return sum;
}

}  // namespace

double objective(const UserProblem& problem, const UserSolution& at) {
  double sum = problem.l2_bias * at.bias * at.bias;
  for (const double factor : at.factors) sum += problem.l2 * factor * factor + problem.l1 * std::fabs(factor);
  for (const UserProblem::Term& term : problem.terms) {
    sum += term.weight * loss_at(problem.loss, score_of(term, at), term.rating).value;
  }
  return sum;
}

UserSolution descend(const UserProblem& problem, int rank) {
  UserSolution at{std::vector<double>(static_cast<std::size_t>(rank)), 0};
  double value = objective(problem, at), rate = 1;
  for (int step = 0; step < kSteps; ++step) {
    const UserSolution gradient = gradient_at(problem, at);
    UserSolution next = stepped(problem, at, gradient, rate);
    double next_value = objective(problem, next);
    while (rate > kLeastRate && !(next_value <= value - kSufficient / rate * squared_distance(next, at))) {
      rate /= 2;
      next = stepped(problem, at, gradient, rate);
      next_value = objective(problem, next);
    }
    if (rate <= kLeastRate) break;
    const bool done = value - next_value <= kLeastGain * std::fabs(value);
    at = std::move(next);
    value = next_value;
    rate *= 2;
    if (done) break;
  }
  return at;
}

}  // namespace wf
