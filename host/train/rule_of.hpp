// From a configuration's words to the rule that kernels know.
#pragma once
#include "host/config/config.hpp"
#include "host/kernels/rules.hpp"

namespace wf {

/// The rule that a configuration's optimizer stands for.
inline RuleSettings rule_of(const TrainConfig& config) {
  RuleSettings settings;
  switch (config.optimizer) {
    case Optimizer::sgd:
      settings.rule = config.momentum != 0 ? Rule::momentum : Rule::sgd;
      break;
    case Optimizer::adagrad:
      settings.rule = Rule::adagrad;
      break;
    case Optimizer::adam:
      settings.rule = Rule::adam;
      break;
    case Optimizer::sparse_adam:
      settings.rule = Rule::sparse_adam;
      break;
    case Optimizer::row_adagrad:  // steps ratings, not batches
      break;
  }
  settings.momentum = config.momentum;
  settings.weight_decay = config.weight_decay;
  settings.beta1 = config.beta1;
  settings.beta2 = config.beta2;
  settings.eps = config.eps;
  settings.dense = config.gradients == Gradients::dense;
  return settings;
}

}  // namespace wf
