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
  SgdTables<Host> tables;
  RatingsView<Host> ratings;
  Block block;
  SgdSettings settings;
  RowPenalties<Host> penalties;
};

inline constexpr int kAnyRank = 0;

/// The variants that are worth code of their own. `kVectors` > 0: the rank is 8 * kVectors, and rows and records lie
/// side by side; kAnyRank: a multiple of 8. `kGeneral`: any loss, and rows may be projected.
template <int kVectors, bool kAdagrad, bool kGeneral, class Lanes>
class SgdBlock {
  using Four = lanes::Four;
  using Eight = lanes::Eight;
  using FourInts = lanes::FourInts;
  static constexpr int kGroup = kGroupRatings;
  static_assert(kGroup == 4 && kRecord == 2 * kGroup);  // halves of a vector, of a record
  static constexpr bool kFixed = kVectors != kAnyRank;
  static_assert(kVectors % 2 == 0);
  static constexpr bool kScales = kAdagrad && !kGeneral;
  static constexpr bool kSplits = kScales;  // into threes and twos; elsewhere not worth the time to compile
  static constexpr int kPrefetched = 256;   // floats of a row; hardware follows long ones

 public:
  WF_INLINE explicit SgdBlock(const SgdTask& task)
      : task_(task),
        vectors_(kFixed ? kVectors : task.tables.rank() / 8),
        lr_(lanes::all(task.settings.lr)),
        lambda_(lanes::halves(task.settings.lambda_user, task.settings.lambda_item)),
        global_mean_(task.tables.biases ? task.tables.global_mean : 0),
        bias_rate_(task.settings.rate_of_biases(task.tables.biases)),
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

  WF_INLINE static float* row_of(const Rows<float, Host>& table, RowId row) {
    return kFixed ? table.data + Position{row} * (8 * kVectors + kRecord) : table.row(row);
  }

  /// The rows of up to four ratings. Vectors hold what belongs to the users in their lower half and what belongs to the
  /// items in the upper one; lanes beyond the number of ratings hold nothing of interest.
  struct Pairs {
    float* p[kGroup];
    float* q[kGroup];
  };

