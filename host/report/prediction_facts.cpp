#include "host/report/prediction_facts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace wf {
namespace {

class Errors {
 public:
  void add(double error) {
    squares_ += error * error;
    sizes_ += std::fabs(error);
    ++count_;
  }
  Position count() const { return count_; }
  ErrorMeans means() const {
    const double n = static_cast<double>(std::max<Position>(count_, 1));
    return {std::sqrt(squares_ / n), sizes_ / n};
  }

 private:
  double squares_ = 0, sizes_ = 0;
  Position count_ = 0;
};

double baseline_of(const BiasBaseline& baseline, RowId user, RowId item) {
  double score = baseline.mean;
  if (user < baseline.user_bias.size()) score += static_cast<double>(baseline.user_bias[user]);
  if (item < baseline.item_bias.size()) score += static_cast<double>(baseline.item_bias[item]);
  return score;
}

std::vector<CalibrationBin> calibration_of(const RatingsView<Host>& ratings, Span<const float, Host> predictions) {
  std::vector<Position> order(static_cast<std::size_t>(ratings.size()));
  std::iota(order.begin(), order.end(), Position{0});
  std::sort(order.begin(), order.end(), [&](Position a, Position b) {
    return predictions[a] != predictions[b] ? predictions[a] < predictions[b] : a < b;
  });
  std::vector<CalibrationBin> bins;
  const auto n = static_cast<Position>(order.size());
  for (Position begin = 0, bin = 1; begin < n; ++bin) {
    Position end = std::min(n, std::max(begin + 1, n * bin / kCalibrationBins));
    const auto at = [&](Position place) { return order[static_cast<std::size_t>(place)]; };
    while (end < n && predictions[at(end)] == predictions[at(end - 1)]) ++end;
    CalibrationBin sums;
    for (Position place = begin; place < end; ++place) {
      sums.predicted += static_cast<double>(predictions[at(place)]);
      sums.actual += static_cast<double>(ratings.value[at(place)]);
    }
    sums.count = end - begin;
    sums.predicted /= static_cast<double>(sums.count);
    sums.actual /= static_cast<double>(sums.count);
    bins.push_back(sums);
    begin = end;
  }
  return bins;
}

/// 0 for no training rating, else 1 + the binary logarithm.
std::size_t popularity_bin(const HostBuffer<Position>& counts, RowId item) {
  const Position count = item < counts.size() ? counts[item] : 0;
  std::size_t bin = 0;
  while (Position{1} << bin <= count) ++bin;
  return bin;
}

std::vector<PopularityBin> popularity_of(const RatingsView<Host>& ratings, Span<const float, Host> predictions,
                                         const TrainingFacts& training) {
  constexpr std::size_t kMost = 64;
  std::vector<Errors> of_model(kMost), of_biases(kMost);
  for (Position n = 0; n < ratings.size(); ++n) {
    const std::size_t bin = popularity_bin(training.item_counts, ratings.item[n]);
    const auto value = static_cast<double>(ratings.value[n]);
    of_model[bin].add(value - static_cast<double>(predictions[n]));
    if (training.biases) of_biases[bin].add(value - baseline_of(*training.biases, ratings.user[n], ratings.item[n]));
  }
  std::vector<PopularityBin> bins;
  for (std::size_t bin = 0; bin < kMost; ++bin) {
    if (of_model[bin].count() == 0) continue;
    PopularityBin result{bin == 0 ? 0 : Position{1} << (bin - 1), of_model[bin].count(), of_model[bin].means(), {}};
    if (training.biases) result.biases = of_biases[bin].means();
    bins.push_back(result);
  }
  return bins;
}

}  // namespace

PredictionFacts prediction_facts(const RatingsView<Host>& ratings, Span<const float, Host> predictions,
                                 const TrainingFacts& training) {
  PredictionFacts facts;
  facts.n = ratings.size();
  if (facts.n == 0) return facts;
  Errors of_model, of_mean, of_biases;
  HostBuffer<float> residuals(facts.n);
  for (Position n = 0; n < facts.n; ++n) {
    residuals[n] = ratings.value[n] - predictions[n];
    const auto value = static_cast<double>(ratings.value[n]);
    of_model.add(value - static_cast<double>(predictions[n]));
    if (training.mean) of_mean.add(value - *training.mean);
    if (training.biases) of_biases.add(value - baseline_of(*training.biases, ratings.user[n], ratings.item[n]));
  }
  facts.model = of_model.means();
  if (training.mean) facts.mean = of_mean.means();
  if (training.biases) facts.biases = of_biases.means();
  facts.actual = histogram_of(ratings.value);
  facts.predicted = histogram_of(predictions);
  facts.residuals = histogram_of(residuals.span());
  facts.calibration = calibration_of(ratings, predictions);
  if (!training.item_counts.empty()) facts.popularity = popularity_of(ratings, predictions, training);
  return facts;
}

}  // namespace wf
