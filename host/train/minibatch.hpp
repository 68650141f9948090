// Mini-batch training with PyTorch's semantics, once for all kernel sets: the gradients of a batch are taken at its
// start, duplicates of a row add up, then the optimizer steps once.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/schedule/batches.hpp"
#include "host/train/engine.hpp"
#include "host/train/penalties.hpp"

#include <utility>

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
  }
  settings.momentum = config.momentum;
  settings.weight_decay = config.weight_decay;
  settings.beta1 = config.beta1;
  settings.beta2 = config.beta2;
  settings.eps = config.eps;
  settings.dense = config.gradients == Gradients::dense;
  return settings;
}

template <KernelSet K>
class MiniBatch {
 public:
  using Space = typename K::Space;

  /// `ratings` (host) and `model`'s tables must outlive this.
  MiniBatch(K& kernels, const ModelView<float, Space>& model, const RatingsView<Host>& ratings,
            const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        rule_(rule_of(config)),
        penalties_(kernels, ratings, model.user_factors.count, model.item_factors.count, model.has_biases(), config),
        batches_(ratings, config.batch_size, config.shuffle, config.seed),
        user_(kernels, rule_, model.user_factors, config.user_padding),
        item_(kernels, rule_, model.item_factors, config.item_padding),
        user_bias_(kernels, rule_, model.user_biases, -1),
        item_bias_(kernels, rule_, model.item_biases, -1),
        slopes_(kernels.template filled<float>(std::min(config.batch_size, ratings.size()), 0)) {
    const Position longest = slopes_.size();
    user_.reserve(kernels, longest);
    item_.reserve(kernels, longest);
    user_bias_.reserve(kernels, longest);
    item_bias_.reserve(kernels, longest);
  }

  /// One pass over the ratings. `after_batch(batch, loss, ratings done)` returns false to stop.
  template <class AfterBatch>
  ErrorSums run_epoch(int epoch, double lr, const AfterBatch& after_batch) {
    rule_.lr = lr;
    ErrorSums sums;
    batches_.start_epoch(epoch);
    for (Position b = 0; b < batches_.count(); ++b) {
      const RatingsView<Space> batch = kernels_.stage(batches_.batch(b));
      const ErrorSums batch_sums = train_batch(batch);
      sums += batch_sums;
      const double loss = config_.reduction == Reduction::mean ? batch_sums.mean_loss() : batch_sums.loss;
      if (!after_batch(b, loss, sums.count)) break;
    }
    for (Table* table : {&user_, &item_, &user_bias_, &item_bias_}) {
      kernels_.catch_up_table(rule_, step_, table->rows, table->state);
    }
    return sums;
  }

 private:
  /// One parameter table with its optimizer state and the gradients of a batch's distinct rows.
  struct Table {
    Table(K& kernels, const RuleSettings& rule, const Rows<float, Space>& table, RowId padding)
        : rows(table), padding_row(padding) {
      const Position elements = checked_product(table.count, table.rank);
      const int states = table.empty() ? 0 : rule.state_count();
      if (states > 0) first = kernels.template filled<float>(elements, 0);
      if (states > 1) second = kernels.template filled<float>(elements, 0);
      if (states > 0) state.first = view_of(first, table.count);
      if (states > 1) state.second = view_of(second, table.count);
      if (rule.moves_without_gradient() && !table.empty()) {
        last_step = kernels.template filled<Position>(table.count, 0);
        state.last_step = last_step.span();
      }
    }
    void reserve(K& kernels, Position longest_batch) {
      if (rows.empty()) return;
      const Position distinct = std::min(rows.count, longest_batch);
      gradient_values = kernels.template filled<float>(checked_product(distinct, rows.rank), 0);
    }
    Rows<float, Space> gradients(Position distinct) { return view_of(gradient_values, distinct); }
    Rows<float, Space> view_of(typename K::template Buffer<float>& values, Position count) {
      return {values.data(), count, rows.rank, rows.rank};
    }

    Rows<float, Space> rows;
    RowId padding_row;
    OptimizerState<Space> state;
    typename K::template Buffer<float> first, second, gradient_values;
    typename K::template Buffer<Position> last_step;
  };

  ErrorSums train_batch(const RatingsView<Space>& batch) {
    const BatchGroups<Space> groups = kernels_.group_rows(batch, model_.user_factors.count, model_.item_factors.count);
    prepare(user_, groups.user);
    prepare(item_, groups.item);
    if (model_.has_biases()) {
      kernels_.catch_up_rows(rule_, step_, user_bias_.rows, groups.user.rows, user_bias_.state);
      kernels_.catch_up_rows(rule_, step_, item_bias_.rows, groups.item.rows, item_bias_.state);
    }

    const float scale = config_.reduction == Reduction::mean ? 1.0F / static_cast<float>(batch.size()) : 1.0F;
    const Span<float, Space> slopes = slopes_.span().part(0, batch.size());
    const ErrorSums sums = kernels_.loss_slopes(model_, batch, config_.loss, scale, slopes);

    // every gradient before any step: both sides use the rows from the batch's start
    const RowPenalties<Space> penalties = penalties_.view();
    const GradientOptions<Space> user_options{config_.scale_grad_by_freq, penalties.user, 2 * scale};
    const GradientOptions<Space> item_options{config_.scale_grad_by_freq, penalties.item, 2 * scale};
    const Rows<float, Space> user_gradients = user_.gradients(groups.user.rows.size);
    const Rows<float, Space> item_gradients = item_.gradients(groups.item.rows.size);
    kernels_.row_gradients(groups.user, slopes, batch.item, item_.rows, user_.rows, user_options, user_gradients);
    kernels_.row_gradients(groups.item, slopes, batch.user, user_.rows, item_.rows, item_options, item_gradients);
    ++step_;
    step(user_, groups.user, user_gradients);
    step(item_, groups.item, item_gradients);
    if (model_.has_biases()) {
      step_biases(user_bias_, groups.user, slopes, {false, penalties.user_bias, 2 * scale});
      step_biases(item_bias_, groups.item, slopes, {false, penalties.item_bias, 2 * scale});
    }
    return sums;
  }

  void prepare(Table& table, const RowGroups<Space>& groups) {
    kernels_.catch_up_rows(rule_, step_, table.rows, groups.rows, table.state);
    if (config_.norm_limit.active()) kernels_.renormalise_rows(table.rows, groups.rows, config_.norm_limit);
  }
  void step(Table& table, const RowGroups<Space>& groups, const Rows<float, Space>& gradients) {
    kernels_.optimizer_step(rule_, step_, table.rows, groups.rows, gradients, table.padding_row, table.state);
  }
  void step_biases(Table& table, const RowGroups<Space>& groups, Span<const float, Space> slopes,
                   const GradientOptions<Space>& options) {
    const Rows<float, Space> gradients = table.gradients(groups.rows.size);
    kernels_.bias_gradients(groups, slopes, table.rows, options, gradients);
    step(table, groups, gradients);
  }

  K& kernels_;
  ModelView<float, Space> model_;
  TrainConfig config_;
  RuleSettings rule_;
  Penalties<K> penalties_;
  Batches batches_;
  Table user_, item_, user_bias_, item_bias_;
  typename K::template Buffer<float> slopes_;  // [batch] scale * d loss / d score
  Position step_ = 0;
};

}  // namespace wf
