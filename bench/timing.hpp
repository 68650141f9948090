// Samples of a time, and what a report says of them where there is no device.
#pragma once
#include "cuda/runtime/check.hpp"
#include "host/base/types.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace wf::bench {

using Json = nlohmann::ordered_json;

#if defined(WF_INTERPRETER)
inline constexpr bool kIsCard = false;
#else
inline constexpr bool kIsCard = true;
#endif

/// What a run covers.
inline const std::vector<std::string> kOps{
    "predict",           "rating_errors", "loss_slopes", "group_rows", "row_gradients", "optimizer_step", "batch_step",
    "staged_batch_step", "sgd_update",    "score_items", "gram",       "solve_rows",    "list_errors"};

struct Settings {
  std::vector<std::string> ops = kOps;
  std::vector<int> ranks{16, 32, 64, 100, 128};
  std::vector<Position> batches{1024, 16384, 262144};
  std::vector<std::string> skews{"uniform", "zipf"}, orders{"racing", "repeatable"};
  int samples = 5;
  double sample_seconds = 0.02;                  // repetitions are added up to this
  Position n_users = 200'000, n_items = 50'000;  // at rank 128: 102 and 26 MB, more than an L2 holds
  Position copied_bytes = Position{1} << 30;
  bool small = false;
  std::string out, markdown;
};

/// Seconds of one repetition in each sample.
struct Timing {
  std::vector<double> samples;
  Position repetitions = 0;

  double median() const {
    std::vector<double> sorted = samples;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
  double least() const { return *std::min_element(samples.begin(), samples.end()); }
  double most() const { return *std::max_element(samples.begin(), samples.end()); }
};

inline void wait() {
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

inline double seconds_of(Position repetitions, const std::function<void(Position)>& run) {
  wait();
  const auto start = std::chrono::steady_clock::now();
  for (Position r = 0; r < repetitions; ++r) run(r);
  wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The wall clock around as many repetitions as fill a sample, between two waits for the device. One unmeasured
/// repetition comes first, and one sample of that length.
inline Timing time_of(const Settings& settings, const std::function<void(Position)>& run) {
  Timing timing;
  run(0);
  const double once = seconds_of(1, run);
  timing.repetitions =
      settings.small ? 1 : std::clamp<Position>(static_cast<Position>(settings.sample_seconds / once), 2, 2000);
  if (!settings.small) seconds_of(timing.repetitions, run);
  for (int s = 0; s < settings.samples; ++s) {
    timing.samples.push_back(seconds_of(timing.repetitions, run) / static_cast<double>(timing.repetitions));
  }
  return timing;
}

/// A number of a card, or the reason why there is none.
inline Json measured(double value) {
  if (!kIsCard) return "not a device";
  return std::isfinite(value) ? Json(std::stod(fmt::format("{:.4g}", value))) : Json(nullptr);
}

}  // namespace wf::bench
