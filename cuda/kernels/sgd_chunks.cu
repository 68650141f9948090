// sgd_update, racing: one SGD step for each rating of the blocks, thousands at once. A group of lanes takes a chunk of
// ratings after the other (host/schedule/chunks.hpp), a user's row in registers for as long as its ratings last, and
// asks for the rows of the next rating before it steps this one.
//
//   err = -loss' / 2 of <p_u, q_i>;  p_u = keep_u p_u + take_u q_i;  q_i = keep_i q_i + take_i p_u, from the old p_u
//   sgd: keep = 1 - lr lambda, take = lr err; row_adagrad: lr / sqrt(accumulator) of the part of the row for lr
//   (host/kernels/sgd_rules.hpp; scales stay 1: two writers would not agree on them)
//   Niu, Recht, Re, Wright: Hogwild!: a lock-free approach to parallelizing stochastic gradient descent. NIPS 2011
//   Xie, Tan, Fong, Liang: CuMF_SGD: parallelized stochastic gradient descent for matrix factorization on GPUs. HPDC
//   2017
//
// shapes  ratings.user, .item, .value [n]; blocks [b]; tables.user [n_users x rank], .item [n_items x rank], with
//         records, rows of whole vectors of 16 bytes, four factors or eight
// launch  a lane a vector, a power of two from 2 to 32 lanes a chunk, 256 threads a block; above four vectors a lane a
//         warp a block and 2 * rank floats of dynamic shared memory; over chunks in random order
// moves   12 bytes a rating; 8 * rank + 64 bytes a rating for the item's row, read and written, from the second cache
//         where the items fit; as much for the user's row, a time per run of one user's ratings in a chunk; of factors
//         of 16 bits 4 * rank + 64
// order   in a chunk the ratings'; between chunks none: of two steps of a row at one time the later store is kept
#include "cuda/device/errors.cuh"
#include "cuda/device/sgd_group.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/losses.hpp"

#include <vector>

