// One of the two rows of a rating in per-rating SGD: its record and its step, held by all lanes alike.
#pragma once
#include "cuda/runtime/kernel_code.hpp"
#include "host/kernels/sgd_rules.hpp"

namespace wf {

/// Of a rating's two rows: over the slow factors, and over the others.
struct Products {
  float slow, fast;
};

struct Side {
  float record[kRecord];
  Step<float> slow, fast;

  __device__ Step<float> step(bool is_slow) const { return is_slow ? slow : fast; }
};

/// The steps of both rows for their factors; the sums and lengths of row_adagrad follow.
__device__ inline void take_steps(const SgdSettings& settings, float error, float lambda_user, float lambda_item,
                                  const Products& products, Side& user, Side& item) {
  if (!settings.adagrad) {
    user.slow = user.fast = sgd_rule(error, settings.lr, lambda_user);
    item.slow = item.fast = sgd_rule(error, settings.lr, lambda_item);
    return;
  }
  const auto part = [&](int sum, int length, float share, float product, Step<float>& of_user, Step<float>& of_item) {
    const float user_length = user.record[length], item_length = item.record[length];
    of_user = row_adagrad_rule(error, settings.lr, lambda_user, share, product, item_length, user.record[sum],
                               user.record[length]);
    of_item = row_adagrad_rule(error, settings.lr, lambda_item, share, product, user_length, item.record[sum],
                               item.record[length]);
  };
  part(kSlowSum, kSlowLength, settings.slow_share, products.slow, user.slow, item.slow);
  user.fast = item.fast = {1, 0, 0};
  if (!settings.slow_only) {
    part(kFastSum, kFastLength, settings.fast_share, products.fast, user.fast, item.fast);
  }
}

/// Of the biases, after take_steps.
__device__ inline void step_biases(float error, float bias_rate, Side& user, Side& item) {
  bias_rule(error, bias_rate * user.slow.rate, user.record[kBiasShare], user.record[kBias]);
  bias_rule(error, bias_rate * item.slow.rate, item.record[kBiasShare], item.record[kBias]);
}

}  // namespace wf
