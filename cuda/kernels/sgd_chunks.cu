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
// launch  a lane a vector, a power of two from 4 to 32 lanes a chunk, 256 threads a block; above four vectors a lane a
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

#include <algorithm>
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

/// Random bits of a lane for a chunk, where factors are rounded.
template <int kFactors>
__device__ inline RoundingBits rounding_bits(const SgdSettings& settings, const Chunk& chunk) {
  if constexpr (kFactors == 4) return RoundingBits(0);
  const auto draw = static_cast<std::uint64_t>(chunk.begin) * kWarp + static_cast<std::uint64_t>(this_lane());
  return RoundingBits(random_bits(settings.seed, Purpose::rounding, draw, settings.epoch).word[0]);
}

// one block a multiprocessor is enough: asked for more, ptxas spills
template <int kFactors, int kGroup, int kVectors>
__global__ void __launch_bounds__(kBlockThreads, 1) sgd_chunks_kernel(ChunkWork work, ErrorSums* sums_of_block) {
  using Lanes = Group<kFactors, kGroup, kVectors>;
  using Row = typename Lanes::Row;
  const Lanes group(work.tables);
  const SgdSettings& settings = work.settings;
  const RatingsView<Device>& ratings = work.ratings;
  const Rows<float, Device>&users = work.tables.user, &items = work.tables.item;
  const float mean = work.tables.biases ? work.tables.global_mean : 0;
  const float lambda = group.of_item() ? settings.lambda_item : settings.lambda_user;
  const Span<const float, Device> penalties = group.of_item() ? work.penalties.item : work.penalties.user;
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
    typename Lanes::State state{}, next_state{};
    RoundingBits random = rounding_bits<kFactors>(settings, chunk);
    FewErrors errors;
    RowId u = 0, i = 0;
    float *user_row = nullptr, *item_row = nullptr;
    if (chunk.begin < chunk.end) {
      u = ratings.user[chunk.begin];
      i = ratings.item[chunk.begin];
      user_row = users.row(u);
      item_row = items.row(i);
      group.load(user_row, user);
      group.load(item_row, item);
      state = group.load_state(group.of_item() ? item_row : user_row);
    }
    for (Position n = chunk.begin, steps = 0; steps < kChunkRatings; ++n, ++steps) {
      const bool active = n < chunk.end, last = n + 1 >= chunk.end;
      if (__all_sync(kAllLanes, !active)) break;
      __syncwarp();  // lanes load records that others have stored
      RowId next_u = u, next_i = i;
      if (!last) {
        next_u = ratings.user[n + 1];
        next_i = ratings.item[n + 1];
      }
      const bool item_goes = last || next_i != i, user_goes = last || next_u != u;
      float* const next_item_row = items.row(next_i);
      float* const next_user_row = user_goes ? users.row(next_u) : user_row;
      const bool own_goes = group.of_item() ? item_goes : user_goes;
      if (!last) {
        if (Lanes::kRegisters && item_goes) group.load(next_item_row, next_item);
        if (Lanes::kRegisters && user_goes) group.load(next_user_row, next_user);
        if (own_goes) next_state = group.load_state(group.of_item() ? next_item_row : next_user_row);
      }
      const float rating = active ? ratings.value[n] : 0;
      const float penalty = lambda + penalty_of(penalties, group.of_item() ? i : u);
      const float predicted = group.step(settings, mean, work.tables.biases, penalty, rating, user, item, state);
      if (!active) continue;
      if (group.counts()) add_error(settings.loss, errors, predicted, rating);
      if (item_goes) {
        group.store(item, item_row, random);
        group.store_state(state, item_row, true);
        if (!Lanes::kRegisters && !last) group.load(next_item_row, next_item);
        item = next_item;
      }
      if (user_goes) {
        group.store(user, user_row, random);
        group.store_state(state, user_row, false);
        if (!Lanes::kRegisters && !last) group.load(next_user_row, next_user);
        user = next_user;
      }
      if (own_goes) state = next_state;
      u = next_u;
      i = next_i;
      user_row = next_user_row;
      item_row = next_item_row;
    }
    add(sums, errors);
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
  const Position at_once = most_chunks_at_once(chunks * kChunkRatings * blocks.size);
  const auto run = [&]<int kFactors>() {
    const int vectors = tables.rank() / kFactors;
    with_group(vectors, [&]<int kGroup, int kVectors>() {
      const bool small = kVectors == 0 || at_once < 8 * kBlockThreads / kGroup;
      const int threads = small ? kWarp : kBlockThreads;
      const Position row_floats = kVectors > 0 ? 0 : (vectors + kWarp - 1) / kWarp * kWarp * kFactors;
      const Shape shape =
          grid_over(std::min(chunks, at_once), threads / kGroup, threads, 2 * row_floats * Position{sizeof(float)});
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
