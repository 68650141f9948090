// Where a model is right about ratings and where it is not: what a report draws.
#pragma once
#include "host/evaluate/baselines.hpp"
#include "host/ratings/data_facts.hpp"

#include <optional>
#include <vector>

namespace wf {

struct ErrorMeans {
  double rmse = 0, mae = 0;
};

/// Ratings whose predictions are near each other.
struct CalibrationBin {
  double predicted = 0, actual = 0;  ///< means
  Position count = 0;
};
inline constexpr Position kCalibrationBins = 10;

/// Ratings of items with from `least` to below 2 * `least` training ratings; of none where `least` is 0.
struct PopularityBin {
  Position least = 0;
  Position count = 0;  ///< ratings
  ErrorMeans model;
  std::optional<ErrorMeans> biases;
};

struct PredictionFacts {
  Position n = 0;
  ErrorMeans model;
  std::optional<ErrorMeans> mean, biases;         ///< of the baselines
  std::vector<Bar> actual, predicted, residuals;  ///< residual: rating - prediction
  std::vector<CalibrationBin> calibration;  ///< of equal counts, ascending; ratings with equal predictions together
  std::vector<PopularityBin> popularity;    ///< ascending, without empty ones; empty without training counts
};

/// What is known of the ratings that a model was trained on; counts are empty where they cannot be had.
struct TrainingFacts {
  HostBuffer<Position> item_counts;  ///< [n_items] training ratings
  std::optional<BiasBaseline> biases;
  std::optional<double> mean;
};

/// `predictions` [ratings], finite. Deterministic: sums in double, in the order of the ratings or of predictions.
PredictionFacts prediction_facts(const RatingsView<Host>& ratings, Span<const float, Host> predictions,
                                 const TrainingFacts& training);

}  // namespace wf
