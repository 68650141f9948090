// The inner loop of per-rating SGD on the cpu: the ratings of one block, in order.
//
// Ratings that follow each other and share no row are stepped four at a time. The step of one is a chain of dependent
// operations (dot product, sum over lanes, rule, update) some 100 cycles long, and the next rating of a row has to wait
// for it; four in one go share the sums over lanes, the square roots and the divisions, and overlap. Results are those
// of one after the other, bit for bit. The schedule orders ratings so that fours are the rule (host/schedule); where
// ratings of a popular item follow each other, three or two go together.
#pragma once
#include "host/cpu/lanes.hpp"
#include "host/kernels/losses.hpp"
#include "host/kernels/op_types.hpp"

#include <algorithm>

namespace wf {

struct SgdTask {
  ModelView<float, Host> model;
  RatingsView<Host> ratings;
  Block block;
  SgdSettings settings;
  RowPenalties<Host> penalties;
  RowStates<Host> states;
};

/// f(0) .. f(kCount - 1), unrolled.
template <int kCount, class F>
WF_INLINE void repeat(const F& f) {
#pragma GCC unroll 16
  for (int n = 0; n < kCount; ++n) f(n);
}

inline constexpr int kAnyRank = 0;        ///< kVectors: any rank and any loss
inline constexpr int kWholeVectors = -1;  ///< kVectors: a rank that is a multiple of 8, rows side by side, squared loss

/// The variants that are worth code of their own. `kVectors` > 0: as kWholeVectors, and the rank is 8 * kVectors.
template <int kVectors, bool kAdagrad, bool kProjects, class MultiplyAdd>
class SgdBlock {
  using Four = lanes::Four;
  using Eight = lanes::Eight;
  using FourInts = lanes::FourInts;
  static constexpr int kGroup = kGroupRatings;
  static_assert(kGroup == 4);  // halves of a vector
  static constexpr MultiplyAdd kMultiplyAdd{};
  static constexpr bool kFused = std::is_base_of_v<FusedMultiplyAdd, MultiplyAdd>;
  static constexpr bool kFixed = kVectors > 0;
  static constexpr bool kWhole = kVectors != kAnyRank;
  static constexpr bool kSplits = kWhole && kAdagrad;  // into threes and twos; elsewhere not worth the time to compile
  static constexpr int kPrefetched = 256;              // floats of a row; hardware follows long ones

 public:
  WF_INLINE explicit SgdBlock(const SgdTask& task)
      : task_(task),
        rank_(kFixed ? 8 * kVectors : task.model.rank()),
        lr_(lanes::all(task.settings.lr)),
        lambda_(lanes::halves(task.settings.lambda_user, task.settings.lambda_item)),
        penalties_by_row_(!task.penalties.user.empty() || !task.penalties.item.empty()) {}

  WF_INLINE ErrorSums run() {
    for (Position n = task_.block.begin; n < task_.block.end;) {
      const int count = apart(n);
      if (count == 4) step<4>(n);
      if constexpr (kSplits) {
        if (count == 3) step<3>(n);
        if (count == 2) step<2>(n);
      }
      if (count == 1) step<1>(n);
      n += count;
    }
    for (int lane = 0; lane < kGroup; ++lane) {  // of the squared loss; zeros with another
      sums_.squared += squared_[lane];
      sums_.loss += squared_[lane];
      sums_.absolute += absolute_[lane];
    }
    sums_.count = task_.block.end - task_.block.begin;
    return sums_;
  }

 private:
  /// How many ratings from n on are stepped together: up to four that share no row.
  WF_INLINE int apart(Position n) const {
    if (n + kGroup > task_.block.end) return 1;
    const auto user = lanes::load<FourInts>(task_.ratings.user.data + n);
    const auto item = lanes::load<FourInts>(task_.ratings.item.data + n);
    const FourInts next = equal<1, 2, 3, 0>(user) | equal<1, 2, 3, 0>(item);
    const FourInts across = equal<2, 3, 0, 1>(user) | equal<2, 3, 0, 1>(item);
    if (lanes::none(next | across)) return 4;
    if (!kSplits || next[0] != 0) return 1;
    return (next[1] | across[0]) != 0 ? 2 : 3;
  }
  /// Which rows are the same as those at these places?
  template <int... kPlace>
  WF_INLINE static FourInts equal(const FourInts& row) {
    return row == __builtin_shufflevector(row, row, kPlace...);
  }

