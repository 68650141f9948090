// Alternating least squares, explicit and implicit, once for all kernel sets: users by items, then items by users.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/train/engine.hpp"
#include "host/train/space_lists.hpp"
#include "host/train/turned_rows.hpp"

#include <optional>
#include <utility>

namespace wf {

inline SolveSettings solve_settings(const TrainConfig& config) {
  SolveSettings settings;
  settings.implicit = config.algorithm == Algorithm::ials;
  settings.convention = config.convention;
  settings.alpha = config.alpha;
  settings.unobserved = settings.implicit ? config.unobserved_weight : 0;
  settings.scaling = config.reg_scaling;
  settings.nu = config.nu;
  settings.lambda_bias = config.lambda_bias;
  settings.solver = config.solver;
  settings.cg_steps = config.cg_steps;
  settings.block = config.block;
  settings.precision = config.als_precision;
  return settings;
}

template <KernelSet K>
class Alternating {
 public:
  using Space = typename K::Space;

  /// The lists are taken; `model` and what it views must outlive this.
  Alternating(K& kernels, const ModelView<float, Space>& model, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        settings_(solve_settings(config)),
        turned_(model.has_biases() ? TurnedSides{} : turned_sides(lists, config)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)) {
    settings_.mean = model.has_biases() ? model.global_mean : 0;
    if (!settings_.implicit) return;
    if (turned_.users) turned_users_.emplace(kernels, model.item_factors.count, model.rank());
    if (turned_.items) turned_items_.emplace(kernels, model.user_factors.count, model.rank());
    const Position size = checked_product(model.rank(), model.rank());
    user_gram_ = kernels.filled(size, 0.0F);
    item_gram_ = kernels.filled(size, 0.0F);
    kernels_.gram(model_.item_factors, square(item_gram_));
  }

  /// Users by the items as they are, then items by those users. `after_side(share done)` returns false to stop.
  template <class AfterSide>
  ErrorSums run_epoch(const AfterSide& after_side) {
    solve(user_.view(), config_.lambda_user,
          {model_.item_factors, model_.item_biases, model_.user_factors, model_.user_biases}, item_gram_,
          turned_users_);
    if (!after_side(0.5)) return {};
    if (settings_.implicit) kernels_.gram(model_.user_factors, square(user_gram_));
    solve(item_.view(), config_.lambda_item,
          {model_.user_factors, model_.user_biases, model_.item_factors, model_.item_biases}, user_gram_,
          turned_items_);
    if (settings_.implicit) kernels_.gram(model_.item_factors, square(item_gram_));
    solved_ = kernels_.take_solved();
    kernels_.list_errors(user_.view(), model_, settings_);
    ErrorSums errors = kernels_.take_errors();
    if (settings_.implicit) errors.loss += settings_.unobserved * all_scores_squared();
    return errors;
  }

  /// Of the last epoch.
  const SolvedRows& solved() const { return solved_; }

  /// The Gram matrices follow from the tables, here as in the constructor.
  template <class Visit>
  void state(Visit&& visit) {
    visit("empty_rows", solved_.empty);
    visit("deficient_rows", solved_.deficient);
  }

 private:
  using Buffer = typename K::template Buffer<float>;
  using Turned = std::optional<TurnedRows<K>>;

  Rows<float, Space> square(Buffer& values) const {
    return {values.data(), model_.rank(), model_.rank(), model_.rank()};
  }

  void solve(const RowListsView<Space>& lists, double lambda, const SolveSides<Space>& sides, Buffer& gram,
             Turned& turned) {
    SolveSettings settings = settings_;
    settings.lambda = lambda;
    settings.n_partners = sides.partner_factors.count;
    if (turned && turned->solve(lists, sides, std::as_const(gram).span(), settings)) return;
    kernels_.solve_rows(lists, sides, settings.implicit ? square(gram) : Rows<float, Space>{}, settings);
  }

  /// sum over all users and items of <p, q>^2 = sum over f, g of (P'P)_fg (Q'Q)_fg.
  double all_scores_squared() {
    HostBuffer<float> user(user_gram_.size()), item(item_gram_.size());
    kernels_.fetch(std::as_const(user_gram_).span(), user.span());
    kernels_.fetch(std::as_const(item_gram_).span(), item.span());
    double sum = 0;
    for (Position n = 0; n < user.size(); ++n) sum += static_cast<double>(user[n]) * static_cast<double>(item[n]);
    return sum;
  }

  K& kernels_;
  ModelView<float, Space> model_;
  TrainConfig config_;
  SolveSettings settings_;
  TurnedSides turned_;
  Turned turned_users_, turned_items_;
  SpaceLists<K> user_, item_;
  Buffer user_gram_, item_gram_;
  SolvedRows solved_;
};

}  // namespace wf
