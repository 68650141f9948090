// Scores of a row's ratings, eight at a time, and weighted sums of their partners: to be inlined into functions that
// are compiled for one instruction set.
#pragma once
#include "host/cpu/lanes.hpp"
#include "host/kernels/op_types.hpp"

#include <algorithm>

namespace wf {

template <class Ops>
class ListScores {
  using Eight = lanes::Eight;

 public:
  static constexpr int kTogether = 8;  ///< ratings whose scores are summed together

  WF_INLINE ListScores(const RowListsView<Host>& lists, const Rows<const float, Host>& partners)
      : lists_(lists), partners_(partners), rank_(partners.rank), whole_(rank_ / 8 * 8) {}

  /// Rows of the partners of some ratings in a row; behind the last one, itself again.
  struct Partners {
    const float* rows[kTogether];
  };

  /// Asks for the partner of rating n, if there is one.
  WF_INLINE void prefetch(Position n) const {
    constexpr int kLine = 64 / sizeof(float);
    if (n >= lists_.partner.size) return;
    const float* const row = partners_.row(lists_.partner[n]);
    for (int f = 0; f < std::min(rank_, 16 * kLine); f += kLine) __builtin_prefetch(row + f);
  }

  /// use(n, count, partners, scores): <x, partner> of ratings n .. n + count - 1, at most kTogether. x has zeros behind
  /// its factors, up to whole vectors of eight.
  template <class Use>
  WF_INLINE void for_scores(const float* x, Position first, Position end, const Use& use) const {
    for (Position n = first; n < end; n += kTogether) {
      const auto count = static_cast<int>(std::min<Position>(kTogether, end - n));
      Partners partners;
      for (int k = 0; k < kTogether; ++k) {
        partners.rows[k] = partners_.row(lists_.partner[n + std::min(k, count - 1)]);
        prefetch(n + kTogether + k);
      }
      Eight low[4]{}, high[4]{};
      for (int f = 0; f < whole_; f += 8) {
        const auto factor = lanes::load<Eight>(x + f);
        repeat<4>([&](auto k) WF_INLINE_LAMBDA {
          Ops::add_product(low[k], lanes::load<Eight>(partners.rows[k] + f), factor);
          Ops::add_product(high[k], lanes::load<Eight>(partners.rows[4 + k] + f), factor);
        });
      }
      if (whole_ < rank_) {
        const auto factor = lanes::load<Eight>(x + whole_);
        repeat<4>([&](auto k) WF_INLINE_LAMBDA {
          Ops::add_product(low[k], tail(partners.rows[k]), factor);
          Ops::add_product(high[k], tail(partners.rows[4 + k]), factor);
        });
      }
      float scores[kTogether];
      lanes::store(lanes::lane_sums(low, high), scores);
      use(n, count, partners, scores);
    }
  }

  /// sums += weights * partners, one partner after the other. Behind the last one they count for nothing.
  WF_INLINE void add_partners(const Partners& partners, int count, const float* weights, float* sums) const {
    float weight[kTogether] = {};
    for (int k = 0; k < count; ++k) weight[k] = weights[k];
    add_rows<Eight>(partners, whole_, weight, sums);
    if (whole_ == rank_) return;
    auto sum = lanes::load<Eight>(sums + whole_);
    for (int k = 0; k < count; ++k) {
      Ops::add_product(sum, Ops::template all<Eight>(weights + k), tail(partners.rows[k]));
    }
    lanes::store(sum, sums + whole_);
  }

  /// The same with all eight, of rows of whole vectors.
  template <class Vector>
  WF_INLINE static void add_rows(const Partners& partners, int size, const float* weights, float* sums) {
    Vector weight[kTogether];
    repeat<kTogether>([&](auto k) WF_INLINE_LAMBDA { weight[k] = Ops::template all<Vector>(weights + k); });
    for (int f = 0; f < size; f += lanes::kLanes<Vector>) {
      auto sum = lanes::load<Vector>(sums + f);
      repeat<kTogether>([&](auto k) WF_INLINE_LAMBDA {
        Ops::add_product(sum, weight[k], lanes::load<Vector>(partners.rows[k] + f));
      });
      lanes::store(sum, sums + f);
    }
  }

 private:
  WF_INLINE Eight tail(const float* row) const { return lanes::load_part(row + whole_, rank_ - whole_); }

  RowListsView<Host> lists_;
  Rows<const float, Host> partners_;
  int rank_;
  int whole_;  // factors in whole vectors of eight
};

}  // namespace wf