  /// The rows of up to four ratings.
  struct Group {
    RowId user[kGroup], item[kGroup];
  };
  /// Rows of whole vectors lie side by side.
  WF_INLINE static float* row_of(const Rows<float, Host>& table, RowId row) {
    if (kFixed) return table.data + Position{row} * 8 * kVectors;
    return kWhole ? table.data + Position{row} * table.rank : table.row(row);
  }

  /// Ratings n .. n + kCount - 1, which share no row. Vectors hold the users in their lower half and the items in the
  /// upper one; lanes beyond kCount hold nothing of interest.
  template <int kCount>
  WF_INLINE void step(Position n) {
    Group group;
    float* p[kGroup];
    float* q[kGroup];
    for (int j = 0; j < kCount; ++j) {
      group.user[j] = task_.ratings.user[n + j];
      group.item[j] = task_.ratings.item[n + j];
      p[j] = row_of(task_.model.user_factors, group.user[j]);
      q[j] = row_of(task_.model.item_factors, group.item[j]);
    }
    const Eight lambda = penalties_by_row_ ? lambda_ + penalties<kCount>(group) : lambda_;
    Eight slow[kGroup] = {}, total[kGroup] = {};
    multiply_rows<kCount>(p, q, slow, total);
    Four score{}, slow_product{};
    if constexpr (kAdagrad) {
      const Eight products = lanes::lane_sums(slow, total);
      slow_product = lanes::low_half(products);
      score = lanes::high_half(products);
    } else {
      score = lanes::lane_sums(total);
    }
    prefetch_items(n + kCount);
    const Four product = score;
    Eight biases{};
    if (task_.model.has_biases()) {
      biases = bias_values<kCount>(group);
      score = score + lanes::low_half(biases) + lanes::high_half(biases) + task_.model.global_mean;
    }
    const Four error4 = errors<kCount>(n, score);
    const Eight error = lanes::joined(error4, error4);

    Step<Eight> first{}, rest{};
    if constexpr (kAdagrad) {
      adagrad_steps<kCount>(group, error, lambda, slow_product, product, first, rest);
    } else {
      first = rest = sgd_rule<Eight>(error, lr_, lambda);
    }
    if (task_.model.has_biases()) update_biases<kCount>(group, error, first.rate, biases);
    const StepLanes slow_step(first), fast_step(rest);
    if constexpr (kWhole) {
      repeat<kCount>([&](int j) WF_INLINE_LAMBDA { update_rows(p[j], q[j], slow_step, fast_step, j); });
    } else {
#pragma GCC unroll 1
      for (int j = 0; j < kCount; ++j) update_rows(p[j], q[j], slow_step, fast_step, j);
    }
    if (kAdagrad && kProjects) measure_rows<kCount>(group, p, q);
  }

