// The bodies of NmfLoops, to be inlined into functions that are compiled for one instruction set.
#pragma once
#include "host/cpu/list_body.hpp"
#include "host/cpu/list_scores.hpp"
#include "host/cpu/nmf_loops.hpp"
#include "host/cpu/solve_tiles.hpp"

#include <algorithm>

namespace wf {

template <class Ops, class Vector>
class NmfRows {
  using Eight = lanes::Eight;
  using Scores = ListScores<Ops>;
  using Partners = typename Scores::Partners;
  static constexpr int kTogether = Scores::kTogether;
  static constexpr Position kSummed = 256;  // as ListRows has it

 public:
  WF_INLINE NmfRows(const NmfTask& task, NmfRoom& room)
      : task_(task), lists_(task.lists), settings_(task.settings), room_(room), scores_(task.lists, task.partners) {}

  WF_INLINE void update(Position first, Position end, Position longest) {
    for (Position row = first; row < end; ++row) {
      if (lists_.count(row) > longest) continue;
      if (lists_.count(row) == 0) {
        std::fill_n(task_.factors.row(row), task_.rank, 0.0F);
        continue;
      }
      if (!settings_.takes_products()) sum_ratings(row, lists_.begin[row], lists_.begin[row + 1]);
      move_row(row);
    }
  }

  /// See NmfLoops.
  WF_INLINE void sum_ratings(Position row, Position first, Position end) {
    if (settings_.solver == Solver::hals) {
      ListRows<Ops, Vector>::sum_ratings(lists_, task_.partners, first, end, room_.above.data());
      sum_matrix(first, end);
    } else {
      std::copy_n(task_.factors.row(row), task_.rank, room_.x.data());
      sum_by_scores(first, end);
    }
  }
  WF_INLINE void move_row(Position row) {
    float* const factors = task_.factors.row(row);
    std::copy_n(factors, task_.rank, room_.x.data());
    if (settings_.solver == Solver::hals) {
      descend(row);
    } else {
      scale(row);
    }
    std::copy_n(room_.x.data(), task_.rank, factors);
  }

  WF_INLINE ErrorSums errors(Position first, Position end) {
    ErrorSums sums;
    for (Position user = first; user < end; ++user) {
      std::copy_n(task_.own.row(user), task_.rank, room_.x.data());
      scores_.for_scores(room_.x.data(), lists_.begin[user], lists_.begin[user + 1],
                         [&](Position n, int count, const Partners&, const float* scores) WF_INLINE_LAMBDA {
                           for (int k = 0; k < count; ++k) {
                             add_list_error(sums, settings_, static_cast<double>(scores[k]),
                                            static_cast<double>(lists_.value[n + k]));
                           }
                         });
    }
    return sums;
  }

 private:
  WF_INLINE void clear(HostBuffer<float>& sums) const { std::fill_n(sums.data(), task_.padded, 0.0F); }
  WF_INLINE void add(const HostBuffer<float>& part, HostBuffer<float>& sums) const {
    for (int f = 0; f < task_.padded; ++f) sums[f] += part[f];
  }

  WF_INLINE void scale(Position row) {
    float* const x = room_.x.data();
    const float* const above = settings_.takes_products() ? task_.products.row(row) : room_.above.data();
    if (settings_.counts_zeros()) {
      if (settings_.loss == NmfLoss::kl) {
        std::copy_n(task_.shared, task_.padded, room_.below.data());
      } else {
        multiply_gram();
      }
    }
    for (int f = 0; f < task_.rank; ++f) x[f] = nmf_scaled(x[f], above[f], room_.below[f]);
  }

