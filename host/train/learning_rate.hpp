// The learning rate of each epoch.
#pragma once
#include "host/config/config.hpp"

#include <cmath>
#include <limits>

namespace wf {

/// constant: lr. inverse: lr / (1 + beta t^1.5), t = epochs done (Koren's and NOMAD's decay). bold_driver: raised by 5
/// % while the training loss falls, halved when it rises (Gemulla et al. 2011, section 5).
class LearningRate {
 public:
  LearningRate(LrSchedule schedule, double lr, double decay) : schedule_(schedule), lr_(lr), decay_(decay) {}

  /// Rate of epoch 1, 2, ...
  double of_epoch(int epoch) const {
    if (schedule_ != LrSchedule::inverse) return lr_;
    return lr_ / (1 + decay_ * std::pow(epoch - 1, 1.5));
  }

  /// The training loss of the epoch just done.
  void observe(double loss) {
    if (schedule_ == LrSchedule::bold_driver && std::isfinite(previous_)) lr_ *= loss < previous_ ? 1.05 : 0.5;
    previous_ = loss;
  }

  template <class Visit>
  void state(Visit&& visit) {
    visit("lr", lr_);
    visit("previous_loss", previous_);
  }

 private:
  LrSchedule schedule_;
  double lr_;
  double decay_;
  double previous_ = std::numeric_limits<double>::infinity();
};

}  // namespace wf