  /// Products of the elements of two rows, added in lanes: of the first eight, and of all.
  template <int kCount>
  WF_INLINE void multiply_rows(float* const (&p)[kGroup], float* const (&q)[kGroup], Eight (&slow)[kGroup],
                               Eight (&total)[kGroup]) const {
    const auto add = [&](int v, int j) WF_INLINE_LAMBDA {
      total[j] = kMultiplyAdd(lanes::load<Eight>(p[j] + 8 * v), lanes::load<Eight>(q[j] + 8 * v), total[j]);
    };
    const auto begin = [&](int j) WF_INLINE_LAMBDA {
      slow[j] = total[j] = lanes::load<Eight>(p[j]) * lanes::load<Eight>(q[j]);
    };
    if constexpr (kFixed) {
      repeat<kCount>([&](int j) WF_INLINE_LAMBDA {
        begin(j);
        repeat<kVectors - 1>([&](int v) WF_INLINE_LAMBDA { add(v + 1, j); });
      });
    } else if constexpr (kWhole) {
      repeat<kCount>(begin);
      const int vectors = rank_ / 8;
      for (int v = 1; v < vectors; ++v) repeat<kCount>([&](int j) WF_INLINE_LAMBDA { add(v, j); });
    } else {
      const int whole = rank_ / 8;
      const int rest = rank_ % 8;
      for (int v = 0; v < whole; ++v) {
        repeat<kCount>([&](int j) WF_INLINE_LAMBDA { add(v, j); });
        if (v == 0) repeat<kCount>([&](int j) WF_INLINE_LAMBDA { slow[j] = total[j]; });
      }
      if (rest == 0) return;
      for (int j = 0; j < kCount; ++j) {
        total[j] =
            kMultiplyAdd(lanes::load_part(p[j] + 8 * whole, rest), lanes::load_part(q[j] + 8 * whole, rest), total[j]);
        if (whole == 0) slow[j] = total[j];
      }
    }
  }

  /// Asks for the item rows of the next four ratings, which lie in the second level of cache: a step is longer than
  /// what a processor looks ahead.
  WF_INLINE void prefetch_items(Position n) const {
    if constexpr (kWhole) {
      if (n + kGroup > task_.block.end) return;
      repeat<kGroup>([&](int j) WF_INLINE_LAMBDA {
        const float* row = row_of(task_.model.item_factors, task_.ratings.item[n + j]);
        if constexpr (kFixed) {
          repeat<kVectors / 2>([&](int line) WF_INLINE_LAMBDA { __builtin_prefetch(row + 16 * line); });
        } else {
          const int end = std::min(rank_, kPrefetched);
          for (int f = 0; f < end; f += 16) __builtin_prefetch(row + f);
        }
      });
    }
  }

  template <int kCount>
  WF_INLINE Eight penalties(const Group& group) const {
    Eight result{};
    for (int j = 0; j < kCount; ++j) {
      result[j] = penalty_of(task_.penalties.user, group.user[j]);
      result[kGroup + j] = penalty_of(task_.penalties.item, group.item[j]);
    }
    return result;
  }

  /// -loss' / 2, and the sums of the errors.
  template <int kCount>
  WF_INLINE Four errors(Position n, const Four& score) {
    Four error{};
    if (!kWhole && task_.settings.loss != Loss::mse) {
      for (int j = 0; j < kCount; ++j) {
        const float value = task_.ratings.value[n + j];
        error[j] = -loss_slope(task_.settings.loss, score[j], value) / 2;
        add_error(task_.settings.loss, sums_, score[j], value);
      }
      return error;
    }
    if constexpr (kCount == kGroup) {
      error = lanes::load<Four>(task_.ratings.value.data + n) - score;
    } else {
      for (int j = 0; j < kCount; ++j) error[j] = task_.ratings.value[n + j] - score[j];
    }
    const auto wide = lanes::widened(error);
    squared_ += wide * wide;
    absolute_ += lanes::absolute(wide);
    return error;
  }

