// The inner loop of losses of pairs on the cpu: the ratings of one block, in order. Negatives do not depend on factors:
// they are drawn for some ratings ahead, whose rows are then on their way while others are stepped.
#pragma once
#include "host/cpu/sgd_block.hpp"
#include "host/kernels/rank_rules.hpp"

#include <array>

namespace wf {

struct RankTask {
  RankTables<Host> tables;
  Span<const RowId, Host> anchors, others;  ///< of the ratings
  Position begin = 0, end = 0;              ///< of the block
  RowRange range;                           ///< of the others
  SgdSettings settings;
  Span<const float, Host> anchor_penalties, other_penalties;
  NegativeDraws draws;
};

/// kVectors as SgdBlock's.
template <int kVectors, bool kAdagrad, class Lanes>
class RankBlock {
  using Eight = lanes::Eight;
  static constexpr bool kFixed = kVectors != kAnyRank;
  static constexpr int kAhead = 16;
  static constexpr int kPrefetched = 128;  // floats of a row; hardware follows longer ones

 public:
  WF_INLINE explicit RankBlock(const RankTask& task)
      : task_(task),
        vectors_(kFixed ? kVectors : task.tables.others.rank / 8),
        tries_(task.settings.loss == Loss::warp ? task.settings.negatives : 1),
        rates_(rank_rates(task.settings)),
        biases_(task.tables.biases),
        bias_rate_(task.settings.rate_of_biases(task.tables.biases)) {}

  WF_INLINE ErrorSums run() {
    for (Position n = task_.begin; n < task_.end; n += kAhead) {
      const Position count = std::min<Position>(kAhead, task_.end - n);
      for (Position j = 0; j < count; ++j) look_up(n + j, ahead_[static_cast<std::size_t>(j)]);
      for (Position j = 0; j < count; ++j) step(n + j, ahead_[static_cast<std::size_t>(j)]);
    }
    return sums_;
  }

 private:
  static constexpr int kKnown = 64;  // eight users give ratings in turn
  struct Known {
    RowId anchor = -1;
    Unrated unrated{nullptr, 0, 0, 0};
  };
  /// A rating that is soon to be stepped.
  struct Ahead {
    const RowId* rated;
    Position n_rated, n_unrated;
    float *anchor, *positive, *negative;
    RowId negative_row;
  };

  WF_INLINE static float* row_of(const Rows<float, Host>& table, RowId row) {
    return kFixed ? table.data + Position{row} * (8 * kVectors + kRecord) : table.row(row);
  }
  WF_INLINE void prefetch(const float* row) const {
    const int end = kFixed ? 8 * kVectors + kRecord : std::min(8 * vectors_ + kRecord, kPrefetched);
    for (int f = 0; f < end; f += 16) __builtin_prefetch(record_of(row) + f, 1);
  }

  /// What an anchor is not rated with; looked up again only where another anchor has taken its place.
  WF_INLINE Unrated unrated_of(RowId anchor) {
    Known& known = known_[static_cast<std::size_t>(anchor % kKnown)];
    if (known.anchor != anchor) known = {anchor, Unrated(task_.tables.positives, anchor, task_.range)};
    return known.unrated;
  }

  WF_INLINE void look_up(Position n, Ahead& ahead) {
    const RowId anchor = task_.anchors[n];
    const Unrated unrated = unrated_of(anchor);
    ahead.rated = unrated.rated;
    ahead.n_rated = unrated.n_rated;
    ahead.n_unrated = unrated.count;
    if (unrated.count == 0) return;
    ahead.anchor = row_of(task_.tables.anchors, anchor);
    ahead.positive = row_of(task_.tables.others, task_.others[n]);
    ahead.negative_row = task_.draws(unrated, n - task_.begin, 0);
    ahead.negative = row_of(task_.tables.others, ahead.negative_row);
    prefetch(ahead.anchor);
    prefetch(ahead.positive);
    prefetch(ahead.negative);
  }

  WF_INLINE void step(Position n, Ahead& ahead) {
    if (ahead.n_unrated == 0) {
      ++sums_.skipped;
      return;
    }
    const bool warp = task_.settings.loss == Loss::warp;
    const float difference = warp ? search(n, ahead) : first_difference(ahead);
    const float weight = warp ? weight_ : 1;
    const PairLoss<float> loss = pair_loss(task_.settings.loss, difference);
    if (!warp) first_difference_ = difference;
    add_pair_error(sums_, static_cast<double>(weight * loss.value), static_cast<double>(first_difference_));
    if (weight == 0) return;
    step_rows(n, ahead, -weight * loss.slope / 2);
  }

  WF_INLINE float bias_of(const float* row) const { return biases_ ? record_of(row)[kBias] : 0; }

