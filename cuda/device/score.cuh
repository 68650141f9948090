// The score of a rating, by a pair of lanes.
#pragma once
#include "cuda/device/pair.cuh"
#include "host/kernels/score.hpp"

namespace wf {

/// Callers: all lanes of the warp; both lanes of a pair with the same user and item.
template <class Rank>
__device__ inline float pair_score(const ModelView<const float, Device>& model, const ScoreOptions& options, RowId user,
                                   RowId item, Rank rank) {
  const bool known = is_row(model.user_factors, user) && is_row(model.item_factors, item);
  const float* p = known ? model.user_factors.row(user) : nullptr;
  const float* q = known ? model.item_factors.row(item) : nullptr;
  const float product = pair_dot(known, p, q, rank);
  double user_norm = 0, item_norm = 0;
  if (options.norm_limit.active()) {
    user_norm = pair_norm(known, p, rank.count(), options.norm_limit.norm_type);
    item_norm = pair_norm(known, q, rank.count(), options.norm_limit.norm_type);
  }
  return score_by<float>(
      model, options, user, item, [=](const float*, const float*) { return product; },
      [=](const float* row) { return row == p ? user_norm : item_norm; });
}

template <class F>
void with_model_rank(const ModelView<const float, Device>& model, const F& f) {
  with_rank(model.rank(), has_vector_rows(model.user_factors) && has_vector_rows(model.item_factors), f);
}

inline constexpr RowId kNobody = -1;  ///< in place of a user or item where a pair has no piece

}  // namespace wf
