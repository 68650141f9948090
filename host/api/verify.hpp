// Is an engine right? The same training steps on the reference and on the engine, compared phase by phase.
#pragma once
#include "host/train/engine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wf {

/// Element (row, column) of what a phase left behind in a step; row of the table, or rating of the batch.
struct ComparedPlace {
  Position step = 0, row = 0;
  int column = 0;
  float expected = 0, actual = 0;  ///< of the reference; of the engine
};

/// One phase, over all steps. Relative: to the largest magnitude of the reference's values in that step.
struct ComparedPhase {
  std::string name;
  Position values = 0;
  double largest_absolute = 0, largest_relative = 0;  ///< infinite where only one of two values is a number
  double allowed = 0;                                 ///< largest_relative that still passes, in the last step
  ComparedPlace worst;
  std::optional<ComparedPlace> first_apart;  ///< the first place beyond what is allowed
  std::string mismatch;  ///< other rows, another shape, a phase that came at another time or not at all; empty: none

  bool passed() const { return !first_apart && mismatch.empty(); }
};

struct VerifyPlan {
  TrainConfig config;               ///< of the mini-batches
  int steps = 10;                   ///< mini-batches
  std::optional<double> tolerance;  ///< relative; nullopt: see allowed_difference
};

/// Relative difference that rounding explains in step `step`: each value sums `terms` products, each rounded to
/// 2^-24 of its size at most once on either side, and carries what the steps before left (Higham, Accuracy and
/// stability of numerical algorithms, 2002, section 3.1, with the bounds of both sides added).
double allowed_difference(Position terms, Position step);

/// adagrad and adam divide a gradient by its own size: where it cancels to rounding, the step may go lr either way.
double allowed_by_optimizer(const TrainConfig& config);

/// Trains `steps` mini-batches, a sweep of als and of ials, then one epoch of per-rating SGD, on copies of one model of
/// steps * batch_size triples drawn from the ratings; compares slopes, gradients and tables of every step, and
/// predictions and errors at the end.
std::vector<ComparedPhase> verify(Engine& reference, Engine& engine, const RatingsView<Host>& ratings,
                                  const VerifyPlan& plan);

}  // namespace wf