  /// below = gram * x, whose rows are its columns.
  WF_INLINE void multiply_gram() {
    constexpr int kColumns = 4, kLanes = lanes::kLanes<Vector>;  // sums at once: products of one wait for each other
    for (int f = 0; f < task_.padded; f += kColumns * kLanes) {
      Vector sum[kColumns]{};
      const int count = std::min(kColumns, (task_.padded - f) / kLanes);
      for (int g = 0; g < task_.rank; ++g) {
        const auto factor = Ops::template all<Vector>(room_.x.data() + g);
        const float* const from = task_.shared + Position{g} * task_.padded + f;
        repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA {
          if (c < count) Ops::add_product(sum[c], factor, lanes::load<Vector>(from + c * kLanes));
        });
      }
      repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA {
        if (c < count) lanes::store(sum[c], room_.below.data() + f + c * kLanes);
      });
    }
  }

  WF_INLINE void sum_by_scores(Position first, Position end) {
    const bool pushes = !settings_.counts_zeros();
    clear(room_.above);
    clear(room_.below);
    for (Position from = first; from < end; from += kSummed) {
      clear(room_.above_part);
      clear(room_.below_part);
      scores_.for_scores(room_.x.data(), from, std::min(from + kSummed, end),
                         [&](Position n, int count, const Partners& partners, const float* scores) WF_INLINE_LAMBDA {
                           float pull[kTogether], push[kTogether];
                           for (int k = 0; k < count; ++k) {
                             pull[k] = nmf_pull(settings_, lists_.value[n + k], scores[k]);
                             push[k] = nmf_push(settings_, scores[k]);
                           }
                           scores_.add_partners(partners, count, pull, room_.above_part.data());
                           if (pushes) scores_.add_partners(partners, count, push, room_.below_part.data());
                         });
      add(room_.above_part, room_.above);
      add(room_.below_part, room_.below);
    }
  }

  WF_INLINE void descend(Position row) {
    const bool shared = settings_.takes_products();
    const float* const above = shared ? task_.products.row(row) : room_.above.data();
    const float* const matrix = shared ? task_.shared : room_.matrix.data();
    if (!shared) mirror(room_.matrix.data());
    float* const x = room_.x.data();
    for (int f = 0; f < task_.rank; ++f) {
      const float* const of_factor = matrix + Position{f} * task_.padded;
      Eight sums[4]{}, none[4]{};
      for (int g = 0; g < task_.padded; g += 16) {
        Ops::add_product(sums[0], lanes::load<Eight>(of_factor + g), lanes::load<Eight>(x + g));
        Ops::add_product(sums[1], lanes::load<Eight>(of_factor + g + 8), lanes::load<Eight>(x + g + 8));
      }
      const Eight both = lanes::lane_sums(sums, none);
      x[f] = hals_moved(x[f], above[f] - (both[0] + both[1]), of_factor[f]);
    }
  }

  WF_INLINE void mirror(float* matrix) const {
    for (int f = 0; f < task_.padded; ++f) {
      for (int g = 0; g < f; ++g) matrix[Position{f} * task_.padded + g] = matrix[Position{g} * task_.padded + f];
    }
  }

  /// The matrix of some ratings, its upper half.
  WF_INLINE void sum_matrix(Position first, Position end) {
    float* const matrix = room_.matrix.data();
    const int padded = task_.padded;
    std::fill_n(matrix, checked_product(padded, padded), 0.0F);
    for (Position from = first; from < end; from += NmfRoom::kTogether) {
      const auto count = static_cast<int>(std::min<Position>(NmfRoom::kTogether, end - from));
      for (int n = 0; n < count; ++n) {
        scores_.prefetch(from + n + kTogether);
        std::copy_n(task_.partners.row(lists_.partner[from + n]), task_.rank, room_.rows.data() + Position{n} * padded);
      }
      add_products<Ops, Vector>({room_.rows.data(), padded, count}, room_.rows.data(), padded, matrix, padded);
    }
  }

  const NmfTask& task_;
  RowListsView<Host> lists_;
  NmfSettings settings_;
  NmfRoom& room_;
  Scores scores_;
};

}  // namespace wf
