// Which epoch was best, and whether it is time to stop.
#pragma once
#include <limits>

namespace wf {

/// Watches a criterion that should fall. An epoch is better when it is lower than the best by more than min_delta.
class EarlyStopping {
 public:
  EarlyStopping(int patience, double min_delta) : patience_(patience), min_delta_(min_delta) {}

  /// True when this epoch is the best so far.
  bool observe(int epoch, double criterion) {
    if (!(criterion < best_ - min_delta_)) {
      ++waited_;
      return false;
    }
    best_ = criterion;
    best_epoch_ = epoch;
    waited_ = 0;
    return true;
  }
  bool exhausted() const { return waited_ >= patience_; }
  int best_epoch() const { return best_epoch_; }

  template <class Visit>
  void state(Visit&& visit) {
    visit("best_criterion", best_);
    visit("best_criterion_epoch", best_epoch_);
    visit("epochs_waited", waited_);
  }

 private:
  int patience_;
  double min_delta_;
  double best_ = std::numeric_limits<double>::infinity();
  int best_epoch_ = 0;
  int waited_ = 0;
};

}  // namespace wf
