#include "host/cpu/rows.hpp"

#include <algorithm>
#include <array>

namespace wf {
namespace {

constexpr int kPiece = 64;  // elements replayed together, with a gradient of zeros

bool all_zero(const float* values, int rank) {
  return values == nullptr || std::all_of(values, values + rank, [](float value) { return value == 0; });
}

/// Momentum alone is a geometric series: after d steps the buffer is mu^d b and the row has moved by
/// -lr b (mu + mu^2 + ... + mu^d). The cost does not depend on d.
void catch_up_momentum(const RuleSettings& settings, Position missed, float* weights, float* buffer, int rank) {
  const double mu = settings.momentum;
  const double power = std::pow(mu, static_cast<double>(missed));
  const double series = mu == 1 ? static_cast<double>(missed) : mu * (1 - power) / (1 - mu);
  const auto distance = static_cast<float>(settings.lr * series);
  const auto decay = static_cast<float>(power);
  for (int f = 0; f < rank; ++f) {
    weights[f] -= distance * buffer[f];
    buffer[f] *= decay;
  }
}

}  // namespace

void catch_up_row(const RuleSettings& settings, Position last, Position step, float* weights, float* first,
                  float* second, int rank) {
  if (last >= step) return;
  if (settings.weight_decay == 0 && all_zero(first, rank) && all_zero(second, rank)) return;
  if (settings.rule == Rule::momentum && settings.weight_decay == 0) {
    catch_up_momentum(settings, step - last, weights, first, rank);
    return;
  }
  static constexpr std::array<float, kPiece> kNoGradient{};
  with_rule(settings.rule, [&](auto rule) {
    for (Position missed = last + 1; missed <= step; ++missed) {
      const StepScalars scalars = scalars_of_step(settings, missed);
      for (int f = 0; f < rank; f += kPiece) {
        step_row<rule()>(scalars, weights + f, kNoGradient.data(), first == nullptr ? nullptr : first + f,
                         second == nullptr ? nullptr : second + f, std::min(kPiece, rank - f));
      }
    }
  });
}

}  // namespace wf