  /// Of the scores of the positive and of the negative.
  WF_INLINE float first_difference(const Ahead& ahead) const {
    constexpr Lanes multiply_add{};
    Eight sum{};
    each_vector([&](int v) WF_INLINE_LAMBDA {
      const Eight apart = lanes::load<Eight>(ahead.positive + 8 * v) - lanes::load<Eight>(ahead.negative + 8 * v);
      sum = multiply_add(lanes::load<Eight>(ahead.anchor + 8 * v), apart, sum);
    });
    return sum_of(sum) + (bias_of(ahead.positive) - bias_of(ahead.negative));
  }
  WF_INLINE float score(const float* anchor, const float* other) const {
    constexpr Lanes multiply_add{};
    Eight sum{};
    each_vector([&](int v) WF_INLINE_LAMBDA {
      sum = multiply_add(lanes::load<Eight>(anchor + 8 * v), lanes::load<Eight>(other + 8 * v), sum);
    });
    return sum_of(sum) + bias_of(other);
  }
  WF_INLINE static float sum_of(const Eight& a) {  // the tree of sum_in_lanes
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
  }
  template <class F>
  WF_INLINE void each_vector(const F& f) const {
    if constexpr (kFixed) {
      repeat<kVectors>([&](auto v) WF_INLINE_LAMBDA { f(v); });
    } else {
      for (int v = 0; v < vectors_; ++v) f(v);
    }
  }

  /// warp: draws until the margin is violated; the difference, with weight_ and first_difference_.
  WF_INLINE float search(Position n, Ahead& ahead) {
    const float score_of_positive = score(ahead.anchor, ahead.positive);
    weight_ = 0;
    float difference = 0;
    for (int draw = 0; draw < tries_; ++draw) {
      if (draw > 0) draw_again(n, draw, ahead);
      difference = score_of_positive - score(ahead.anchor, ahead.negative);
      if (draw == 0) first_difference_ = difference;
      if (difference < 1) {
        const RowId anchor = task_.anchors[n];
        const Span<const Position, Host>& starts = task_.tables.positives.starts;
        weight_ = rank_weight(task_.tables.others.count - (starts[anchor + 1] - starts[anchor]), draw + 1);
        break;
      }
    }
    return difference;
  }
  WF_INLINE void draw_again(Position n, int draw, Ahead& ahead) const {
    const Unrated unrated(ahead.rated, ahead.n_rated, task_.range.begin, ahead.n_unrated);
    ahead.negative_row = task_.draws(unrated, n - task_.begin, draw);
    ahead.negative = row_of(task_.tables.others, ahead.negative_row);
  }

  /// Lanes of what is computed for all rows at once: the slow part of each, then the fast one.
  static constexpr int kAnchor = 0, kPositive = 1, kNegative = 2, kFast = 4;

  /// [of the anchor, the positive, the negative, nobody | the same], or a column of their records in each half.
  WF_INLINE static Eight of_rows(float anchor, float positive, float negative) {
    return Eight{anchor, positive, negative, 0, anchor, positive, negative, 0};
  }
  WF_INLINE static Eight sums_of(const Ahead& ahead) {
    const float *a = record_of(ahead.anchor), *b = record_of(ahead.positive), *c = record_of(ahead.negative);
    return Eight{a[kSlowSum], b[kSlowSum], c[kSlowSum], 1, a[kFastSum], b[kFastSum], c[kFastSum], 1};
  }

  WF_INLINE void step_rows(Position n, const Ahead& ahead, float error) {
    const Eight lambda = of_rows(rates_.lambda_anchor + penalty_of(task_.anchor_penalties, task_.anchors[n]),
                                 rates_.lambda_other + penalty_of(task_.other_penalties, task_.others[n]),
                                 rates_.lambda_other + penalty_of(task_.other_penalties, ahead.negative_row));
    Eight lr = lanes::all(task_.settings.lr);
    if constexpr (kAdagrad) lr = lr / NumberOps<Eight>::root(sums_of(ahead));
    const Step<Eight> step = sgd_rule<Eight>(of_rows(error, error, -error), lr, lambda);
    Eight slow[4] = {}, fast[4] = {};  // energies of the three gradients
    update(ahead, 0, PartStep(step, 0), error, lambda, slow);
    const bool rests = kAdagrad && task_.settings.slow_only;
    if (!rests) {
      const PartStep part(step, kFast);
      const auto of_fast = [&](int v) WF_INLINE_LAMBDA { update(ahead, v, part, error, lambda, fast); };
      if constexpr (kFixed) {
        repeat<kVectors - 1>([&](auto v) WF_INLINE_LAMBDA { of_fast(1 + v); });
      } else {
        for (int v = 1; v < vectors_; ++v) of_fast(v);
      }
    }
    if constexpr (kAdagrad) {
      const Eight energies = lanes::lane_sums(slow, fast);
      add_energy(ahead.anchor, energies[kAnchor], energies[kFast + kAnchor], rests);
      add_energy(ahead.positive, energies[kPositive], energies[kFast + kPositive], rests);
      add_energy(ahead.negative, energies[kNegative], energies[kFast + kNegative], rests);
    }
    if (task_.settings.projects()) {
      project(ahead.anchor, step.rate[kAnchor], step.rate[kFast + kAnchor], rates_.l1_anchor, rests);
      project(ahead.positive, step.rate[kPositive], step.rate[kFast + kPositive], rates_.l1_other, rests);
      project(ahead.negative, step.rate[kNegative], step.rate[kFast + kNegative], rates_.l1_other, rests);
    }
    if (biases_) {
      step_bias(ahead.positive, error, step.rate[kPositive]);
      step_bias(ahead.negative, -error, step.rate[kNegative]);
    }
  }

