// The best factors of one user among fixed items, for any loss: proximal gradient descent with backtracking (Beck,
// Teboulle: A fast iterative shrinkage-thresholding algorithm. SIAM J. Imaging Sciences 2(1), 2009, without momentum).
#pragma once
#include "host/config/config.hpp"

#include <vector>

namespace wf {

/// sum of weight loss(<p, q - against> + b + offset) + l2 |p|^2 + l2_bias b^2 + l1 |p|_1.
struct UserProblem {
  /// A rating, or a pair of items, whose rating is not looked at. Rows end after the problem.
  struct Term {
    const float* q = nullptr;        ///< [rank]
    const float* against = nullptr;  ///< [rank], of pairs alone
    double offset = 0, rating = 0, weight = 1;

    double factor(std::size_t f) const {
      return static_cast<double>(q[f]) - (against == nullptr ? 0 : static_cast<double>(against[f]));
    }
  };
  std::vector<Term> terms;
  Loss loss = Loss::mse;
  double l2 = 0, l2_bias = 0, l1 = 0;
  bool has_bias = false, nonnegative = false;
};

struct UserSolution {
  std::vector<double> factors;
  double bias = 0;
};

/// The sum at a solution.
double objective(const UserProblem& problem, const UserSolution& at);

/// From zero, until a step gains less than 1e-9 of the sum, or 500 steps. Where a loss has kinks, the end may be one.
UserSolution descend(const UserProblem& problem, int rank);

}  // namespace wf