  template <int kCount>
  WF_INLINE void adagrad_steps(const Group& group, const Eight& error, const Eight& lambda, const Four& slow_product,
                               const Four& product, Step<Eight>& first, Step<Eight>& rest) const {
    Eight state[kAdagradColumns] = {};
    float* user[kGroup];
    float* item[kGroup];
    for (int j = 0; j < kCount; ++j) {
      user[j] = state_of(task_.states.user, group.user[j]);
      item[j] = state_of(task_.states.item, group.item[j]);
      state[j] = lanes::joined(lanes::load<Four>(user[j]), lanes::load<Four>(item[j]));
    }
    for (int j = kCount; j < kGroup; ++j) state[j] = lanes::all(1);  // no division by zero in lanes of no interest
    lanes::transpose_halves(state);
    const Eight slow8 = lanes::joined(slow_product, slow_product);
    const Eight slow_partner = lanes::swapped_halves(state[kSlowLength]);
    first = row_adagrad_rule<Eight>(error, lr_, lambda, task_.settings.slow_share, slow8, slow_partner, state[kSlowSum],
                                    state[kSlowLength]);
    if (!task_.settings.slow_only) {
      const Eight fast_partner = lanes::swapped_halves(state[kFastLength]);
      rest = row_adagrad_rule<Eight>(error, lr_, lambda, task_.settings.fast_share,
                                     lanes::joined(product, product) - slow8, fast_partner, state[kFastSum],
                                     state[kFastLength]);
    }
    lanes::transpose_halves(state);
    for (int j = 0; j < kCount; ++j) {
      lanes::store(lanes::low_half(state[j]), user[j]);
      lanes::store(lanes::high_half(state[j]), item[j]);
    }
  }
  WF_INLINE static float* state_of(const Rows<float, Host>& states, RowId row) {
    return states.data + Position{row} * kAdagradColumns;
  }

  /// In memory: a scalar for all lanes then costs a load, no shuffle.
  struct StepLanes {
    WF_INLINE explicit StepLanes(const Step<Eight>& step) {
      lanes::store(step.keep, keep);
      lanes::store(step.take, take);
      if (kProjects) lanes::store(step.rate, rate);
      lanes::keep_in_memory(*this);
    }
    float keep[2 * kGroup], take[2 * kGroup], rate[2 * kGroup];
  };
  struct PairStep {
    Step<float> user, item;
  };
  WF_INLINE static PairStep lane_of(const StepLanes& step, int j) {
    const auto of = [&](int lane) WF_INLINE_LAMBDA {
      return Step<float>{step.keep[lane], step.take[lane], kProjects ? step.rate[lane] : 0.0F};
    };
    return {of(j), of(kGroup + j)};
  }

  WF_INLINE void update_rows(float* __restrict p, float* __restrict q, const StepLanes& slow, const StepLanes& fast,
                             int j) const {
    const int whole = rank_ / 8;
    const int tail = kWhole ? 0 : rank_ % 8;
    const PairStep first = lane_of(slow, j);
    if (kWhole || whole > 0) update(p, q, first);
    if (kAdagrad && task_.settings.slow_only) {
      if (tail > 0 && whole == 0) update_part(p, q, tail, first);
      return;
    }
    const PairStep rest = lane_of(fast, j);
    if constexpr (kFixed) {
      repeat<kVectors - 1>([&](int v) WF_INLINE_LAMBDA { update(p + 8 * (v + 1), q + 8 * (v + 1), rest); });
    } else {
      for (int v = 1; v < whole; ++v) update(p + 8 * v, q + 8 * v, rest);
    }
    if (tail > 0) update_part(p + 8 * whole, q + 8 * whole, tail, whole == 0 ? first : rest);
  }
  WF_INLINE void update(float* p, float* q, const PairStep& step) const {
    auto own = lanes::load<Eight>(p);
    auto other = lanes::load<Eight>(q);
    if constexpr (kFused) {  // then the code is compiled for registers of this width, too
      lanes::keep_in_register(own);
      lanes::keep_in_register(other);
    }
    apply(step.user, step.item, own, other, kMultiplyAdd);
    lanes::store(own, p);
    lanes::store(other, q);
    if constexpr (kProjects) project(p, q, 8, step);
  }
  WF_INLINE void update_part(float* p, float* q, int count, const PairStep& step) const {
    for (int f = 0; f < count; ++f) apply(step.user, step.item, p[f], q[f], kMultiplyAdd);
    if constexpr (kProjects) project(p, q, count, step);
  }
  WF_INLINE void project(float* p, float* q, int count, const PairStep& step) const {
    const float user = step.user.rate * task_.settings.l1_user;
    const float item = step.item.rate * task_.settings.l1_item;
    for (int f = 0; f < count; ++f) p[f] = projected(p[f], user, task_.settings.nonnegative);
    for (int f = 0; f < count; ++f) q[f] = projected(q[f], item, task_.settings.nonnegative);
  }