  /// Ratings n .. n + kCount - 1, which share no row.
  template <int kCount>
  WF_INLINE void step(Position n) {
    Pairs pairs{};
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      pairs.p[j] = row_of(task_.tables.user, task_.ratings.user[n + j]);
      pairs.q[j] = row_of(task_.tables.item, task_.ratings.item[n + j]);
    });
    Eight slow_product{}, fast_product{};
    multiply_rows<kCount>(pairs, slow_product, fast_product);
    prefetch_items(n + kCount);

    Eight learned[4] = {}, held[4] = {};  // columns of the records
    load_records<kCount, 0>(pairs, learned);
    load_records<kCount, 4>(pairs, held);
    Eight& slow_scale = held[kSlowScale - 4];
    Eight& fast_scale = held[kFastScale - 4];
    Eight& bias = held[kBias - 4];
    const Eight slow_partner = lanes::swapped_halves(slow_scale);
    const Eight fast_partner = lanes::swapped_halves(fast_scale);
    if constexpr (kScales) {
      slow_product *= slow_scale * slow_partner;
      fast_product *= fast_scale * fast_partner;
    }
    const Eight score = slow_product + fast_product + (bias + lanes::swapped_halves(bias)) + global_mean_;
    const Eight error = errors<kCount>(n, score);

    const Eight lambda = penalties_by_row_ ? lambda_ + penalties<kCount>(n) : lambda_;
    Step<Eight> slow{}, fast{};
    if constexpr (kAdagrad) {
      slow = adagrad_step<kSlowSum, kSlowLength>(error, lambda, task_.settings.slow_share, slow_product, learned);
      fast = {lanes::all(1), lanes::all(0), lanes::all(0)};
      if (!task_.settings.slow_only) {
        fast = adagrad_step<kFastSum, kFastLength>(error, lambda, task_.settings.fast_share, fast_product, learned);
      }
    } else {
      slow = fast = sgd_rule<Eight>(error, lr_, lambda);
    }
    bias_rule<Eight>(error, bias_rate_ * slow.rate, held[kBiasShare - 4], bias);
    if constexpr (kScales) {
      ScaledStep<Eight> scaled{slow_scale, fast_scale, {}, {}};
      scaled.move(slow, fast, slow_partner, fast_partner);
      slow_scale = scaled.slow_scale;
      fast_scale = scaled.fast_scale;
      const bool large = lanes::all_at_least(kLeastScale, slow_scale, fast_scale);
      store_records<kCount, 0>(learned, pairs);
      store_records<kCount, 4>(held, pairs);
      push_rows<kCount>(pairs, {scaled.slow_push, scaled.fast_push});
      if (!large) [[unlikely]]
        unscale<kCount>(pairs);
    } else {
      if constexpr (kAdagrad) store_records<kCount, 0>(learned, pairs);
      store_records<kCount, 4>(held, pairs);
      repeat<kCount>([&](auto j)
                         WF_INLINE_LAMBDA { update_rows(pairs.p[j], pairs.q[j], step_of<j>(slow), step_of<j>(fast)); });
    }
  }

  /// <p, q> of the slow and of the fast factors, for users and items alike.
  template <int kCount>
  WF_INLINE void multiply_rows(const Pairs& pairs, Eight& slow_product, Eight& fast_product) const {
    constexpr Lanes multiply_add{};
    Eight slow[kGroup] = {}, fast[kGroup] = {};
    const auto product = [&](int v, int j) WF_INLINE_LAMBDA {
      return lanes::load<Eight>(pairs.p[j] + 8 * v) * lanes::load<Eight>(pairs.q[j] + 8 * v);
    };
    const auto add = [&](int v, auto j) WF_INLINE_LAMBDA {
      fast[j] = multiply_add(lanes::load<Eight>(pairs.p[j] + 8 * v), lanes::load<Eight>(pairs.q[j] + 8 * v), fast[j]);
    };
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      slow[j] = product(0, j);
      if (vectors_ > 1) fast[j] = product(1, j);
      if constexpr (kFixed) repeat<kVectors - 2>([&](auto v) WF_INLINE_LAMBDA { add(2 + v, j); });
    });
    if constexpr (!kFixed) {  // side by side: one sum waits for itself
      for (int v = 2; v < vectors_; ++v) repeat<kCount>([&](auto j) WF_INLINE_LAMBDA { add(v, j); });
    }
    const Eight products = lanes::lane_sums(slow, fast);
    slow_product = lanes::low_twice(products);
    fast_product = lanes::high_twice(products);
  }

  /// Asks for the item rows of the next four ratings, which lie in the second level of cache: a step is longer than
  /// what a processor looks ahead.
  WF_INLINE void prefetch_items(Position n) const {
    if constexpr (!kGeneral) {
      if (n + kGroup > task_.block.end) return;
      repeat<kGroup>([&](auto j) WF_INLINE_LAMBDA {
        const float* record = record_of(row_of(task_.tables.item, task_.ratings.item[n + j]));
        if constexpr (kFixed) {
          repeat<kVectors / 2 + 1>([&](auto line) WF_INLINE_LAMBDA { __builtin_prefetch(record + 16 * line); });
        } else {
          const int end = std::min(8 * vectors_ + kRecord, kPrefetched);
          for (int f = 0; f < end; f += 16) __builtin_prefetch(record + f);
        }
      });
    }
  }

  /// Columns kFirst .. kFirst + 3 of the records.
  template <int kCount, int kFirst>
  WF_INLINE static void load_records(const Pairs& pairs, Eight (&columns)[4]) {
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      columns[j] = lanes::joined(lanes::load<Four>(record_of(pairs.p[j]) + kFirst),
                                 lanes::load<Four>(record_of(pairs.q[j]) + kFirst));
    });
    repeat<kGroup - kCount>([&](auto j) WF_INLINE_LAMBDA {
      columns[kCount + j] = lanes::all(1);  // no division by zero in lanes of no interest
    });
    lanes::transpose_halves(columns);
  }
  template <int kCount, int kFirst>
  WF_INLINE static void store_records(Eight (&columns)[4], const Pairs& pairs) {
    lanes::transpose_halves(columns);
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      Lanes::store_halves(columns[j], record_of(pairs.p[j]) + kFirst, record_of(pairs.q[j]) + kFirst);
    });
  }

  template <int kCount>
  WF_INLINE Eight penalties(Position n) const {
    Eight result{};
    for (int j = 0; j < kCount; ++j) {
      result[j] = penalty_of(task_.penalties.user, task_.ratings.user[n + j]);
      result[kGroup + j] = penalty_of(task_.penalties.item, task_.ratings.item[n + j]);
    }
    return result;
  }

  /// -loss' / 2, for users and items alike, and the sums of the errors.
  template <int kCount>
  WF_INLINE Eight errors(Position n, const Eight& score) {
    Four error{};
    if (kGeneral && task_.settings.loss != Loss::mse) {
      for (int j = 0; j < kCount; ++j) {
        const float value = task_.ratings.value[n + j];
        error[j] = -loss_slope(task_.settings.loss, score[j], value) / 2;
        add_error(task_.settings.loss, sums_, score[j], value);
      }
      return lanes::joined(error, error);
    }
    if constexpr (kCount == kGroup) {
      error = lanes::load<Four>(task_.ratings.value.data + n) - lanes::low_half(score);
    } else {
      for (int j = 0; j < kCount; ++j) error[j] = task_.ratings.value[n + j] - score[j];
    }
    const auto wide = lanes::widened(error);
    squared_ += wide * wide;
    absolute_ += lanes::absolute(wide);
    return lanes::joined(error, error);
  }

  template <int kSum, int kLength>
  WF_INLINE Step<Eight> adagrad_step(const Eight& error, const Eight& lambda, float share, const Eight& product,
                                     Eight (&learned)[4]) const {
    const Eight partner_length = lanes::swapped_halves(learned[kLength]);
    return row_adagrad_rule<Eight>(error, lr_, lambda, share, product, partner_length, learned[kSum], learned[kLength]);
  }

  /// Vectors in memory, from where one lane goes to all of a register by a load alone.
  struct PushLanes {
    Eight slow, fast;
  };
  template <int kCount>
  WF_INLINE void push_rows(const Pairs& pairs, const PushLanes& push) const {
    const auto* slow = reinterpret_cast<const float*>(&push.slow);
    const auto* fast = reinterpret_cast<const float*>(&push.fast);
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      Lanes::exchange(pairs.p[j], pairs.q[j], Lanes::all(slow + j), Lanes::all(slow + kGroup + j));
    });
    if (task_.settings.slow_only) return;
    repeat<kCount>([&](auto j) WF_INLINE_LAMBDA {
      const Eight user = Lanes::all(fast + j), item = Lanes::all(fast + kGroup + j);
      const auto push_vector = [&](int v) WF_INLINE_LAMBDA {
        Lanes::exchange(pairs.p[j] + 8 * v, pairs.q[j] + 8 * v, user, item);
      };
      if constexpr (kFixed && Lanes::kWide) {  // from the second vector on, whole lines of the cache
        const auto wide_user = Lanes::template all<lanes::Sixteen>(fast + j);
        const auto wide_item = Lanes::template all<lanes::Sixteen>(fast + kGroup + j);
        repeat<kVectors / 2 - 1>([&](auto w) WF_INLINE_LAMBDA {
          Lanes::exchange(pairs.p[j] + 8 + 16 * w, pairs.q[j] + 8 + 16 * w, wide_user, wide_item);
        });
        push_vector(kVectors - 1);
      } else if constexpr (kFixed) {
        repeat<kVectors - 1>([&](auto v) WF_INLINE_LAMBDA { push_vector(1 + v); });
      } else {
        for (int v = 1; v < vectors_; ++v) push_vector(v);
      }
    });
  }
  template <int kCount>
  WF_INLINE void unscale(const Pairs& pairs) const {
    for (int j = 0; j < kCount; ++j) {
      for (float* row : {pairs.p[j], pairs.q[j]}) {
        const float* record = record_of(row);
        const bool large = record[kSlowScale] >= kLeastScale && record[kFastScale] >= kLeastScale;
        if (!large) unscale_row(row, 8 * vectors_);
      }
    }
  }

  /// One rating's step, in all lanes.
  struct PairStep {
    Step<Eight> user, item;
  };
  template <int kPlace>
  WF_INLINE static PairStep step_of(const Step<Eight>& step) {
    const auto of = [&](int lane) WF_INLINE_LAMBDA {
      const auto all = [lane](const Eight& value)
                           WF_INLINE_LAMBDA { return Lanes::all(reinterpret_cast<const float*>(&value) + lane); };
      return Step<Eight>{all(step.keep), all(step.take), all(step.rate)};
    };
    return {of(kPlace), of(kGroup + kPlace)};
  }
  WF_INLINE void update_rows(float* p, float* q, const PairStep& slow, const PairStep& fast) const {
    update(p, q, slow);
    if constexpr (kFixed) {
      repeat<kVectors - 1>([&](auto v) WF_INLINE_LAMBDA { update(p + 8 * (1 + v), q + 8 * (1 + v), fast); });
    } else {
      const int end = kAdagrad && task_.settings.slow_only ? 1 : vectors_;
      for (int v = 1; v < end; ++v) update(p + 8 * v, q + 8 * v, fast);
    }
    if constexpr (kAdagrad && kGeneral) {
      if (!task_.settings.projects()) return;
      measure_row(p, 8 * vectors_);  // a projected row is no longer as long as the rule says
      measure_row(q, 8 * vectors_);
    }
  }
  WF_INLINE void update(float* p, float* q, const PairStep& step) const {
    auto own = lanes::load<Eight>(p);
    auto other = lanes::load<Eight>(q);
    apply(step.user, step.item, own, other, Lanes{});
    lanes::store(own, p);
    lanes::store(other, q);
    if constexpr (kGeneral) {
      if (!task_.settings.projects()) return;
      project(p, step.user.rate[0] * task_.settings.l1_user);
      project(q, step.item.rate[0] * task_.settings.l1_item);
    }
  }
  WF_INLINE void project(float* row, float threshold) const {
    for (int f = 0; f < 8; ++f) row[f] = projected(row[f], threshold, task_.settings.nonnegative);
  }

  const SgdTask task_;  // a copy: what is stored through pointers to float cannot change it
  const int vectors_;   // of eight factors, in a row
  const Eight lr_, lambda_;
  const float global_mean_, bias_rate_;  // 0 without biases
  const bool penalties_by_row_;
  ErrorSums sums_;
  lanes::FourDoubles squared_{}, absolute_{};
};

template <bool kAdagrad, class Lanes>
WF_INLINE ErrorSums sgd_block(const SgdTask& task) {
  if (task.settings.loss != Loss::mse || task.settings.projects()) {
    return SgdBlock<kAnyRank, kAdagrad, true, Lanes>(task).run();
  }
  if constexpr (Lanes::kFixedRanks) {
    const int rank = task.tables.rank();
    const bool side_by_side = task.tables.user.pitch == rank + kRecord && task.tables.item.pitch == rank + kRecord;
    if (side_by_side && rank == 32) return SgdBlock<4, kAdagrad, false, Lanes>(task).run();
    if (side_by_side && rank == 64) return SgdBlock<8, kAdagrad, false, Lanes>(task).run();
    if (side_by_side && rank == 128) return SgdBlock<16, kAdagrad, false, Lanes>(task).run();
  }
  return SgdBlock<kAnyRank, kAdagrad, false, Lanes>(task).run();
}

/// Picks the variant. The rank is a multiple of 8.
template <class Lanes>
WF_INLINE ErrorSums sgd_block(const SgdTask& task) {
  return task.settings.adagrad ? sgd_block<true, Lanes>(task) : sgd_block<false, Lanes>(task);
}

}  // namespace wf
