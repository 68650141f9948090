// Loops over one row, in forms that compilers turn into vector code.
#pragma once
#include "host/kernels/rules.hpp"

namespace wf {

/// One optimizer step of a row; `first` and `second` are read only by rules that keep them.
template <Rule rule>
inline void step_row(const StepScalars& scalars, float* __restrict weights, const float* __restrict gradient,
                     float* __restrict first, float* __restrict second, int rank) {
  [[maybe_unused]] float none = 0;
  for (int f = 0; f < rank; ++f) {
    if constexpr (rule == Rule::sgd) {
      optimizer_rule<rule>(scalars, weights[f], gradient[f], none, none);
    } else if constexpr (rule == Rule::momentum || rule == Rule::adagrad) {
      optimizer_rule<rule>(scalars, weights[f], gradient[f], first[f], none);
    } else {
      optimizer_rule<rule>(scalars, weights[f], gradient[f], first[f], second[f]);
    }
  }
}

/// Brings a row that is up to date with step `last` to where steps last + 1 .. step without gradient take it.
void catch_up_row(const RuleSettings& settings, Position last, Position step, float* weights, float* first,
                  float* second, int rank);

}  // namespace wf