namespace wf {
namespace {

/// What all chunks of a launch have in common.
struct ChunkWork {
  SgdTables<Device> tables;
  RatingsView<Device> ratings;
  Span<const ChunkedBlock, Device> blocks;
  Position chunks;
  Scatter scatter;
  SgdSettings settings;
  RowPenalties<Device> penalties;
};

/// One step; the errors before it are added by the lane that counts.
template <class Lanes>
__device__ inline void step_rating(const ChunkWork& work, const Lanes& group, RowId u, RowId i, float value,
                                   bool active, typename Lanes::Row& user, typename Lanes::Row& item, ErrorSums& sums) {
  const SgdSettings& settings = work.settings;
  const bool biases = work.tables.biases;
  const Products products = group.products(user, item);
  const float predicted = products.slow + products.fast + (user.record[kBias] + item.record[kBias]) +
                          (biases ? work.tables.global_mean : 0);
  const float error = -loss_slope(settings.loss, predicted, value) / 2;
  if (active && group.lane == 0) add_error(settings.loss, sums, predicted, value);
  take_steps(settings, error, settings.lambda_user + penalty_of(work.penalties.user, u),
             settings.lambda_item + penalty_of(work.penalties.item, i), products, user, item);
  step_biases(error, settings.rate_of_biases(biases), user, item);
  group.apply_steps(settings, user, item);
  if (settings.adagrad && settings.projects()) {
    group.measure(user);
    group.measure(item);
  }
}

template <int kFactors, int kGroup, int kVectors>
__global__ void __launch_bounds__(kBlockThreads) sgd_chunks_kernel(ChunkWork work, ErrorSums* sums_of_block) {
  using Lanes = Group<kFactors, kGroup, kVectors>;
  using Row = typename Lanes::Row;
  const Lanes group{work.tables.rank(), work.tables.storage};
  const RatingsView<Device>& ratings = work.ratings;
  const int groups = static_cast<int>(blockDim.x) / kGroup;
  const Walk walk{Position{blockIdx.x} * groups + threadIdx.x / kGroup, Position{gridDim.x} * groups};
  ErrorSums sums;
  // all groups of a warp make as many steps: those without a chunk, or with a shorter one, make theirs for nothing
  for (Position turn = walk.first; turn - this_lane() / kGroup < work.chunks; turn += walk.step) {
    Chunk chunk;
    if (turn < work.chunks) chunk = chunk_of(work.blocks, work.scatter(turn));
    Row user{}, item{}, next_user{}, next_item{};
    if constexpr (!Lanes::kRegisters) {
      WF_DYNAMIC_SHARED(float, rows);
      user.value = next_user.value = rows;
      item.value = next_item.value = rows + kFactors * kWarp * group.vectors();
    }
    std::uint32_t start = 0;
    if constexpr (kFactors == 8) {
      const auto draw = static_cast<std::uint64_t>(chunk.begin) * kWarp + static_cast<std::uint64_t>(this_lane());
      start = random_bits(work.settings.seed, Purpose::rounding, draw, work.settings.epoch).word[0];
    }
    RoundingBits random(start);
    RowId u = 0, i = 0;
    if (chunk.begin < chunk.end) {
      u = ratings.user[chunk.begin];
      i = ratings.item[chunk.begin];
      group.load(work.tables.user.row(u), user);
      group.load(work.tables.item.row(i), item);
    }
    for (Position n = chunk.begin, steps = 0; steps < kChunkRatings; ++n, ++steps) {
      const bool active = n < chunk.end, last = n + 1 >= chunk.end;
      if (__all_sync(kAllLanes, !active)) break;
      __syncwarp();  // lanes load records that others have stored
      RowId next_u = u, next_i = i;
      if (!last) {
        next_u = ratings.user[n + 1];
        next_i = ratings.item[n + 1];
        if (Lanes::kRegisters && next_i != i) group.load(work.tables.item.row(next_i), next_item);
        if (Lanes::kRegisters && next_u != u) group.load(work.tables.user.row(next_u), next_user);
      }
      step_rating(work, group, u, i, active ? ratings.value[n] : 0, active, user, item, sums);
      if (!active) continue;
      if (last || next_i != i) {
        group.store(item, work.tables.item.row(i), random);
        if (!Lanes::kRegisters && !last) group.load(work.tables.item.row(next_i), next_item);
        item = next_item;
      }
      if (last || next_u != u) {
        group.store(user, work.tables.user.row(u), random);
        if (!Lanes::kRegisters && !last) group.load(work.tables.user.row(next_u), next_user);
        user = next_user;
      }
      u = next_u;
      i = next_i;
    }
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

}  // namespace

void Cuda::sgd_chunks(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                      Span<const Block, Host> blocks, const SgdSettings& settings,
                      const RowPenalties<Device>& penalties) {
  Position chunks = 0;
  const std::vector<ChunkedBlock> list = chunked(blocks, chunks);
  if (chunks == 0) return;
  chunked_blocks_.grow(blocks.size, gpu_.compute());
  transfer_.upload(gpu_.compute(), chunked_blocks_.data(),
                   {{list.data(), blocks.size * Position{sizeof(ChunkedBlock)}}});
  const ChunkWork work{tables,
                       ratings,
                       {chunked_blocks_.data(), blocks.size},
                       chunks,
                       order_of_chunks(blocks, chunks, settings.seed, settings.epoch),
                       settings,
                       penalties};
  allow_races(tables.user.data);
  allow_races(tables.item.data);
  const auto run = [&]<int kFactors>() {
    const int vectors = tables.rank() / kFactors;
    with_group(vectors, [&]<int kGroup, int kVectors>() {
      constexpr int kThreads = kVectors > 0 ? kBlockThreads : kWarp;
      const Position row_floats = kVectors > 0 ? 0 : (vectors + kWarp - 1) / kWarp * kWarp * kFactors;
      const Shape shape = grid_over(chunks, kThreads / kGroup, kThreads, 2 * row_floats * Position{sizeof(float)});
      launch(gpu_, "sgd_update", shape, sgd_chunks_kernel<kFactors, kGroup, kVectors>, work,
             error_partials(shape.blocks));
    });
  };
  if (tables.storage == Storage::fp32) {
    run.template operator()<4>();
  } else {
    run.template operator()<8>();
  }
}

}  // namespace wf
