// One SGD step for each rating of the blocks, in order within a block; blocks share no row.
//
//   err = r - <p_u, q_i>;  p_u += lr (err q_i - lambda p_u);  q_i += lr (err p_u - lambda q_i), from the old p_u
//   Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009
//
// shapes  ratings.user, .item, .value [n]; blocks [b]; user_factors [n_users x rank], item_factors [n_items x rank]
// launch  a warp per block of ratings, alone in its thread block; 2 * rank floats of dynamic shared memory
// moves   16 * rank + 12 bytes per rating: both rows read and written once
// order   the block's own, dot products in sum_in_lanes' order: the same bits as the cpu engine, racing or repeatable
#include "cuda/device/errors.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

__global__ void __launch_bounds__(kWarp)
    sgd_update_kernel(ModelView<float, Device> model, RatingsView<Device> ratings, Span<const Block, Device> blocks,
                      Loss loss, float lr, RowPenalties<Device> penalties, ErrorSums* sums_of_block) {
  WF_DYNAMIC_SHARED(float, p);  // [2 x rank]: the rating's two rows as they were
  const int rank = model.rank();
  float* q = p + rank;
  const int lane = this_lane();
  const Block block = blocks[blockIdx.x];
  ErrorSums sums;
  for (Position n = block.begin; n < block.end; ++n) {
    const RowId u = ratings.user[n];
    const RowId i = ratings.item[n];
    float* user = model.user_factors.row(u);
    float* item = model.item_factors.row(i);
    for (int f = lane; f < rank; f += kWarp) {
      p[f] = user[f];
      q[f] = item[f];
    }
    __syncwarp();
    float predicted = pair_sum<float>(rank, [=](int f) { return p[f] * q[f]; });  // by all 16 pairs alike
    if (model.has_biases()) {
      predicted = predicted + *model.user_biases.row(u) + *model.item_biases.row(i) + model.global_mean;
    }
    const float half_slope = loss_slope(loss, predicted, ratings.value[n]) / 2;
    const float lambda_user = penalty_of(penalties.user, u);
    const float lambda_item = penalty_of(penalties.item, i);
    __syncwarp();  // all have the old rows and biases
    for (int f = lane; f < rank; f += kWarp) {
      sgd_rule(p[f], q[f], half_slope, lr, lambda_user, lambda_item);
      user[f] = p[f];
      item[f] = q[f];
    }
    if (lane == 0) {
      add_error(loss, sums, predicted, ratings.value[n]);
      if (model.has_biases()) {
        sgd_bias_rule(*model.user_biases.row(u), half_slope, lr, penalty_of(penalties.user_bias, u));
        sgd_bias_rule(*model.item_biases.row(i), half_slope, lr, penalty_of(penalties.item_bias, i));
      }
    }
    __syncwarp();  // the next rating may be of the same rows
  }
  if (lane == 0) add(sums_of_block[blockIdx.x], sums);
}

}  // namespace

void Cuda::sgd_update(const ModelView<float, Device>& model, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, Loss loss, float lr, const RowPenalties<Device>& penalties) {
  if (blocks.empty()) return;
  const Range range("sgd update");
  const Position bytes = blocks.size * Position{sizeof(Block)};
  blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), blocks_.data(), {{blocks.data, bytes}});
  const Position shared_bytes = 2 * model.rank() * Position{sizeof(float)};
  launch(gpu_, "sgd_update", {blocks.size, kWarp, shared_bytes}, sgd_update_kernel, model, ratings,
         Span<const Block, Device>{blocks_.data(), blocks.size}, loss, lr, penalties, error_partials(blocks.size));
}

}  // namespace wf
