// Scores of a block of users against all items.
//
//   scores[n][i] = score(users[n], i)
//
// shapes  users [n], scores [n x n_items]
// launch  with cuBLAS: rows gathered, one SGEMM, then biases added, a thread per score; without it, with max_norm or in
//         the repeatable order: two lanes per score, 128 scores per block
// moves   SGEMM: 4 * (n + n_items) * rank + 12 * n * n_items bytes; pairs: 8 * rank + 4 bytes per score
// order   SGEMM's own; pairs: sum_in_lanes, the same bits as the cpu engine
#include "cuda/device/score.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    score_items_kernel(ModelView<const float, Device> model, ScoreOptions options, Span<const RowId, Device> users,
                       Rows<float, Device> scores, Rank rank) {
  const Position n_items = scores.rank;
  for (PairWalk walk = pair_walk(users.size * n_items); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece / n_items;
    const auto item = static_cast<RowId>(walk.piece - n * n_items);
    const bool here = walk.has_piece();
    const float score = pair_score(model, options, here ? users[n] : kNobody, item, rank);
    if (here && this_half() == 0) scores.row(n)[item] = score;
  }
}

/// to.row(n) = table.row(rows[n]), zeros for a row that is not in the table.
__global__ void gather_rows_kernel(Rows<const float, Device> table, Span<const RowId, Device> rows,
                                   Rows<float, Device> to) {
  const Walk walk = thread_walk();
  for (Position at = walk.first; at < rows.size * to.rank; at += walk.step) {
    const Position n = at / to.rank, f = at - n * to.rank;
    to.row(n)[f] = is_row(table, rows[n]) ? table.row(rows[n])[f] : 0.0F;
  }
}

/// From dot products to scores, in place.
__global__ void add_biases_kernel(ModelView<const float, Device> model, ScoreOptions options,
                                  Span<const RowId, Device> users, Rows<float, Device> scores) {
  const Walk walk = thread_walk();
  const Position n_items = scores.rank;
  for (Position at = walk.first; at < users.size * n_items; at += walk.step) {
    const Position n = at / n_items;
    const auto item = static_cast<RowId>(at - n * n_items);
    float& value = scores.row(n)[item];
    value = score_by<float>(
        model, options, users[n], item, [value](const float*, const float*) { return value; },
        [](const float*) { return 0.0; });
  }
}

}  // namespace

void Cuda::score_items(const ModelView<const float, Device>& model, const ScoreOptions& options,
                       Span<const RowId, Device> users, Rows<float, Device> scores) {
  const Position n_scores = checked_product(users.size, scores.rank);
  if (n_scores == 0) return;
  const Range range("score items");
  if (order_ == Order::repeatable || options.norm_limit.active() || !blas_.available()) {
    with_model_rank(model, [&](auto rank) {
      launch(gpu_, "score_items", pairs_over(n_scores), score_items_kernel<decltype(rank)>, model, options, users,
             scores, rank);
    });
    return;
  }
  const int rank = model.rank();
  user_rows_.grow(checked_product(users.size, rank), gpu_.compute());
  const Rows<float, Device> gathered{user_rows_.data(), users.size, rank, rank};
  launch(gpu_, "score_items", threads_over(users.size * rank), gather_rows_kernel, model.user_factors, users, gathered);
  blas_.products(gpu_, gathered, model.item_factors, scores);
  launch(gpu_, "score_items", threads_over(n_scores), add_biases_kernel, model, options, users, scores);
}

}  // namespace wf
