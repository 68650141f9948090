// What losses of pairs are validated by: held-out ratings, each against a row that its anchor is not rated with.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/kernels/rank_rules.hpp"
#include "host/train/memory_plan.hpp"

#include <algorithm>

namespace wf {

/// The pairs are drawn once, so that epochs differ by the model alone: from (seed, place) among all rows of the other
/// side with which the anchor has a rating neither in `train` nor in `held_out`. Ratings of rows beyond the tables, and
/// of anchors that are rated with everything, are left out.
class ValidationPairs {
 public:
  ValidationPairs() = default;
  ValidationPairs(const RatingsView<Host>& train, const RatingsView<Host>& held_out, Position n_users, Position n_items,
                  Loss loss, std::uint64_t seed, ThreadPool& pool);

  Position size() const { return anchor_.size(); }

  /// Mean pairwise losses, and pairs in the wrong order. `predict(users, items, scores)` scores pairs of rows.
  template <class Predict>
  ErrorSums errors(const Predict& predict) const {
    ErrorSums sums;
    HostBuffer<float> positive, negative;
    for (Position first = 0; first < size(); first += kStagedRatings) {
      const Position count = std::min(kStagedRatings, size() - first);
      positive.resize(count);
      negative.resize(count);
      const Span<const RowId, Host> anchors = anchor_.span().part(first, count);
      score(predict, anchors, positive_.span().part(first, count), positive.span());
      score(predict, anchors, negative_.span().part(first, count), negative.span());
      for (Position n = 0; n < count; ++n) {
        const double difference = static_cast<double>(positive[n]) - static_cast<double>(negative[n]);
        add_pair_error(sums, pair_loss(loss_, difference).value, difference);
      }
    }
    return sums;
  }

 private:
  template <class Predict>
  void score(const Predict& predict, Span<const RowId, Host> anchors, Span<const RowId, Host> others,
             Span<float, Host> scores) const {
    if (anchors_items(loss_)) {
      predict(others, anchors, scores);
    } else {
      predict(anchors, others, scores);
    }
  }

  Loss loss_ = Loss::bpr;
  HostBuffer<RowId> anchor_, positive_, negative_;  // [pairs]
};

}  // namespace wf
