// row_adagrad's memory of the rows, and a configuration's words for per-rating SGD.
#pragma once
#include "host/kernels/contract.hpp"

#include <utility>

namespace wf {

/// The settings of an epoch.
inline SgdSettings sgd_settings(const TrainConfig& config, int epoch, double lr) {
  constexpr int kSlowEpochs = 1;  // as LIBMF has it
  SgdSettings settings;
  settings.loss = config.loss;
  settings.lr = static_cast<float>(lr);
  settings.adagrad = config.optimizer == Optimizer::row_adagrad;
  settings.slow_only = settings.adagrad && epoch <= kSlowEpochs;
  settings.bias_rate = static_cast<float>(config.bias_rate);
  const int slow = slow_factors(config.rank);
  settings.slow_share = 1 / static_cast<float>(slow);
  settings.fast_share = config.rank > slow ? 1 / static_cast<float>(config.rank - slow) : 0;
  if (config.reg_scaling == RegScaling::count) {  // each rating of a row carries the same share
    settings.lambda_user = static_cast<float>(config.lambda_user);
    settings.lambda_item = static_cast<float>(config.lambda_item);
  }
  settings.l1_user = static_cast<float>(config.l1_user);
  settings.l1_item = static_cast<float>(config.l1_item);
  settings.nonnegative = config.nonnegative;
  return settings;
}

/// Owner of RowStates in the memory of a kernel set: 16 bytes a row; nothing for plain SGD.
template <KernelSet K>
class OwnedRowStates {
 public:
  using Space = typename K::Space;

  OwnedRowStates(K& kernels, const ModelView<float, Space>& model, const TrainConfig& config) {
    if (config.optimizer != Optimizer::row_adagrad) return;
    const auto filled = [&](Position rows) {
      return kernels.template filled<float>(checked_product(rows, kAdagradColumns),
                                            static_cast<float>(config.accumulator));
    };
    user_ = filled(model.user_factors.count);
    item_ = filled(model.item_factors.count);
  }

  /// Squared lengths are kept up by the steps; measured anew once an epoch, they do not drift.
  void measure(K& kernels, const ModelView<float, Space>& model) {
    const RowStates<Space> states = view(model);
    kernels.measure_rows(model.user_factors, states.user);
    kernels.measure_rows(model.item_factors, states.item);
  }

  RowStates<Space> view(const ModelView<float, Space>& model) {
    const auto rows = [](typename K::template Buffer<float>& values, Position count) {
      return Rows<float, Space>{values.data(), values.empty() ? 0 : count, kAdagradColumns, kAdagradColumns};
    };
    return {rows(user_, model.user_factors.count), rows(item_, model.item_factors.count)};
  }

 private:
  typename K::template Buffer<float> user_, item_;
};

}  // namespace wf
