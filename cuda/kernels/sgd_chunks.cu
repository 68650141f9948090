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
//         records, rows of whole vectors of four
// launch  rank / 4 lanes a chunk, a power of two from 2 to 32, 256 threads a block; above rank 512 a warp a block and
//         2 * rank floats of dynamic shared memory; over chunks in random order
// moves   12 bytes a rating; 8 * rank + 64 bytes a rating for the item's row, read and written, from the second cache
//         where the items fit; as much for the user's row, a time per run of one user's ratings in a chunk
// order   in a chunk the ratings'; between chunks none: of two steps of a row at one time the later store is kept
#include "cuda/device/errors.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/device/sgd_side.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/kernels/losses.hpp"

#include <type_traits>
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

/// kGroup lanes that step a rating together; lane l holds the vectors l, l + kGroup, ... of both rows, kVectors of
/// them, in registers; 0: any number, in shared memory. All lanes of a warp come to the shuffles at once.
template <int kGroup, int kVectors>
struct Group {
  static constexpr bool kRegisters = kVectors > 0;

  /// A row and its record.
  struct Row : Side {
    std::conditional_t<kRegisters, float4[kVectors + !kRegisters], float4*> value;
    /// The lane's vector v.
    __device__ float4& at(int v) {
      if constexpr (kRegisters) return value[v];
      return value[v * kWarp + this_lane()];
    }
  };

  int rank;
  int lane = this_lane<kGroup>();

  __device__ int vectors() const { return kRegisters ? kVectors : (rank + 4 * kGroup - 1) / (4 * kGroup); }
  __device__ int first_of(int vector) const { return 4 * (lane + vector * kGroup); }
  __device__ bool has(int vector) const { return first_of(vector) < rank; }
  __device__ bool is_slow(int vector) const { return vector == 0 && first_of(0) < kSlowFactors; }

  /// From the second cache: what is in the first does not see other multiprocessors' stores.
  __device__ void load(const float* from, Row& row) const {
    const auto* record = reinterpret_cast<const float4*>(record_of(from));
    const float4 low = __ldcg(record), high = __ldcg(record + 1);
    const float all[kRecord] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int c = 0; c < kRecord; ++c) row.record[c] = all[c];
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      row.at(v) = has(v) ? __ldcg(reinterpret_cast<const float4*>(from + first_of(v))) : float4{0, 0, 0, 0};
    }
  }
  __device__ void store(Row& row, float* to) const {
    const float* r = row.record;
    if (lane < 2) {
      const float4 half = lane == 0 ? float4{r[0], r[1], r[2], r[3]} : float4{r[4], r[5], r[6], r[7]};
      __stcg(reinterpret_cast<float4*>(record_of(to)) + lane, half);
    }
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      if (has(v)) __stcg(reinterpret_cast<float4*>(to + first_of(v)), row.at(v));
    }
  }

  /// <a, b> over both parts of the rows, in all lanes.
  __device__ Products products(Row& a, Row& b) const {
    float slow = 0, fast = 0;
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const float4 x = a.at(v), y = b.at(v);
      const float sum = fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, x.x * y.x)));
      (is_slow(v) ? slow : fast) += sum;
    }
#pragma unroll
    for (int apart = kGroup / 2; apart > 0; apart /= 2) fast += __shfl_xor_sync(kAllLanes, fast, apart, kGroup);
    const float other = __shfl_sync(kAllLanes, slow, 1, kGroup);  // slow factors are those of two lanes
    return {__shfl_sync(kAllLanes, slow, 0, kGroup) + other, fast};
  }

  /// All elements of both rows by the steps that are in them.
  __device__ void apply_steps(const SgdSettings& settings, Row& user, Row& item) const {
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const Step<float> of_user = user.step(is_slow(v)), of_item = item.step(is_slow(v));
      const auto one = [&](float& p, float& q) {
        apply(of_user, of_item, p, q, FusedMultiplyAdd{});
        if (settings.projects()) {
          p = projected(p, of_user.rate * settings.l1_user, settings.nonnegative);
          q = projected(q, of_item.rate * settings.l1_item, settings.nonnegative);
        }
      };
      float4 &p = user.at(v), &q = item.at(v);
      one(p.x, q.x);
      one(p.y, q.y);
      one(p.z, q.z);
      one(p.w, q.w);
    }
  }
  /// A projected row is not as long as the rule says.
  __device__ void measure(Row& row) const {
    const Products squares = products(row, row);
    row.record[kSlowLength] = squares.slow;
    row.record[kFastLength] = squares.fast;
  }
};

/// One step; the errors before it are added by the lane that counts.
template <int kGroup, int kVectors>
__device__ inline void step_rating(const ChunkWork& work, const Group<kGroup, kVectors>& group, RowId u, RowId i,
                                   float value, bool active, typename Group<kGroup, kVectors>::Row& user,
                                   typename Group<kGroup, kVectors>::Row& item, ErrorSums& sums) {
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

template <int kGroup, int kVectors>
__global__ void __launch_bounds__(kBlockThreads) sgd_chunks_kernel(ChunkWork work, ErrorSums* sums_of_block) {
  using Lanes = Group<kGroup, kVectors>;
  using Row = typename Lanes::Row;
  const Lanes group{work.tables.rank()};
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
      WF_DYNAMIC_SHARED(float4, rows);
      user.value = next_user.value = rows;
      item.value = next_item.value = rows + kWarp * group.vectors();
    }
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
        group.store(item, work.tables.item.row(i));
        if (!Lanes::kRegisters && !last) group.load(work.tables.item.row(next_i), next_item);
        item = next_item;
      }
      if (last || next_u != u) {
        group.store(user, work.tables.user.row(u));
        if (!Lanes::kRegisters && !last) group.load(work.tables.user.row(next_u), next_user);
        user = next_user;
      }
      u = next_u;
      i = next_i;
    }
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

/// Calls f with the lanes of a rating and the vectors that each holds of its rows.
template <class F>
void with_group(int rank, const F& f) {
  const auto of = [&]<int kGroup, int kVectors>() { f.template operator()<kGroup, kVectors>(); };
  if (rank <= 8) return of.template operator()<2, 1>();
  if (rank <= 16) return of.template operator()<4, 1>();
  if (rank <= 32) return of.template operator()<8, 1>();
  if (rank <= 64) return of.template operator()<16, 1>();
  if (rank <= 128) return of.template operator()<32, 1>();
  if (rank <= 256) return of.template operator()<32, 2>();
  if (rank <= 512) return of.template operator()<32, 4>();
  return of.template operator()<32, 0>();
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
  with_group(tables.rank(), [&]<int kGroup, int kVectors>() {
    const bool registers = kVectors > 0;
    const int threads = registers ? kBlockThreads : kWarp;
    const Position row_bytes = registers ? 0 : (tables.rank() + 127) / 128 * 512;
    const Shape shape = grid_over(chunks, threads / kGroup, threads, 2 * row_bytes);
    launch(gpu_, "sgd_update", shape, sgd_chunks_kernel<kGroup, kVectors>, work, error_partials(shape.blocks));
  });
}

}  // namespace wf
