// Scores of pairs.
//
//   scores[n] = <p_u, q_i> + b_u + b_i + mean,  u = user[n], i = item[n]
//
// shapes  user, item, scores [n]; user_factors [n_users x rank], item_factors [n_items x rank]
// launch  two lanes per pair, 128 pairs per block
// moves   8 * rank + 12 bytes per pair, 8 more with biases
// order   sum_in_lanes: repeatable, and the same bits as the cpu engine
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    predict_kernel(ModelView<const float, Device> model, ScoreOptions options, Span<const RowId, Device> user,
                   Span<const RowId, Device> item, Span<float, Device> scores, Rank rank) {
  for (PairWalk walk = pair_walk(user.size); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece;
    const bool here = walk.has_piece();
    const float score = pair_score(model, options, here ? user[n] : kNobody, here ? item[n] : kNobody, rank);
    if (here && this_half() == 0) scores[n] = score;
  }
}

}  // namespace

void Cuda::predict(const ModelView<const float, Device>& model, const ScoreOptions& options,
                   Span<const RowId, Device> user, Span<const RowId, Device> item, Span<float, Device> scores) {
  if (user.empty()) return;
  const Range range("predict");
  with_model_rank(model, [&](auto rank) {
    launch(gpu_, "predict", pairs_over(user.size), predict_kernel<decltype(rank)>, model, options, user, item, scores,
           rank);
  });
}

}  // namespace wf
