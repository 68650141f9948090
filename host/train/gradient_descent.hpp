// Full gradient descent on the explicit objective, once for all kernel sets: each epoch is a step along the whole
// gradient, as long as Armijo's rule allows. Armijo: Minimization of functions having Lipschitz continuous first
// partial derivatives. Pacific J. Math. 16(1), 1966.
#pragma once
#include "host/train/alternating.hpp"

#include <algorithm>

namespace wf {

template <KernelSet K>
class GradientDescent {
 public:
  using Space = typename K::Space;

  /// The lists are taken; `model` and what it views must outlive this.
  GradientDescent(K& kernels, const ModelView<float, Space>& model, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        settings_(solve_settings(config)),
        user_rests_(kernels.filled(lists.size(), 0.0F)),
        item_rests_(kernels.filled(lists.size(), 0.0F)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)),
        ones_(kernels.filled(std::max(model.user_factors.count, model.item_factors.count), 1.0F)),
        gradient_(kernels, model),
        trial_(kernels, model) {
    settings_.mean = model.has_biases() ? model.global_mean : 0;
    now_ = point(model_);
  }

  /// One step. `after_side(share done)` returns false to stop before it.
  template <class AfterSide>
  ErrorSums run_epoch(const AfterSide& after_side) {
    const ModelView<float, Space> gradient = gradient_.view(model_), trial = trial_.view(model_);
    find_gradient(user_, user_rests_, RowSide::user, gradient.user_factors, gradient.user_biases);
    if (!after_side(0.25)) return {};
    find_gradient(item_, item_rests_, RowSide::item, gradient.item_factors, gradient.item_biases);
    if (!after_side(0.5)) return {};
    const double squares = squared_length(gradient);
    // the first one as if the objective could fall to 0: Polyak, Introduction to optimization, 1987, section 5.3
    double rate = rate_ > 0 ? 2 * rate_ : now_.objective / (4 * squares);
    for (int halving = 0; halving < kHalvings && squares > 0; ++halving, rate /= 2) {
      move(gradient, static_cast<float>(-rate), trial);
      const Point there = point(trial);
      // gradient_ is half the gradient: along it, the objective falls by 2 * rate * squares at first
      if (!(there.objective <= now_.objective - kLeastFall * 2 * rate * squares)) continue;
      move(gradient, static_cast<float>(-rate), model_);
      rate_ = rate;
      now_ = there;
      break;
    }
    return now_.errors;
  }

  template <class Visit>
  void state(Visit&& visit) {
    visit("step_length", rate_);
    visit("objective", now_.objective);
    visit("loss", now_.errors.loss);
    visit("squared_errors", now_.errors.squared);
    visit("absolute_errors", now_.errors.absolute);
    visit("counted_errors", now_.errors.count);
    visit("skipped_errors", now_.errors.skipped);
  }

 private:
  static constexpr int kHalvings = 40;        // where none helps, rounding has the last word: this is a minimum
  static constexpr double kLeastFall = 1e-4;  // of what the gradient promises: Nocedal, Wright, section 3.1

  struct Point {
    ErrorSums errors;
    double objective = 0;
  };

  /// Four tables like a model's.
  class Tables4 {
   public:
    Tables4(K& kernels, const ModelView<float, Space>& shape) {
      const auto like = [&](const Rows<float, Space>& rows) {
        return kernels.filled(checked_product(rows.count, rows.rank), 0.0F);
      };
      user_factors_ = like(shape.user_factors);
      item_factors_ = like(shape.item_factors);
      user_biases_ = like(shape.user_biases);
      item_biases_ = like(shape.item_biases);
    }
    ModelView<float, Space> view(const ModelView<float, Space>& shape) {
      const auto rows = [](auto& buffer, const Rows<float, Space>& like) {
        return Rows<float, Space>{buffer.data(), like.count, like.rank, like.rank};
      };
      return {rows(user_factors_, shape.user_factors), rows(item_factors_, shape.item_factors),
              rows(user_biases_, shape.user_biases), rows(item_biases_, shape.item_biases), shape.global_mean};
    }

   private:
    typename K::template Buffer<float> user_factors_, item_factors_, user_biases_, item_biases_;
  };

  using Buffer = typename K::template Buffer<float>;

  SolveSettings of_factors(RowSide side) const {
    SolveSettings settings = settings_;
    settings.lambda = side == RowSide::user ? config_.lambda_user : config_.lambda_item;
    settings.n_partners = side == RowSide::user ? model_.item_factors.count : model_.user_factors.count;
    return settings;
  }
  SolveSettings of_biases() const {
    SolveSettings settings = settings_;
    settings.lambda = settings_.lambda_bias;
    settings.scaling = RegScaling::none;
    return settings;
  }

  /// With what is left of the ratings for values: ridge * row - sum of rest * partner.
  void find_gradient(const SpaceLists<K>& lists, Buffer& rests, RowSide side, const Rows<float, Space>& factors,
                     const Rows<float, Space>& biases) {
    const bool of_users = side == RowSide::user;
    kernels_.list_rests(lists.view(), model_, side, rests.span());
    RowListsView<Space> values = lists.view();
    values.value = std::as_const(rests).span();
    const Rows<float, Space> partners = of_users ? model_.item_factors : model_.user_factors;
    kernels_.multiply_rows(values, partners, {}, factors);
    kernels_.penalise_rows(lists.view(), of_users ? model_.user_factors : model_.item_factors, of_factors(side),
                           factors);
    if (biases.empty()) return;
    kernels_.multiply_rows(values, Rows<const float, Space>{ones_.data(), partners.count, 1, 1}, {}, biases);
    kernels_.penalise_rows(lists.view(), of_users ? model_.user_biases : model_.item_biases, of_biases(), biases);
  }

  double penalties(const ModelView<float, Space>& model, const SolveSettings& users, const SolveSettings& items,
                   const SolveSettings& biases) {
    kernels_.row_penalties(user_.view(), model.user_factors, users);
    kernels_.row_penalties(item_.view(), model.item_factors, items);
    if (model.has_biases()) {
      kernels_.row_penalties(user_.view(), model.user_biases, biases);
      kernels_.row_penalties(item_.view(), model.item_biases, biases);
    }
    return kernels_.take_errors().loss;
  }
  double squared_length(const ModelView<float, Space>& model) {
    SolveSettings plain;
    plain.lambda = 1;
    plain.scaling = RegScaling::none;
    return penalties(model, plain, plain, plain);
  }

  Point point(const ModelView<float, Space>& model) {
    kernels_.list_errors(user_.view(), model, settings_);
    Point result{kernels_.take_errors(), 0};
    result.objective =
        result.errors.loss + penalties(model, of_factors(RowSide::user), of_factors(RowSide::item), of_biases());
    return result;
  }

  /// to = model + rate * along.
  void move(const ModelView<float, Space>& along, float rate, const ModelView<float, Space>& to) {
    kernels_.move_rows(model_.user_factors, along.user_factors, rate, to.user_factors);
    kernels_.move_rows(model_.item_factors, along.item_factors, rate, to.item_factors);
    if (!model_.has_biases()) return;
    kernels_.move_rows(model_.user_biases, along.user_biases, rate, to.user_biases);
    kernels_.move_rows(model_.item_biases, along.item_biases, rate, to.item_biases);
  }

  K& kernels_;
  ModelView<float, Space> model_;
  TrainConfig config_;
  SolveSettings settings_;
  Buffer user_rests_, item_rests_;
  SpaceLists<K> user_, item_;
  Buffer ones_;
  Tables4 gradient_, trial_;
  Point now_;
  double rate_ = 0;
};

}  // namespace wf
