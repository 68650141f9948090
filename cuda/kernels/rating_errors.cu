// Errors of the predictions of ratings.
//
//   sums += loss, error^2, |error| and count of score(user[n], item[n]) against value[n]
//
// shapes  user, item, value [n]; one ErrorSums per block
// launch  two lanes per rating, 128 ratings per block
// moves   8 * rank + 12 bytes per rating, 8 more with biases; 4 * rank of factors of 16 bits
// order   scores in sum_in_lanes' order, but not those of factors of 16 bits; sums in a fixed tree that depends on n
//         alone: repeatable
#include "cuda/device/errors.cuh"
#include "cuda/device/score.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

template <class Rank>
__global__ void __launch_bounds__(kBlockThreads)
    rating_errors_kernel(ModelView<const float, Device> model, ScoreOptions options, RatingsView<Device> ratings,
                         ErrorSums* sums_of_block, Rank rank) {
  ErrorSums sums;
  for (PairWalk walk = pair_walk(ratings.size()); walk.warp_has_work(); walk.piece += walk.step) {
    const Position n = walk.piece;
    const bool here = walk.has_piece();
    const float score =
        pair_score(model, options, here ? ratings.user[n] : kNobody, here ? ratings.item[n] : kNobody, rank);
    if (here && this_half() == 0) add_error(options.loss, sums, score, ratings.value[n]);
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

void Cuda::rating_errors(const ModelView<const float, Device>& model, const ScoreOptions& options,
                         const RatingsView<Device>& ratings) {
  if (ratings.size() == 0) return;
  const Range range("rating errors");
  const Shape shape = pairs_over(ratings.size());
  const auto run = [&](auto rank) {
    launch(gpu_, "rating_errors", shape, rating_errors_kernel<decltype(rank)>, model, options, ratings,
           error_partials(shape.blocks), rank);
  };
  if (model.storage == Storage::fp16) return run(RankOf<0, true, Storage::fp16>{model.rank()});
  if (model.storage == Storage::bf16) return run(RankOf<0, true, Storage::bf16>{model.rank()});
  with_model_rank(model, run);
}

}  // namespace wf
