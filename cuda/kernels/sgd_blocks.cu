// sgd_update, repeatable: one SGD step for each rating of the blocks, in order within a block; blocks share no row.
//
//   err = -loss' / 2 of <p_u, q_i>;  p_u = keep_u p_u + take_u q_i;  q_i = keep_i q_i + take_i p_u, from the old p_u
//   sgd: keep = 1 - lr lambda, take = lr err; row_adagrad: lr / sqrt(accumulator) of the part of the row for lr, and
//   keep goes to the scale of that part (host/kernels/sgd_rules.hpp)
//   Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8), 2009
//   Chin, Zhuang, Juan, Lin: A learning-rate schedule for stochastic gradient methods to matrix factorization. PAKDD
//   2015
//
// shapes  ratings.user, .item, .value [n]; blocks [b]; tables.user [n_users x rank], .item [n_items x rank], with
//         records
// launch  a warp per block of ratings, alone in its thread block; 2 * rank floats of dynamic shared memory
// moves   16 * rank + 140 bytes per rating: both rows and their records read and written once
// order   the block's own, dot products in sum_in_lanes' order, products fused into sums: the bits of the cpu
//         engine
#include "cuda/device/errors.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/losses.hpp"

namespace wf {
namespace {

/// Of a rating's two rows: over the slow factors, and over the others.
struct Products {
  float slow, fast;
};

/// One of these rows: its record and its step, held by all lanes alike.
struct Side {
  float record[kRecord];
  Step<float> slow, fast;
  float slow_push = 0, fast_push = 0;  // where decays go to scales
  bool unscale = false;                // the scales have become small