  /// A projected row is no longer as long as the rule says.
  template <int kCount>
  WF_INLINE void measure_rows(const Group& group, float* const (&p)[kGroup], float* const (&q)[kGroup]) const {
    for (int j = 0; j < kCount; ++j) {
      measure_row(p[j], rank_, state_of(task_.states.user, group.user[j]));
      measure_row(q[j], rank_, state_of(task_.states.item, group.item[j]));
    }
  }

  template <int kCount>
  WF_INLINE Eight bias_values(const Group& group) const {
    Eight result{};
    for (int j = 0; j < kCount; ++j) {
      result[j] = *bias_of(task_.model.user_biases, group.user[j]);
      result[kGroup + j] = *bias_of(task_.model.item_biases, group.item[j]);
    }
    return result;
  }
  template <int kCount>
  WF_INLINE void update_biases(const Group& group, const Eight& error, const Eight& rate, Eight bias) const {
    const Eight lambda = bias_penalties<kCount>(group);
    bias_rule<Eight>(error, kAdagrad ? task_.settings.bias_rate * rate : rate, lambda, bias);
    for (int j = 0; j < kCount; ++j) {
      *bias_of(task_.model.user_biases, group.user[j]) = bias[j];
      *bias_of(task_.model.item_biases, group.item[j]) = bias[kGroup + j];
    }
  }
  template <int kCount>
  WF_INLINE Eight bias_penalties(const Group& group) const {
    Eight result{};
    if (!task_.penalties.user_bias.empty()) {
      for (int j = 0; j < kCount; ++j) result[j] = task_.penalties.user_bias[group.user[j]];
    }
    if (!task_.penalties.item_bias.empty()) {
      for (int j = 0; j < kCount; ++j) result[kGroup + j] = task_.penalties.item_bias[group.item[j]];
    }
    return result;
  }
  WF_INLINE static float* bias_of(const Rows<float, Host>& table, RowId row) {
    return kWhole ? table.data + row : table.row(row);
  }

  const SgdTask task_;  // a copy: what is stored through pointers to float cannot change it
  const int rank_;
  const Eight lr_, lambda_;
  const bool penalties_by_row_;
  ErrorSums sums_;
  lanes::FourDoubles squared_{}, absolute_{};
};

template <bool kAdagrad, class MultiplyAdd>
WF_INLINE ErrorSums sgd_block(const SgdTask& task) {
  if (task.settings.projects()) return SgdBlock<kAnyRank, kAdagrad, true, MultiplyAdd>(task).run();
  const auto side_by_side = [](const Rows<float, Host>& table) { return table.empty() || table.pitch == table.rank; };
  const bool whole = side_by_side(task.model.user_factors) && side_by_side(task.model.item_factors) &&
                     side_by_side(task.model.user_biases) && side_by_side(task.model.item_biases);
  const int rank = task.settings.loss == Loss::mse && whole ? task.model.rank() : 0;
  if (rank == 32) return SgdBlock<4, kAdagrad, false, MultiplyAdd>(task).run();
  if (rank == 64) return SgdBlock<8, kAdagrad, false, MultiplyAdd>(task).run();
  if (rank == 128) return SgdBlock<16, kAdagrad, false, MultiplyAdd>(task).run();
  if (rank > 0 && rank % 8 == 0) return SgdBlock<kWholeVectors, kAdagrad, false, MultiplyAdd>(task).run();
  return SgdBlock<kAnyRank, kAdagrad, false, MultiplyAdd>(task).run();
}

/// Picks the variant.
template <class MultiplyAdd>
WF_INLINE ErrorSums sgd_block(const SgdTask& task) {
  return task.settings.adagrad ? sgd_block<true, MultiplyAdd>(task) : sgd_block<false, MultiplyAdd>(task);
}

}  // namespace wf
