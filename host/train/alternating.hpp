// Alternating least squares, explicit and implicit, once for all kernel sets: users by items, then items by users. Of
// several ranks each finds some users and some items, and then tells the others who need them: docs/scaling.md.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/schedule/row_sharing.hpp"
#include "host/train/engine.hpp"
#include "host/train/exact_errors.hpp"
#include "host/train/row_visits.hpp"
#include "host/train/space_lists.hpp"
#include "host/train/turned_rows.hpp"

#include <concepts>
#include <memory>
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

/// A kernel set that several ranks can work with: in memory of the host, and with sums over all rows that do not depend
/// on who has which.
template <class K>
concept SharesRows = KernelSet<K> && std::same_as<typename K::Space, Host> &&
    requires(K& kernels, Rows<const float, Host> rows, Ranks& ranks, Rows<float, Host> matrix, RowListsView<Host> lists,
             ModelView<const float, Host> model, SolveSettings settings, Span<ErrorSums, Host> errors) {
  kernels.gram(rows, rows.count, ranks, matrix);
  kernels.list_row_errors(lists, model, settings, errors);
};

template <KernelSet K>
class Alternating {
 public:
  using Space = typename K::Space;

  /// The lists are taken; `model`, which has the rows that are here, and what it views must outlive this.
  Alternating(K& kernels, const ModelView<float, Space>& model, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        settings_(solve_settings(config)),
        turned_(model.has_biases() ? TurnedSides{} : turned_sides(lists, config)),
        sharing_(lists.sharing ? lists.sharing : whole_tables(lists)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)) {
    settings_.mean = model.has_biases() ? model.global_mean : 0;
    if (!settings_.implicit) return;
    if (turned_.users) turned_users_.emplace(kernels, model.item_factors.count, model.rank());
    if (turned_.items) turned_items_.emplace(kernels, model.user_factors.count, model.rank());
    const Position size = checked_product(model.rank(), model.rank());
    user_gram_ = kernels.filled(size, 0.0F);
    item_gram_ = kernels.filled(size, 0.0F);
    find_gram(model_.item_factors, sharing_->items, item_gram_);
  }

  /// Users by the items as they are, then items by those users. `after_side(share done)` returns false to stop.
  template <class AfterSide>
  ErrorSums run_epoch(const AfterSide& after_side) {
    const SharedRows &users = sharing_->users, &items = sharing_->items;
    solve(user_.view(), config_.lambda_user, items.n_all(),
          {model_.item_factors, model_.item_biases, rows_of(model_.user_factors, users.own()),
           rows_of(model_.user_biases, users.own())},
          item_gram_, turned_users_);
    bring(users, model_.user_factors, model_.user_biases);
    if (!after_side(0.5)) return {};
    if (settings_.implicit) find_gram(model_.user_factors, users, user_gram_);
    solve(item_.view(), config_.lambda_item, users.n_all(),
          {model_.user_factors, model_.user_biases, rows_of(model_.item_factors, items.own()),
           rows_of(model_.item_biases, items.own())},
          user_gram_, turned_items_);
    bring(items, model_.item_factors, model_.item_biases);
    if (settings_.implicit) find_gram(model_.item_factors, items, item_gram_);
    const SolvedRows solved = kernels_.take_solved();
    solved_ = {sharing_->ranks.sum(solved.empty), sharing_->ranks.sum(solved.deficient)};
    ErrorSums errors = list_errors();
    if (settings_.implicit) errors.loss += settings_.unobserved * all_scores_squared();
    return errors;
  }

  /// Of the last epoch, of all ranks.
  const SolvedRows& solved() const { return solved_; }

  Position bytes_sent() const { return bytes_sent_; }  ///< of rows, by this rank, in epochs

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

  /// By `n_partners` of all ranks, of which those that the lists name are here.
  void solve(const RowListsView<Space>& lists, double lambda, Position n_partners, const SolveSides<Space>& sides,
             Buffer& gram, Turned& turned) {
    SolveSettings settings = settings_;
    settings.lambda = lambda;
    settings.n_partners = n_partners;
    if (turned && turned->solve(lists, sides, std::as_const(gram).span(), settings)) return;
    kernels_.solve_rows(lists, sides, settings.implicit ? square(gram) : Rows<float, Space>{}, settings);
  }

  void bring(const SharedRows& rows, const Rows<float, Space>& factors, const Rows<float, Space>& biases) {
    if constexpr (SharesRows<K>) {
      bytes_sent_ += rows.bring(sharing_->ranks, factors);
      if (!biases.empty()) bytes_sent_ += rows.bring(sharing_->ranks, biases);
    }
  }

  void find_gram(const Rows<float, Space>& table, const SharedRows& rows, Buffer& gram) {
    if constexpr (SharesRows<K>) {
      kernels_.gram(rows_of(table, rows.pieces()), rows.n_all(), sharing_->ranks, square(gram));
    } else {
      kernels_.gram(table, square(gram));
    }
  }

  /// Of all ranks.
  ErrorSums list_errors() {
    if constexpr (SharesRows<K>) {
      ModelView<float, Space> model = model_;
      model.user_factors = rows_of(model_.user_factors, sharing_->users.own());
      model.user_biases = rows_of(model_.user_biases, sharing_->users.own());
      row_errors_.resize(user_.view().rows());
      kernels_.list_row_errors(user_.view(), model, settings_, row_errors_.span());
      return exact_sum(std::as_const(row_errors_).span(), sharing_->ranks);
    } else {
      kernels_.list_errors(user_.view(), model_, settings_);
      return kernels_.take_errors();
    }
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
  std::shared_ptr<const RowSharing> sharing_;
  Turned turned_users_, turned_items_;
  SpaceLists<K> user_, item_;
  Buffer user_gram_, item_gram_;
  HostBuffer<ErrorSums> row_errors_;  // [own users]
  SolvedRows solved_;
  Position bytes_sent_ = 0;
};

}  // namespace wf