  __device__ explicit Side(const float* row) {
    for (int c = 0; c < kRecord; ++c) record[c] = record_of(row)[c];
  }
  __device__ Step<float> step(bool is_slow) const { return is_slow ? slow : fast; }
  __device__ void keep(float* row) {
    if (unscale) record[kSlowScale] = record[kFastScale] = 1;
    for (int c = 0; c < kRecord; ++c) record_of(row)[c] = record[c];
  }
  __device__ void move_scales(float slow_partner, float fast_partner) {
    ScaledStep<float> step{record[kSlowScale], record[kFastScale], 0, 0};
    step.move(slow, fast, slow_partner, fast_partner);
    record[kSlowScale] = step.slow_scale;
    record[kFastScale] = step.fast_scale;
    slow_push = step.slow_push;
    fast_push = step.fast_push;
    unscale = !(step.slow_scale >= kLeastScale && step.fast_scale >= kLeastScale);
  }
  /// An element after a push, times the scale of its part where that is due.
  __device__ float settled(float value, bool is_slow) const {
    return unscale ? value * (is_slow ? record[kSlowScale] : record[kFastScale]) : value;
  }
};

/// The steps of both rows for their factors; the sums and lengths of row_adagrad follow.
__device__ inline void take_steps(const SgdSettings& settings, float error, float lambda_user, float lambda_item,
                                  const Products& products, Side& user, Side& item) {
  if (!settings.adagrad) {
    user.slow = user.fast = sgd_rule(error, settings.lr, lambda_user);
    item.slow = item.fast = sgd_rule(error, settings.lr, lambda_item);
    return;
  }
  const auto part = [&](int sum, int length, float share, float product, Step<float>& of_user, Step<float>& of_item) {
    const float user_length = user.record[length], item_length = item.record[length];
    of_user = row_adagrad_rule(error, settings.lr, lambda_user, share, product, item_length, user.record[sum],
                               user.record[length]);
    of_item = row_adagrad_rule(error, settings.lr, lambda_item, share, product, user_length, item.record[sum],
                               item.record[length]);
  };
  part(kSlowSum, kSlowLength, settings.slow_share, products.slow, user.slow, item.slow);
  user.fast = item.fast = {1, 0, 0};
  if (!settings.slow_only) {
    part(kFastSum, kFastLength, settings.fast_share, products.fast, user.fast, item.fast);
  }
}

/// Of the biases, after take_steps.
__device__ inline void step_biases(float error, float bias_rate, Side& user, Side& item) {
  bias_rule(error, bias_rate * user.slow.rate, user.record[kBiasShare], user.record[kBias]);
  bias_rule(error, bias_rate * item.slow.rate, item.record[kBiasShare], item.record[kBias]);
}

/// Elements of both rows, this lane's: from shared memory, where they are as they were, to the tables.
__device__ inline void update_rows(const SgdSettings& settings, const Side& of_user, const Side& of_item, int rank,
                                   float* p, float* q, float* user, float* item) {
  const FusedMultiplyAdd multiply_add;
  const int slow = slow_factors(rank);
  for (int f = this_lane(); f < (settings.slow_only ? slow : rank); f += kWarp) {
    const bool is_slow = f < slow;
    const Step<float> user_step = of_user.step(is_slow);
    const Step<float> item_step = of_item.step(is_slow);
    if (settings.scales()) {
      const float old = p[f];
      p[f] = of_user.settled(multiply_add(is_slow ? of_user.slow_push : of_user.fast_push, q[f], p[f]), is_slow);
      q[f] = of_item.settled(multiply_add(is_slow ? of_item.slow_push : of_item.fast_push, old, q[f]), is_slow);
    } else {
      apply(user_step, item_step, p[f], q[f], multiply_add);
    }
    if (settings.projects()) {
      p[f] = projected(p[f], user_step.rate * settings.l1_user, settings.nonnegative);
      q[f] = projected(q[f], item_step.rate * settings.l1_item, settings.nonnegative);
    }
    user[f] = p[f];
    item[f] = q[f];
  }
}

__global__ void __launch_bounds__(kWarp)
    sgd_blocks_kernel(SgdTables<Device> tables, RatingsView<Device> ratings, Span<const Block, Device> blocks,
                      SgdSettings settings, RowPenalties<Device> penalties, ErrorSums* sums_of_range) {
  WF_DYNAMIC_SHARED(float, p);  // [2 x rank]: the rating's two rows as they were
  const int rank = tables.rank();
  const int slow = slow_factors(rank);
  const float global_mean = tables.biases ? tables.global_mean : 0;
  const float bias_rate = settings.rate_of_biases(tables.biases);
  float* q = p + rank;
  const int lane = this_lane();
  const Block block = blocks[blockIdx.x];
  ErrorSums sums;
  for (Position n = block.begin; n < block.end; ++n) {
    const RowId u = ratings.user[n];
    const RowId i = ratings.item[n];
    float* user_row = tables.user.row(u);
    float* item_row = tables.item.row(i);
    for (int f = lane; f < rank; f += kWarp) {
      p[f] = user_row[f];
      q[f] = item_row[f];
    }
    Side user(user_row), item(item_row);
    __syncwarp();                                  // all have the old rows and records
    const auto fold = [=](int first, int count) {  // by all 16 pairs alike
      return pair_fold<float>(count,
                              [=](float sum, int f) { return FusedMultiplyAdd{}(p[first + f], q[first + f], sum); });
    };
    Products products{fold(0, slow), fold(slow, rank - slow)};
    const float user_slow = user.record[kSlowScale], user_fast = user.record[kFastScale];
    const float item_slow = item.record[kSlowScale], item_fast = item.record[kFastScale];
    if (settings.scales()) {
      products.slow *= user_slow * item_slow;
      products.fast *= user_fast * item_fast;
    }
    const float predicted = products.slow + products.fast + (user.record[kBias] + item.record[kBias]) + global_mean;
    const float error = -loss_slope(settings.loss, predicted, ratings.value[n]) / 2;
    take_steps(settings, error, settings.lambda_user + penalty_of(penalties.user, u),
               settings.lambda_item + penalty_of(penalties.item, i), products, user, item);
    step_biases(error, bias_rate, user, item);
    if (settings.scales()) {
      user.move_scales(item_slow, item_fast);
      item.move_scales(user_slow, user_fast);
    }
    __syncwarp();  // all have formed the products
    update_rows(settings, user, item, rank, p, q, user_row, item_row);
    if (lane == 0) {
      user.keep(user_row);
      item.keep(item_row);
      add_error(settings.loss, sums, predicted, ratings.value[n]);
    }
    __syncwarp();                                   // the next rating may be of the same rows
    if (settings.adagrad && settings.projects()) {  // a projected row is not as long as the rule says
      if (lane == 0) {
        measure_row(user_row, rank);
        measure_row(item_row, rank);
      }
      __syncwarp();
    }
  }
  if (lane == 0) add(sums_of_range[block.user_range], sums);  // in the same order whatever is launched together
}

}  // namespace

void Cuda::sgd_blocks(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties) {
  blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), blocks_.data(), {{blocks.data, blocks.size * Position{sizeof(Block)}}});
  const Position shared_bytes = 2 * tables.rank() * Position{sizeof(float)};
  launch(gpu_, "sgd_update", {blocks.size, kWarp, shared_bytes}, sgd_blocks_kernel, tables, ratings,
         Span<const Block, Device>{blocks_.data(), blocks.size}, settings, penalties,
         error_partials(ranges_of(blocks)));
}

}  // namespace wf
