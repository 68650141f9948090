// Mini-batch training with PyTorch's semantics, once for all kernel sets: the gradients of a batch are taken at its
// start, duplicates of a row add up, then the optimizer steps once.
#pragma once
#include "host/kernels/batch_step.hpp"
#include "host/kernels/contract.hpp"
#include "host/schedule/batches.hpp"
#include "host/train/engine.hpp"
#include "host/train/penalties.hpp"
#include "host/train/rule_of.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace wf {

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
        batches_(ratings, config.batch_size, config.shuffle, config.seed, config.threads),
        user_(kernels, rule_, model.user_factors, config.user_padding),
        item_(kernels, rule_, model.item_factors, config.item_padding),
        user_bias_(kernels, rule_, model.user_biases, -1),
        item_bias_(kernels, rule_, model.item_biases, -1),
        slopes_(kernels.template filled<float>(std::min(config.batch_size, ratings.size()), 0)) {
    const Position longest = slopes_.size();
    item_.reserve(kernels, longest);
    if (!StepsBatches<K>) user_.reserve(kernels, longest);  // else at the first batch that is taken apart
    user_bias_.reserve(kernels, longest);
    item_bias_.reserve(kernels, longest);
  }

  /// One pass over the ratings. `after_batch(ratings done)` returns false to stop. Waits for the device after a batch
  /// only where somebody watches its loss or its phases.
  template <class AfterBatch>
  ErrorSums run_epoch(int epoch, double lr, const TrainCallbacks& callbacks, const AfterBatch& after_batch) {
    rule_.lr = lr;
    phase_ = &callbacks.phase;
    ErrorSums sums;
    Position done = 0;
    batches_.start_epoch(epoch);
    for (Position b = 0; b < batches_.count(); ++b) {
      const RatingsView<Space> batch = kernels_.stage(batches_.batch(b));
      train_batch(batch, groups_of(b, batch));
      done += batch.size();
      if (callbacks.batch_loss) {
        const ErrorSums of_batch = kernels_.take_errors();
        sums += of_batch;
        callbacks.batch_loss(epoch, b, config_.reduction == Reduction::mean ? of_batch.mean_loss() : of_batch.loss);
      }
      if (!after_batch(done)) break;
    }
    sums += kernels_.take_errors();
    for (Table* table : {&user_, &item_, &user_bias_, &item_bias_}) {
      kernels_.catch_up_table(rule_, step_, table->rows, table->state);
    }
    return sums;
  }

  /// What the optimizer remembers. Batches of an epoch are drawn from (seed, epoch).
  template <class Visit>
  void state(Visit&& visit) {
    visit("step", step_);
    for (const auto& [name, table] : {std::pair{"user_factors", &user_}, std::pair{"item_factors", &item_},
                                      std::pair{"user_biases", &user_bias_}, std::pair{"item_biases", &item_bias_}}) {
      visit(std::string("optimizer.first.") + name, table->first);
      visit(std::string("optimizer.second.") + name, table->second);
      visit(std::string("optimizer.last_step.") + name, table->last_step);
    }
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
      if (rows.empty() || gradient_values.size() > 0) return;
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

  BatchGroups<Space> groups_of(Position b, const RatingsView<Space>& batch) {
    const Position n_users = model_.user_factors.count;
    const Position n_items = model_.item_factors.count;
    if constexpr (GroupsAhead<K>) {
      if (b == 0) kernels_.start_batches(n_users, n_items);
      return kernels_.group_batch(batch, batches_.batch(b + 1));
    } else {
      return kernels_.group_rows(batch, n_users, n_items);
    }
  }

  void train_batch(const RatingsView<Space>& batch, const BatchGroups<Space>& groups) {
    prepare(user_, groups.user);
    prepare(item_, groups.item);
    if (model_.has_biases()) {
      kernels_.catch_up_rows(rule_, step_, user_bias_.rows, groups.user.rows, user_bias_.state);
      kernels_.catch_up_rows(rule_, step_, item_bias_.rows, groups.item.rows, item_bias_.state);
    }

    const float scale = config_.reduction == Reduction::mean ? 1.0F / static_cast<float>(batch.size()) : 1.0F;
    const Span<float, Space> slopes = slopes_.span().part(0, batch.size());
    const RowPenalties<Space> penalties = penalties_.view();
    ++step_;
    const BatchStep<Space> factors{
        model_,
        batch,
        config_.loss,
        scale,
        slopes,
        rule_,
        step_,
        {groups.user, {config_.scale_grad_by_freq, penalties.user, 2 * scale}, user_.padding_row, user_.state},
        {groups.item, {config_.scale_grad_by_freq, penalties.item, 2 * scale}, item_.padding_row, item_.state},
        item_.gradients(groups.item.rows.size)};
    step_factors(factors);
    if (model_.has_biases()) {
      step_biases(user_bias_, groups.user, slopes, {false, penalties.user_bias, 2 * scale});
      step_biases(item_bias_, groups.item, slopes, {false, penalties.item_bias, 2 * scale});
    }
    if (*phase_) {
      show("user factors", user_.rows);
      show("item factors", item_.rows);
      show("user biases", user_bias_.rows);
      show("item biases", item_bias_.rows);
    }
  }

  /// In one op where the kernel set has it, unless somebody wants to see the gradients on the way.
  void step_factors(const BatchStep<Space>& s) {
    if constexpr (StepsBatches<K>) {
      if (!*phase_) return kernels_.step_batch(s);
    }
    kernels_.loss_slopes(model_, s.batch, s.loss, s.scale, s.slopes);
    // every gradient before any step: both sides use the rows from the batch's start
    user_.reserve(kernels_, slopes_.size());
    const Rows<float, Space> user_gradients = user_.gradients(s.user.groups.rows.size);
    const Rows<float, Space> item_gradients = s.item_rows;
    kernels_.row_gradients(s.user.groups, s.slopes, s.batch.item, item_.rows, user_.rows, s.user.options,
                           user_gradients);
    kernels_.row_gradients(s.item.groups, s.slopes, s.batch.user, user_.rows, item_.rows, s.item.options,
                           item_gradients);
    if (*phase_) {
      show("slopes", {s.slopes.data, s.slopes.size, 1, 1});
      show_gradients("user gradients", s.user.groups.rows, user_gradients);
      show_gradients("item gradients", s.item.groups.rows, item_gradients);
    }
    step(user_, s.user.groups, user_gradients);
    step(item_, s.item.groups, item_gradients);
  }

  HostBuffer<float> fetched(const Rows<const float, Space>& values) {
    HostBuffer<float> copy(checked_product(values.count, values.rank));
    if (!copy.empty()) kernels_.fetch(Span<const float, Space>{values.data, copy.size()}, copy.span());
    return copy;
  }
  void show(const char* phase, const Rows<const float, Space>& values) {
    if (values.empty()) return;
    const HostBuffer<float> copy = fetched(values);
    (*phase_)({step_, phase, {}, {copy.data(), values.count, values.rank, values.rank}});
  }
  /// In ascending order of rows: engines group a batch in orders of their own.
  void show_gradients(const char* phase, Span<const RowId, Space> rows, const Rows<const float, Space>& gradients) {
    HostBuffer<RowId> names(rows.size);
    kernels_.fetch(rows, names.span());
    const HostBuffer<float> values = fetched(gradients);
    HostBuffer<Position> order;
    for (Position g = 0; g < rows.size; ++g) {
      if (names[g] != kNoRow) order.push_back(g);
    }
    std::sort(order.begin(), order.end(), [&](Position a, Position b) { return names[a] < names[b]; });
    HostBuffer<RowId> sorted_rows;
    HostBuffer<float> sorted;
    for (const Position g : order) {
      sorted_rows.push_back(names[g]);
      for (int f = 0; f < gradients.rank; ++f) sorted.push_back(values[g * gradients.rank + f]);
    }
    (*phase_)({step_, phase, sorted_rows.span(), {sorted.data(), order.size(), gradients.rank, gradients.rank}});
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
  const std::function<void(const PhaseValues&)>* phase_ = nullptr;  // of the epoch that runs
};

}  // namespace wf
