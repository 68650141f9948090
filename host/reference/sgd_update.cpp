#include "host/kernels/losses.hpp"
#include "host/reference/reference.hpp"

#include <algorithm>

namespace wf {
namespace {

/// One part of both rows: elements from .. from + count - 1.
struct Part {
  float* p;
  float* q;
  int count;
};

/// |error * partner - lambda * row|^2, as it is written down.
double energy_of(const float* row, const float* partner, int count, double error, double lambda) {
  double sum = 0;
  for (int f = 0; f < count; ++f) {
    const double gradient = error * static_cast<double>(partner[f]) - lambda * static_cast<double>(row[f]);
    sum += gradient * gradient;
  }
  return sum;
}

/// row_adagrad's step at the rate of the accumulator, to which the gradient is then added.
Step<float> adagrad_step(const float* row, const float* partner, int count, float error, float lr, float lambda,
                         float share, float& accumulator) {
  const Step<float> step = sgd_rule(error, lr / std::sqrt(accumulator), lambda);
  accumulator += share * static_cast<float>(energy_of(row, partner, count, error, lambda));
  return step;
}

void update(const Part& part, const Step<float>& user, const Step<float>& item, const SgdSettings& settings) {
  for (int f = 0; f < part.count; ++f) {
    apply(user, item, part.p[f], part.q[f], MultiplyThenAdd{});
    if (!settings.projects()) continue;
    part.p[f] = projected(part.p[f], user.rate * settings.l1_user, settings.nonnegative);
    part.q[f] = projected(part.q[f], item.rate * settings.l1_item, settings.nonnegative);
  }
}

/// One rating's rows, with what their steps depend on.
struct Pair {
  RowId user, item;
  float error;
  float lambda_user, lambda_item;
};

/// The rates that the biases then go by.
struct Rates {
  float user, item;
};

Rates update_factors(const SgdTables<Host>& tables, const Pair& pair, const SgdSettings& settings) {
  float* p = tables.user.row(pair.user);
  float* q = tables.item.row(pair.item);
  const int rank = tables.rank();
  if (!settings.adagrad) {
    update({p, q, rank}, sgd_rule(pair.error, settings.lr, pair.lambda_user),
           sgd_rule(pair.error, settings.lr, pair.lambda_item), settings);
    return {settings.lr, settings.lr};
  }
  const int slow = slow_factors(rank);
  const auto step_part = [&](int from, int count, int column, float share) {
    float& user_sum = record_of(p)[column];
    float& item_sum = record_of(q)[column];
    const Step<float> user =
        adagrad_step(p + from, q + from, count, pair.error, settings.lr, pair.lambda_user, share, user_sum);
    const Step<float> item =
        adagrad_step(q + from, p + from, count, pair.error, settings.lr, pair.lambda_item, share, item_sum);
    update({p + from, q + from, count}, user, item, settings);
    return Rates{settings.bias_rate * user.rate, settings.bias_rate * item.rate};
  };
  const Rates rates = step_part(0, slow, kSlowSum, settings.slow_share);
  if (!settings.slow_only) step_part(slow, rank - slow, kFastSum, settings.fast_share);
  return rates;
}

void update_bias(float error, float rate, float* record) {
  bias_rule(error, rate, record[kBiasShare], record[kBias]);
}

}  // namespace

void Reference::sgd_update(const SgdTables<Host>& tables, const RatingsView<Host>& ratings,
                           Span<const Block, Host> blocks, const SgdSettings& settings,
                           const RowPenalties<Host>& penalties) {
  for (const Block& block : blocks) {
    ErrorSums sums;
    for (Position n = block.begin; n < block.end; ++n) {
      const RowId u = ratings.user[n];
      const RowId i = ratings.item[n];
      float* user = record_of(tables.user.row(u));
      float* item = record_of(tables.item.row(i));
      const double biases = tables.biases ? static_cast<double>(user[kBias]) + item[kBias] + tables.global_mean : 0;
      const double predicted = dot<double>(tables.user.row(u), tables.item.row(i), tables.rank()) + biases;
      const double rating = ratings.value[n];
      add_error(settings.loss, sums, predicted, rating);
      const Pair pair{u, i, static_cast<float>(-loss_slope(settings.loss, predicted, rating) / 2),
                      settings.lambda_user + penalty_of(penalties.user, u),
                      settings.lambda_item + penalty_of(penalties.item, i)};
      const Rates rates = update_factors(tables, pair, settings);
      if (tables.biases) {
        update_bias(pair.error, rates.user, user);
        update_bias(pair.error, rates.item, item);
      }
    }
    add_errors(sums);
  }
}

}  // namespace wf
