#include "host/cpu/rows.hpp"

#include <algorithm>
#include <array>

namespace wf {
namespace {

constexpr int kPiece = 64;  // elements replayed together, with a gradient of zeros

bool all_zero(const float* values, int rank) {
  return values == nullptr || std::all_of(values, values + rank, [](float value) { return value == 0; });
}

}  // namespace

void catch_up_row(const RuleSettings& settings, Position last, Position step, float* weights, float* first,
                  float* second, int rank) {
  if (last >= step) return;
  if (settings.weight_decay == 0 && all_zero(first, rank) && all_zero(second, rank)) return;
  if (settings.rule == Rule::momentum && settings.weight_decay == 0) {
    const MomentumSeries series = momentum_series(settings, step - last);
    for (int f = 0; f < rank; ++f) apply(series, weights[f], first[f]);
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
