// What a model must beat: the mean, and the mean with regularised biases.
#pragma once
#include "host/kernels/error_sums.hpp"
#include "host/ratings/rating_source.hpp"

namespace wf {

inline constexpr double kBiasPenalty = 5;

/// mean + user_bias[u] + item_bias[i]; a row outside the tables (unknown) has no bias.
struct BiasBaseline {
  double mean = 0;
  HostBuffer<float> user_bias, item_bias;

  /// With the biases, and of the mean alone. Of the ratings of all ranks.
  ErrorSums errors(const RatingsView<Host>& ratings, int threads = 0, Ranks& ranks = Ranks::alone()) const;
  ErrorSums mean_errors(const RatingsView<Host>& ratings, int threads = 0, Ranks& ranks = Ranks::alone()) const;
};

/// Minimises sum (r - mean - b_u - b_i)^2 + penalty * (|b_u|^2 + |b_i|^2) by alternating exact steps, until they
/// are rounding.
/// Koren: Factorization meets the neighborhood, KDD 2008, section 2.1.
/// Goes through the ratings twice a sweep and takes up to 4 bytes a rating for as long as it runs. `threads` 0: all. A
/// function of the set of ratings: sums are exact (host/base/fixed_point.hpp), so that neither their order nor threads
/// matter, and other names of the rows give the same biases to the same rows.
BiasBaseline fit_biases(const RatingSource& train, Position n_users, Position n_items, double penalty = kBiasPenalty,
                        int threads = 0);

}  // namespace wf
