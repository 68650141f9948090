#include "host/evaluate/baselines.hpp"

#include <cmath>

namespace wf {
namespace {

constexpr int kSweeps = 15;  // the fit changes in the fifth digit after ten

void add(ErrorSums& sums, double error) {
  sums.loss += error * error;
  sums.squared += error * error;
  sums.absolute += std::fabs(error);
  ++sums.count;
}

float bias_of(const HostBuffer<float>& biases, RowId row) {
  return row >= 0 && row < biases.size() ? biases[row] : 0.0F;
}

/// The exact minimum over one side with the other fixed: bias = sum of residuals / (count + penalty).
void fit_side(Span<const RowId, Host> rows, Span<const RowId, Host> others, Span<const float, Host> values, double mean,
              const HostBuffer<float>& fixed, double penalty, HostBuffer<float>& biases) {
  HostBuffer<double> sums(biases.size(), 0.0);
  HostBuffer<double> counts(biases.size(), 0.0);
  for (Position n = 0; n < rows.size; ++n) {
    sums[rows[n]] += static_cast<double>(values[n]) - mean - static_cast<double>(fixed[others[n]]);
    ++counts[rows[n]];
  }
  for (Position r = 0; r < biases.size(); ++r) {
    biases[r] = counts[r] > 0 ? static_cast<float>(sums[r] / (counts[r] + penalty)) : 0.0F;
  }
}

}  // namespace

ErrorSums BiasBaseline::errors(const RatingsView<Host>& ratings) const {
  ErrorSums sums;
  for (Position n = 0; n < ratings.size(); ++n) {
    const double biases =
        static_cast<double>(bias_of(user_bias, ratings.user[n])) + bias_of(item_bias, ratings.item[n]);
    add(sums, ratings.value[n] - mean - biases);
  }
  return sums;
}

ErrorSums BiasBaseline::mean_errors(const RatingsView<Host>& ratings) const {
  ErrorSums sums;
  for (const float value : ratings.value) add(sums, value - mean);
  return sums;
}

BiasBaseline fit_biases(const RatingsView<Host>& train, Position n_users, Position n_items, double penalty) {
  BiasBaseline baseline;
  baseline.user_bias = HostBuffer<float>(n_users, 0.0F);
  baseline.item_bias = HostBuffer<float>(n_items, 0.0F);
  if (train.size() == 0) return baseline;
  double sum = 0;
  for (const float value : train.value) sum += value;
  baseline.mean = sum / static_cast<double>(train.size());
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    fit_side(train.item, train.user, train.value, baseline.mean, baseline.user_bias, penalty, baseline.item_bias);
    fit_side(train.user, train.item, train.value, baseline.mean, baseline.item_bias, penalty, baseline.user_bias);
  }
  return baseline;
}

}  // namespace wf
