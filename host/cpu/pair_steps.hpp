// The body of BatchLoops::pair_steps: item by item, each rating is scored and used while both rows are in registers or
// in the first cache.
#pragma once
#include "host/cpu/batch_rows.hpp"
#include "host/kernels/losses.hpp"

#include <algorithm>

namespace wf {

/// `kPlain`: the loss is mse, rows are stepped by SGD that keeps nothing and knows no weight decay; then a step stays
/// in registers.
template <class Vector, int kRank, bool kPlain>
class PairSteps {
  using Sum = lanes::RowSum<Vector, kRank>;
  static constexpr int kFloats = lanes::kLanes<Vector>;
  static constexpr Position kAhead = 16;  // ratings and groups: 200 ns or more before rows are needed
  static_assert(!kPlain || kRank > 0);

 public:
  WF_INLINE explicit PairSteps(const PairTask& task)
      : task_(task),
        rank_(kRank > 0 ? kRank : task.item_step.table.rank),
        groups_(task.item.groups),
        users_(task.user_step.table),
        items_(task.item_step.table),
        scalars_(scalars_of(task)),
        group_of_user_(task.users.group_of_row.empty() ? task.users.group_of.data : task.users.group_of_row.data),
        by_row_(!task.users.group_of_row.empty()),
        steps_users_(2 * task.users.starts[task.users.repeated] < groups_.members.size) {}

  WF_INLINE ErrorSums run(Position begin, Position end) {
    const Position first = groups_.starts[begin];
    for (Position k = first; k < std::min(first + kAhead, groups_.members.size); ++k) prefetch_user(k);
    for (Position g = begin; g < std::min(begin + kAhead, end); ++g) prefetch_item(g);
    const Position repeated = std::clamp<Position>(groups_.repeated, begin, end);
    for (Position g = begin; g < repeated; ++g) {
      prefetch_item(g + kAhead);
      step_group(g);
    }
    for (Position g = repeated; g < end; ++g) {
      prefetch_item(g + kAhead);
      if (!kPlain || !step_pair(g)) step_group(g);
    }
    return sums_;
  }

 private:
  /// Both sides' are the same. `kPlain` is known to have no weight decay: so that the compiler knows, too.
  WF_INLINE static StepScalars scalars_of(const PairTask& task) {
    StepScalars scalars = task.item_step.scalars;
    if (kPlain) scalars.weight_decay = 0;
    return scalars;
  }
  WF_INLINE static float* row_of(const Rows<float, Host>& table, RowId row) {
    return kPlain ? table.data + Position{row} * kRank : table.row(row);
  }
  /// And what slope_of will write, at random.
  WF_INLINE void prefetch_user(Position k) const {
    if (k >= groups_.members.size) return;
    const RowId user = groups_.ratings[k].partner;
    if (steps_users_) {
      prefetch_row<kRank, 1>(row_of(users_, user), rank_);
    } else {
      prefetch_row<kRank>(row_of(users_, user), rank_);
    }
    if (task_.scores.model.has_biases()) {
      __builtin_prefetch(task_.scores.model.user_biases.row(user));
      __builtin_prefetch(task_.scores.slopes.data + groups_.members[k], 1);
    }
    __builtin_prefetch(task_.scores.user_slopes.data + groups_.members[k], 1);
  }
  WF_INLINE void prefetch_item(Position g) const {
    if (g < groups_.rows.size) prefetch_row<kRank, 1>(row_of(items_, groups_.rows[g]), rank_);
  }
  WF_INLINE bool is_repeated(Position k, RowId user) const {
    return group_of_user_[by_row_ ? user : groups_.members[k]] < task_.users.repeated;
  }
  WF_INLINE static float decay_of(const GradientOptions<Host>& options, RowId row, float count) {
    return count * options.penalty_scale * penalty_of(options.penalties, row);
  }

  WF_INLINE float slope_of(Position k, Position g, RowId user, const float* p, const float* q) {
    const ScoreTask& scores = task_.scores;
    const float predicted = with_biases(scores.model, lanes::dot_of<kRank>(p, q, rank_), user, groups_.rows[g]);
    const float rating = groups_.ratings[k].value;
    const Loss loss = kPlain ? Loss::mse : scores.loss;
    add_error(loss, sums_, static_cast<double>(predicted), static_cast<double>(rating));
    const float slope = scores.scale * loss_slope(loss, predicted, rating);
    scores.user_slopes[groups_.members[k]] = {slope, static_cast<RowId>(g)};
    if (scores.model.has_biases()) scores.slopes[groups_.members[k]] = slope;
    return slope;
  }

  /// An item and a user that the batch has once. False: they are something else, and nothing was done.
  WF_INLINE bool step_pair(Position g) {
    const Position k = groups_.starts[g];
    const RowId user = groups_.ratings[k].partner;
    const RowId item = groups_.rows[g];
    if (is_repeated(k, user) || user == task_.user_step.skip || item == task_.item_step.skip) return false;
    prefetch_user(k + kAhead);
    float* p = row_of(users_, user);
    float* q = row_of(items_, item);
    const float slope = slope_of(k, g, user, p, q);
    const float user_decay = decay_of(task_.user_options, user, 1);
    const float item_decay = decay_of(task_.item.options, item, 1);
    const auto step_parts = [&](auto decays) WF_INLINE_LAMBDA {
#pragma GCC unroll 16
      for (int f = 0; f < kRank; f += kFloats) {
        const auto old_p = lanes::load<Vector>(p + f);
        const auto old_q = lanes::load<Vector>(q + f);
        lanes::store(stepped<decays()>(old_p, slope * old_q, user_decay), p + f);
        lanes::store(stepped<decays()>(old_q, slope * old_p, item_decay), q + f);
      }
    };
    if (user_decay != 0 || item_decay != 0) {
      step_parts(std::true_type{});
    } else {
      step_parts(std::false_type{});
    }
    return true;
  }

