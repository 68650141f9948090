// Nonnegative matrix factorization, once for all kernel sets: users by items, then items by users.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/engine.hpp"
#include "host/train/space_lists.hpp"

#include <utility>

namespace wf {

inline NmfSettings nmf_settings(const TrainConfig& config) {
  return {config.nmf_loss, config.missing, config.solver == Solver::hals ? Solver::hals : Solver::multiplicative};
}

/// Throws UsageError where ratings or factors are below 0.
void check_nonnegative(const RowLists& lists, const Model& model);

template <KernelSet K>
class Nonnegative {
 public:
  using Space = typename K::Space;

  /// The lists are taken; `model` and what it views must outlive this. With zeros, lists name each cell once.
  Nonnegative(K& kernels, const ModelView<float, Space>& model, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        settings_(nmf_settings(config)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)) {
    if (!settings_.counts_zeros()) return;
    user_shared_ = kernels.filled(shared_size(), 0.0F);
    item_shared_ = kernels.filled(shared_size(), 0.0F);
    share(model_.item_factors, item_shared_);
  }

  /// Users by the items as they are, then items by those users. `after_side(share done)` returns false to stop.
  template <class AfterSide>
  ErrorSums run_epoch(const AfterSide& after_side) {
    kernels_.nmf_rows(user_.view(), model_.item_factors, shared(item_shared_), model_.user_factors, settings_);
    if (!after_side(0.5)) return {};
    share(model_.user_factors, user_shared_);
    kernels_.nmf_rows(item_.view(), model_.user_factors, shared(user_shared_), model_.item_factors, settings_);
    share(model_.item_factors, item_shared_);
    kernels_.list_errors(user_.view(), model_, settings_);
    ErrorSums errors = kernels_.take_errors();
    if (settings_.counts_zeros()) errors.loss += sum_over_all_cells();
    return errors;
  }

 private:
  using Buffer = typename K::template Buffer<float>;

  bool by_sums() const { return settings_.loss == NmfLoss::kl; }
  Position shared_size() const { return checked_product(by_sums() ? 1 : model_.rank(), model_.rank()); }

  Rows<float, Space> shared(Buffer& values) const {
    if (values.empty()) return {};
    return {values.data(), by_sums() ? 1 : Position{model_.rank()}, model_.rank(), model_.rank()};
  }

  /// What the rows of the other side have in common where all cells count.
  void share(const Rows<float, Space>& table, Buffer& values) {
    if (values.empty()) return;
    if (by_sums()) {
      kernels_.column_sums(table, {}, values.span());
    } else {
      kernels_.gram(table, shared(values));
    }
  }

  /// Of scores, or of their squares: sum over f of (sum of p_f) (sum of q_f), or over f, g of (P'P)_fg (Q'Q)_fg.
  double sum_over_all_cells() {
    HostBuffer<float> user(user_shared_.size()), item(item_shared_.size());
    kernels_.fetch(std::as_const(user_shared_).span(), user.span());
    kernels_.fetch(std::as_const(item_shared_).span(), item.span());
    double sum = 0;
    for (Position n = 0; n < user.size(); ++n) sum += static_cast<double>(user[n]) * static_cast<double>(item[n]);
    return sum;
  }

  K& kernels_;
  ModelView<float, Space> model_;
  NmfSettings settings_;
  SpaceLists<K> user_, item_;
  Buffer user_shared_, item_shared_;  // empty where only ratings count
};

}  // namespace wf
