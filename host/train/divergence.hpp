// When a training has left the numbers that it can come back from.
#pragma once
#include "host/base/error.hpp"
#include "host/base/json_text.hpp"
#include "host/base/types.hpp"
#include "host/train/training_state.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace wf {

/// No NaN and no infinity. One pass without a branch, so that it runs at the speed of memory.
inline bool all_finite(const float* values, Position count) {
  unsigned bad = 0;
  for (Position n = 0; n < count; ++n) bad |= !(std::fabs(values[n]) <= std::numeric_limits<float>::max()) ? 1U : 0U;
  return bad == 0;
}

/// Visitor of a state: whether its floats are finite. Pairs of 16-bit factors are seen as the floats that they lie in:
/// those are finite where the second of the two is, so that none is refused wrongly; the model's writer sees the rest.
class FiniteState {
 public:
  template <class Value>
  void operator()(const std::string&, const Value& value) {
    if constexpr (!std::is_arithmetic_v<Value>) {
      using T = std::remove_cv_t<std::remove_pointer_t<decltype(value.data())>>;
      if constexpr (std::is_same_v<T, float>) finite_ = finite_ && all_finite(value.data(), value.size());
    }
  }
  void operator()(const std::string&, const SharedState<float>& shared) {
    for (const auto& [first, values] : shared.pieces) finite_ = finite_ && all_finite(values.data, values.size);
  }
  bool finite() const { return finite_; }

 private:
  bool finite_ = true;
};

/// What is wrong with the epoch that `report` is of; empty where nothing is. `so_far`: the epochs before.
inline std::string divergence_of(const EpochReport& report, const std::vector<EpochReport>& so_far) {
  constexpr double kRise = 100;  // times the first epoch's loss: no run that converges comes near it
  const bool finite = std::isfinite(report.train_loss) && std::isfinite(report.valid_loss.value_or(0));
  if (!finite) return "the loss is no longer a finite number";
  // without a learning rate there is no step to be too long, and a first loss near 0 may rise to another one near 0
  const double first = so_far.empty() || report.lr <= 0 ? 0 : so_far.front().train_loss;
  if (first > 0 && report.train_loss > kRise * first) {
    return "the loss is " + json_number(report.train_loss) + ", and was " + json_number(first) + " in epoch 1";
  }
  return "";
}

/// Names the epoch, and what to change.
inline FailedError divergence_error(const EpochReport& report, const std::string& what) {
  return FailedError("training diverged in epoch " + std::to_string(report.epoch) + ": " + what,
                     (report.lr > 0 ? "lower --lr, now " + json_number(report.lr) + ", or raise --lambda"
                                    : std::string("raise --lambda")) +
                         "; ratings far below or above 1 are better scaled");
}

}  // namespace wf
