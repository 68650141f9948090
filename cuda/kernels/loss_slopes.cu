// Gather, dot product and error of a batch: the first half of a mini-batch step.
//
//   slopes[n] = scale * d loss(score_n, value[n]) / d score_n,  score_n = <p_u, q_i> + b_u + b_i + mean
//   sums     += loss, error^2, |error| and count
//
// shapes  batch.user, .item, .value, slopes [n]; user_factors [n_users x rank], item_factors [n_items x rank]
// launch  two lanes per rating, 128 ratings per block
// moves   8 * rank + 16 bytes per rating, 8 more with biases: both rows read once
// order   scores in sum_in_lanes' order, sums in a fixed tree: repeatable, slopes the same bits as the cpu engine's
#include "cuda/device/errors.cuh"
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    loss_slopes_kernel(ModelView<const float, Device> model, RatingsView<Device> batch, Loss loss, float scale,
                       Span<float, Device> slopes, ErrorSums* sums_of_block, Rank rank) {
  ErrorSums sums;
  for (PairWalk walk = pair_walk(batch.size()); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece;
    const bool here = walk.has_piece();
    const float score =
        pair_score(model, ScoreOptions{}, here ? batch.user[n] : kNobody, here ? batch.item[n] : kNobody, rank);
    if (!here || this_half() != 0) continue;
    slopes[n] = scale * loss_slope(loss, score, batch.value[n]);
    add_error(loss, sums, score, batch.value[n]);
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

void Cuda::loss_slopes(const ModelView<const float, Device>& model, const RatingsView<Device>& batch, Loss loss,
                       float scale, Span<float, Device> slopes) {
  if (batch.size() == 0) return;
  const Range range("loss slopes");
  const Shape shape = pairs_over(batch.size());
  with_model_rank(model, [&](auto rank) {
    launch(gpu_, "loss_slopes", shape, loss_slopes_kernel<decltype(rank)>, model, batch, loss, scale, slopes,
           error_partials(shape.blocks), rank);
  });
}

}  // namespace wf
