// Nonnegative matrix factorization, once for all kernel sets: users by items, then items by users.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/engine.hpp"
#include "host/train/space_lists.hpp"

#include <algorithm>
#include <limits>
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
        squares_(settings_.takes_products() ? sum_of_squares(lists.user) : 0),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)) {
    if (!settings_.counts_zeros()) return;
    user_shared_ = kernels.filled(shared_size(), 0.0F);
    item_shared_ = kernels.filled(shared_size(), 0.0F);
    share(model_.item_factors, item_shared_);
    if (!settings_.takes_products()) return;
    products_ = kernels.template room<float>(
        checked_product(std::max(model_.user_factors.count, model_.item_factors.count), model_.rank()));
  }

  /// Users by the items as they are, then items by those users. `after_side(share done)` returns false to stop.
  template <class AfterSide>
  ErrorSums run_epoch(const AfterSide& after_side) {
    update(user_.view(), model_.item_factors, item_shared_, model_.user_factors);
    if (!after_side(0.5)) return {};
    share(model_.user_factors, user_shared_);
    update(item_.view(), model_.user_factors, user_shared_, model_.item_factors);
    share(model_.item_factors, item_shared_);
    return settings_.counts_zeros() ? errors_of_cells() : errors_of_ratings();
  }

  /// Nothing beside the tables: what the items have in common follows from them, here as in the constructor.
  template <class Visit>
  void state(Visit&&) {}

 private:
  using Buffer = typename K::template Buffer<float>;

  void update(const RowListsView<Space>& lists, const Rows<float, Space>& partners, Buffer& partners_shared,
              const Rows<float, Space>& factors) {
    Rows<float, Space> products;
    if (settings_.takes_products()) {
      products = products_for(factors);
      kernels_.multiply_rows(lists, partners, {}, products);
    }
    kernels_.nmf_rows(lists, partners, shared(partners_shared), products, factors, settings_);
  }
  Rows<float, Space> products_for(const Rows<float, Space>& factors) {
    return {products_.data(), factors.count, model_.rank(), model_.rank()};
  }

  ErrorSums errors_of_ratings() {
    kernels_.list_errors(user_.view(), model_, settings_);
    return kernels_.take_errors();
  }
  /// The mean loss is then that of all cells. Products are of the items with the users as they are now:
  ///   |A - P Q'|^2 = |A|^2 - 2 <A' P, Q> + <P'P, Q'Q>
  ErrorSums errors_of_cells() {
    ErrorSums errors;
    if (settings_.takes_products()) {
      errors.loss = errors.squared = std::max(0.0, squares_ - 2 * inner_product() + sum_over_all_cells());
    } else {
      errors = errors_of_ratings();
      errors.loss += sum_over_all_cells();
      errors.squared = std::numeric_limits<double>::quiet_NaN();  // of the ratings alone
    }
    errors.absolute = std::numeric_limits<double>::quiet_NaN();
    errors.count = model_.user_factors.count * model_.item_factors.count;
    return errors;
  }
  double inner_product() {
    const Rows<float, Space> products = products_for(model_.item_factors);
    const Position size = checked_product(products.count, products.rank);
    Buffer sum = kernels_.template room<float>(1);
    kernels_.column_sums(Rows<const float, Space>{products.data, size, 1, 1},
                         Span<const float, Space>{model_.item_factors.data, size}, sum.span());
    HostBuffer<float> found(1);
    kernels_.fetch(std::as_const(sum).span(), found.span());
    return static_cast<double>(found[0]);
  }

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
  double squares_;
  SpaceLists<K> user_, item_;
  Buffer user_shared_, item_shared_;  // empty where only ratings count
  Buffer products_;                   // of the side at hand, where settings take them
};

}  // namespace wf
