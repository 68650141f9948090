// One SGD step for each rating of the blocks, in order within a block; blocks share no row.
//
//   err = -loss' / 2 of <p_u, q_i>;  p_u = keep_u p_u + take_u q_i;  q_i = keep_i q_i + take_i p_u, from the old p_u
//   sgd: keep = 1 - lr lambda, take = lr err; row_adagrad: lr / sqrt(accumulator) of the part of the row for lr
//   Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009
//   Chin, Zhuang, Juan, Lin: A learning-rate schedule for stochastic gradient methods to matrix factorization. PAKDD
//   2015
//
// shapes  ratings.user, .item, .value [n]; blocks [b]; user_factors [n_users x rank], item_factors [n_items x rank];
//         states [n x 4]
// launch  a warp per block of ratings, alone in its thread block; 2 * rank floats of dynamic shared memory
// moves   16 * rank + 12 bytes per rating: both rows read and written once; row_adagrad: 64 more
// order   the block's own, dot products in sum_in_lanes' order, products fused into sums: the bits of the cpu engine,
// racing or
//         repeatable
#include "cuda/device/errors.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

/// The steps of one rating: of the slow factors (of all, without row_adagrad), and of the others.
struct PairSteps {
  Step<float> user_first, item_first, user_rest, item_rest;
  bool rest = true;  ///< do the others move?
};

/// row_adagrad's, by all lanes alike; one lane then keeps the new state.
struct AdagradPair {
  float user[kAdagradColumns], item[kAdagradColumns];

  __device__ AdagradPair(const float* user_state, const float* item_state) {
    for (int c = 0; c < kAdagradColumns; ++c) {
      user[c] = user_state[c];
      item[c] = item_state[c];
    }
  }
  __device__ PairSteps steps(const SgdSettings& settings, float error, float lambda_user, float lambda_item,
                             float slow_product, float product) {
    PairSteps result;
    part(kSlowSum, kSlowLength, settings.slow_share, settings.lr, error, lambda_user, lambda_item, slow_product,
         result.user_first, result.item_first);
    result.rest = !settings.slow_only;
    if (result.rest) {
      part(kFastSum, kFastLength, settings.fast_share, settings.lr, error, lambda_user, lambda_item,
           product - slow_product, result.user_rest, result.item_rest);
    }
    return result;
  }
  __device__ void part(int sum, int length, float share, float lr, float error, float lambda_user, float lambda_item,
                       float product, Step<float>& of_user, Step<float>& of_item) {
    const float user_length = user[length], item_length = item[length];
    of_user = row_adagrad_rule(error, lr, lambda_user, share, product, item_length, user[sum], user[length]);
    of_item = row_adagrad_rule(error, lr, lambda_item, share, product, user_length, item[sum], item[length]);
  }
  __device__ void keep(float* user_state, float* item_state) const {
    for (int c = 0; c < kAdagradColumns; ++c) {
      user_state[c] = user[c];
      item_state[c] = item[c];
    }
  }
};

/// Elements of both rows, this lane's: from shared memory, where they are as they were, to the tables.
__device__ inline void update_rows(const SgdSettings& settings, const PairSteps& steps, int rank, float* p, float* q,
                                   float* user, float* item) {
  const int first = settings.adagrad ? slow_factors(rank) : rank;
  for (int f = this_lane(); f < (steps.rest ? rank : first); f += kWarp) {
    const Step<float>& of_user = f < first ? steps.user_first : steps.user_rest;
    const Step<float>& of_item = f < first ? steps.item_first : steps.item_rest;
    apply(of_user, of_item, p[f], q[f], FusedMultiplyAdd{});
    if (settings.projects()) {
      p[f] = projected(p[f], of_user.rate * settings.l1_user, settings.nonnegative);
      q[f] = projected(q[f], of_item.rate * settings.l1_item, settings.nonnegative);
    }
    user[f] = p[f];
    item[f] = q[f];
  }
}

__device__ inline void update_biases(const ModelView<float, Device>& model, const SgdSettings& settings,
                                     const RowPenalties<Device>& penalties, const PairSteps& steps, RowId u, RowId i,
                                     float error) {
  const float share = settings.adagrad ? settings.bias_rate : 1;
  bias_rule(error, share * steps.user_first.rate, penalty_of(penalties.user_bias, u), *model.user_biases.row(u));
  bias_rule(error, share * steps.item_first.rate, penalty_of(penalties.item_bias, i), *model.item_biases.row(i));
}

__global__ void __launch_bounds__(kWarp)
    sgd_update_kernel(ModelView<float, Device> model, RatingsView<Device> ratings, Span<const Block, Device> blocks,
                      SgdSettings settings, RowPenalties<Device> penalties, RowStates<Device> states,
                      ErrorSums* sums_of_block) {
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
    const auto add_product = [=](float sum, int f) { return FusedMultiplyAdd{}(p[f], q[f], sum); };
    const float product = pair_fold<float>(rank, add_product);  // by all 16 pairs alike
    float predicted = product;
    if (model.has_biases()) {
      predicted = predicted + *model.user_biases.row(u) + *model.item_biases.row(i) + model.global_mean;
    }
    const float error = -loss_slope(settings.loss, predicted, ratings.value[n]) / 2;
    const float lambda_user = settings.lambda_user + penalty_of(penalties.user, u);
    const float lambda_item = settings.lambda_item + penalty_of(penalties.item, i);
    PairSteps steps;
    if (settings.adagrad) {
      AdagradPair pair(states.user.row(u), states.item.row(i));
      steps = pair.steps(settings, error, lambda_user, lambda_item, pair_fold<float>(slow_factors(rank), add_product),
                         product);
      __syncwarp();  // all have the old state
      if (lane == 0) pair.keep(states.user.row(u), states.item.row(i));
    } else {
      steps.user_first = steps.user_rest = sgd_rule(error, settings.lr, lambda_user);
      steps.item_first = steps.item_rest = sgd_rule(error, settings.lr, lambda_item);
    }
    __syncwarp();  // all have the old rows and biases
    update_rows(settings, steps, rank, p, q, user, item);
    if (lane == 0) {
      add_error(settings.loss, sums, predicted, ratings.value[n]);
      if (model.has_biases()) update_biases(model, settings, penalties, steps, u, i, error);
    }
    __syncwarp();                                                // the next rating may be of the same rows
    if (settings.adagrad && settings.projects() && lane == 0) {  // a projected row is not as long as the rule says
      measure_row(user, rank, states.user.row(u));
      measure_row(item, rank, states.item.row(i));
    }
    __syncwarp();
  }
  if (lane == 0) add(sums_of_block[blockIdx.x], sums);
}

}  // namespace

void Cuda::sgd_update(const ModelView<float, Device>& model, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties, const RowStates<Device>& states) {
  if (blocks.empty()) return;
  const Range range("sgd update");
  const Position bytes = blocks.size * Position{sizeof(Block)};
  blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), blocks_.data(), {{blocks.data, bytes}});
  const Position shared_bytes = 2 * model.rank() * Position{sizeof(float)};
  launch(gpu_, "sgd_update", {blocks.size, kWarp, shared_bytes}, sgd_update_kernel, model, ratings,
         Span<const Block, Device>{blocks_.data(), blocks.size}, settings, penalties, states,
         error_partials(blocks.size));
}

}  // namespace wf
