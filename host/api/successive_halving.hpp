// Which trial runs next, and for how long: asynchronous successive halving.
// Li, Jamieson, Rostamizadeh et al.: A system for massively parallel hyperparameter tuning. MLSys 2020, algorithm 2.
#pragma once
#include "host/base/types.hpp"

#include <optional>
#include <vector>

namespace wf {

/// Trials begin with a ninth of their epochs; the best third of those is run again with a third, and of them the best
/// third with all. Nothing waits for a whole rung: a trial goes up as soon as it is among the best third of what its
/// rung has seen. The first trial, which others are compared with, goes all the way at once.
class SuccessiveHalving {
 public:
  static constexpr int kReduction = 3;
  static constexpr int kRungs = 3;

  struct Job {
    Position trial = 0;  ///< from 0
    int rung = 0;        ///< 0: the shortest

    /// At least 1 of at least 1.
    int epochs(int of_all) const;
  };

  /// `n_trials`: trials that are begun; nullopt: as many as there is time for.
  explicit SuccessiveHalving(std::optional<Position> n_trials) : n_trials_(n_trials) {}

  /// A trial that goes up, else a new one; when none is left to begin, the best of a rung that has not gone up, so that
  /// the best trial of all is run in full. nullopt: done.
  std::optional<Job> next();
  /// The trial that next() gave last is not begun, and none after it.
  void begin_no_more() { n_trials_ = --begun_; }
  /// What came of it, lower is better; infinite where it failed.
  void report(const Job& job, double score);

  Position begun() const { return begun_; }

 private:
  struct Entry {
    Position trial;
    double score;
    bool gone_up = false;
  };
  Entry* best_waiting(int rung, Position among);

  std::optional<Position> n_trials_;
  Position begun_ = 0;
  std::vector<Entry> rungs_[kRungs];  // ascending by score, then by trial
};

}  // namespace wf