  /// Any item. The sum of its gradients is that of sum_group; users' rows are read before they are stepped.
  WF_INLINE void step_group(Position g) {
    const RowId item = groups_.rows[g];
    float* q = row_of(items_, item);
    RowId n_once = 0;
    bool keep = false;
    const auto use = [&](Position k, const auto& add) WF_INLINE_LAMBDA {
      prefetch_user(k + kAhead);
      const RowId user = groups_.ratings[k].partner;
      float* p = row_of(users_, user);
      const float slope = slope_of(k, g, user, p, q);
      add(slope, p);
      once_[n_once] = static_cast<RowId>(k);
      n_once += is_repeated(k, user) ? 0 : 1;
    };
    const Position last = groups_.starts[g + 1];
    const auto sum_chunk = [&](Position from, Sum& sum) WF_INLINE_LAMBDA {
      use(from, [&](float slope, const float* p) WF_INLINE_LAMBDA { sum.set_scaled(slope, p); });
      const Position end = std::min(last, from + kSumChunk);
      for (Position k = from + 1; k < end; ++k) {
        use(k, [&](float slope, const float* p) WF_INLINE_LAMBDA { sum.add_scaled(slope, p); });
      }
      keep |= n_once < end - from;
      for (; n_once > 0; --n_once) step_user(once_[n_once - 1], q);
    };
    const Position first = groups_.starts[g];
    Sum sum(gradient_, rank_);
    sum_chunk(first, sum);
    for (Position from = first + kSumChunk; from < last; from += kSumChunk) {
      Sum chunk(chunk_, rank_);
      sum_chunk(from, chunk);
      sum.add(chunk);
    }
    const auto count = static_cast<float>(last - first);
    if (task_.item.options.scale_grad_by_freq) sum.divide(count);
    const float decay = decay_of(task_.item.options, item, count);
    if (decay != 0) sum.add_scaled(decay, q);
    sum.store();
    if (keep) std::copy_n(q, rank_, task_.kept.row(g));
    step_by(task_.item_step, item, q, gradient_);
  }

  WF_INLINE void step_user(RowId k, const float* q) {
    const RowId user = groups_.ratings[k].partner;
    const float slope = task_.scores.user_slopes[groups_.members[k]].slope;
    float* const p = row_of(users_, user);
    const float decay = decay_of(task_.user_options, user, 1);
    Sum sum(user_gradient_, rank_);
    sum.set_scaled(slope, q);
    if (decay != 0) sum.add_scaled(decay, p);
    sum.store();
    step_by(task_.user_step, user, p, user_gradient_);
  }

  WF_INLINE void step_by(const StepTask& step, RowId row, float* weights, const float* gradient) {
    if constexpr (kPlain) {
      if (row == step.skip) return;
#pragma GCC unroll 16
      for (int f = 0; f < kRank; f += kFloats) {
        const auto part = lanes::load<Vector>(gradient + f);
        lanes::store(stepped<false>(lanes::load<Vector>(weights + f), part, 0), weights + f);
      }
    } else {
      with_rule(step.rule, [&](auto rule) WF_INLINE_LAMBDA { step_table_row<rule()>(step, row, gradient); });
    }
  }

  template <bool kDecays>
  WF_INLINE Vector stepped(Vector weight, Vector gradient, float decay) const {
    if (kDecays) gradient += decay * weight;
    Vector none{};
    optimizer_rule<Rule::sgd>(scalars_, weight, gradient, none, none);
    return weight;
  }

  const PairTask& task_;
  const int rank_;
  const RowGroups<Host> groups_;
  const Rows<float, Host> users_, items_;
  const StepScalars scalars_;
  const RowId* const group_of_user_;  // by user or, in a batch that is short for its table, by member
  const bool by_row_;
  const bool steps_users_;  // most ratings' users are stepped here: the others' rows are better shared by all caches
  ErrorSums sums_;
  // of a chunk: places of members whose users are stepped when it is summed, off the registers' path
  RowId once_[kSumChunk];
  static constexpr int kLongest = kRank > 0 ? kRank : kMaxRank;
  alignas(64) float gradient_[kLongest], user_gradient_[kLongest], chunk_[kLongest];
};

template <class Vector>
WF_INLINE ErrorSums pair_steps_body(const PairTask& task, Position begin, Position end) {
  const auto is_plain = [](const StepTask& step) WF_INLINE_LAMBDA {
    return step.rule == Rule::sgd && step.scalars.weight_decay == 0 && step.state.last_step.empty() &&
           step.table.pitch == step.table.rank;
  };
  const bool plain = task.scores.loss == Loss::mse && is_plain(task.item_step) && is_plain(task.user_step);
  return with_rank(plain ? task.item_step.table.rank : 0, [&](auto rank) WF_INLINE_LAMBDA {
    return PairSteps<Vector, rank(), (rank() > 0)>(task).run(begin, end);
  });
}

}  // namespace wf