  /// The steps of one part of the rows, each in all lanes.
  struct PartStep {
    Eight keep[3], take[3];
    WF_INLINE PartStep(const Step<Eight>& step, int first) {
      const auto* keeps = reinterpret_cast<const float*>(&step.keep) + first;
      const auto* takes = reinterpret_cast<const float*>(&step.take) + first;
      for (int row = 0; row < 3; ++row) {
        keep[row] = Lanes::all(keeps + row);
        take[row] = Lanes::all(takes + row);
      }
    }
  };
  /// Vector v of all three rows, from their values before.
  WF_INLINE void update(const Ahead& ahead, int v, const PartStep& step, float error, const Eight& lambda,
                        Eight (&energies)[4]) const {
    constexpr Lanes multiply_add{};
    const auto anchor = lanes::load<Eight>(ahead.anchor + 8 * v);
    const auto positive = lanes::load<Eight>(ahead.positive + 8 * v);
    const auto negative = lanes::load<Eight>(ahead.negative + 8 * v);
    const Eight apart = positive - negative;
    lanes::store(multiply_add(step.take[kAnchor], apart, step.keep[kAnchor] * anchor), ahead.anchor + 8 * v);
    lanes::store(multiply_add(step.take[kPositive], anchor, step.keep[kPositive] * positive), ahead.positive + 8 * v);
    lanes::store(multiply_add(step.take[kNegative], anchor, step.keep[kNegative] * negative), ahead.negative + 8 * v);
    if constexpr (kAdagrad) {
      const Eight along = lanes::all(error), of_anchor = along * anchor;
      const Eight g = along * apart - lambda[kAnchor] * anchor;
      const Eight h = of_anchor - lambda[kPositive] * positive;
      const Eight i = of_anchor + lambda[kNegative] * negative;
      energies[kAnchor] = multiply_add(g, g, energies[kAnchor]);
      energies[kPositive] = multiply_add(h, h, energies[kPositive]);
      energies[kNegative] = multiply_add(i, i, energies[kNegative]);
    }
  }
  WF_INLINE void add_energy(float* row, float slow, float fast, bool rests) const {
    float* record = record_of(row);
    record[kSlowSum] += task_.settings.slow_share * slow;
    if (!rests) record[kFastSum] += task_.settings.fast_share * fast;
  }
  WF_INLINE void project(float* row, float slow_rate, float fast_rate, float l1, bool rests) const {
    const int end = rests ? 8 : 8 * vectors_;
    for (int f = 0; f < end; ++f) {
      const float rate = f < kSlowFactors ? slow_rate : fast_rate;
      row[f] = projected(row[f], rate * l1, task_.settings.nonnegative);
    }
  }
  WF_INLINE void step_bias(float* row, float error, float rate) const {
    float* record = record_of(row);
    bias_rule<float>(error, bias_rate_ * rate, record[kBiasShare], record[kBias]);
  }

  const RankTask task_;  // a copy: what is stored through pointers to float cannot change it
  const int vectors_;
  const int tries_;
  const RankRates rates_;
  const bool biases_;
  const float bias_rate_;
  std::array<Ahead, kAhead> ahead_;
  std::array<Known, kKnown> known_;
  float weight_ = 0, first_difference_ = 0;  // of the rating at hand
  ErrorSums sums_;
};

template <bool kAdagrad, class Lanes>
WF_INLINE ErrorSums rank_block(const RankTask& task) {
  if constexpr (Lanes::kFixedRanks) {
    const RankTables<Host>& tables = task.tables;
    const int rank = tables.others.rank;
    const bool side_by_side = tables.anchors.pitch == rank + kRecord && tables.others.pitch == rank + kRecord;
    if (side_by_side && rank == 32) return RankBlock<4, kAdagrad, Lanes>(task).run();
    if (side_by_side && rank == 64) return RankBlock<8, kAdagrad, Lanes>(task).run();
    if (side_by_side && rank == 128) return RankBlock<16, kAdagrad, Lanes>(task).run();
  }
  return RankBlock<kAnyRank, kAdagrad, Lanes>(task).run();
}

/// Picks the variant. The rank is a multiple of 8.
template <class Lanes>
WF_INLINE ErrorSums rank_block(const RankTask& task) {
  return task.settings.adagrad ? rank_block<true, Lanes>(task) : rank_block<false, Lanes>(task);
}

}  // namespace wf
