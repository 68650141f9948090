// What a model must beat: the mean, and the mean with regularised biases.
#pragma once
#include "host/kernels/error_sums.hpp"
#include "host/ratings/ratings.hpp"

namespace wf {

/// mean + user_bias[u] + item_bias[i]; a row outside the tables (unknown) has no bias.
struct BiasBaseline {
  double mean = 0;
  HostBuffer<float> user_bias, item_bias;

  ErrorSums errors(const RatingsView<Host>& ratings) const;       ///< with the biases
  ErrorSums mean_errors(const RatingsView<Host>& ratings) const;  ///< of the mean alone
};

/// Minimises sum (r - mean - b_u - b_i)^2 + penalty * (|b_u|^2 + |b_i|^2) by alternating exact steps.
/// Koren: Factorization meets the neighborhood, KDD 2008, section 2.1.
BiasBaseline fit_biases(const RatingsView<Host>& train, Position n_users, Position n_items, double penalty = 5);

}  // namespace wf
