// rank_update: losses of pairs. A warp takes the ratings of a block (repeatable) or of a chunk (racing) one after the
// other, each against a row that its anchor is not rated with.
//
//   x = <a, q - r> + b_q - b_r;  err = -loss'(x) / 2 (warp: times the weight of the rank)
//   a = keep a + take (q - r);  q = keep q + take a;  r = keep r - take a, from the old rows
//   sgd and row_adagrad as in sgd_blocks.cu; scales stay 1 (host/kernels/rank_rules.hpp)
//   Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR: Bayesian personalized ranking from implicit feedback. UAI 2009
//   Weston, Bengio, Usunier: WSABIE: scaling up to large vocabulary image annotation. IJCAI 2011
//
// shapes  ratings.user, .item [n]; blocks [b]; tables.user [n_users x rank], .item [n_items x rank], with records;
//         positives.starts [anchors + 1], .partners [distinct pairs]
// launch  a warp per block, alone in its thread block; racing: a warp per chunk, eight a thread block
// moves   3 (8 * rank + 64) bytes a rating: three rows and records, read and written; 8 for the rating, and some
//         2 log2(ratings of the anchor) loads of its list; warp: 4 * rank + 32 for each further draw
// order   repeatable: a block's own, sums over lanes in a fixed tree; racing: none between chunks, of two steps of a
// row
//         at one time the later store is kept
#include "cuda/device/errors.cuh"
#include "cuda/device/walk.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"
#include "host/kernels/rank_rules.hpp"

#include <algorithm>
#include <vector>

namespace wf {
namespace {

struct RankWork {
  RankTables<Device> tables;
  Span<const RowId, Device> anchors, others;  // of the ratings
  Span<const Block, Device> blocks;
  SgdSettings settings;
  Span<const float, Device> anchor_penalties, other_penalties;
  RankRates rates;
};

/// In all lanes.
__device__ inline float warp_sum(float value) {
  for (int apart = kWarp / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(kAllLanes, value, apart);
  return value;
}

/// A row by the lanes of a warp: lane l has the factors l, l + 32, ...; by way of the second cache, as other warps step
/// it, too. kHeld > 0: so many factors a lane, in registers; 0: any number, in memory.
template <int kHeld>
class WarpRow {
 public:
  WarpRow() = default;
  __device__ WarpRow(float* row, int rank) : row_(row), rank_(rank) {
    if constexpr (kHeld > 0) {
#pragma unroll
      for (int n = 0; n < kHeld; ++n) held_[n] = has(n) ? __ldcg(row_ + factor(n)) : 0;
    }
  }
  __device__ int count() const {
    return kHeld > 0 ? kHeld : (rank_ + kWarp - 1) / kWarp;
  }
  __device__ int factor(int n) const {
    return this_lane() + n * kWarp;
  }
  __device__ bool has(int n) const {
    return factor(n) < rank_;
  }
  __device__ float operator[](int n) const {
    if constexpr (kHeld > 0) {
      return held_[n];
    } else {
      return has(n) ? __ldcg(row_ + factor(n)) : 0;
    }
  }
  __device__ void store(int n, float value) const {
    if (has(n)) __stcg(row_ + factor(n), value);
  }
  __device__ float record(RecordColumn column) const {
    return __ldcg(record_of(row_) + column);
  }
  __device__ void set(RecordColumn column, float value) const {
    __stcg(record_of(row_) + column, value);
  }

 private:
  float* row_ = nullptr;
  int rank_ = 0;
  float held_[kHeld > 0 ? kHeld : 1];
};

/// How one of the three rows is stepped.
struct RowSteps {
  Step<float> slow, fast;
  float error, lambda, l1;
  float slow_sum, fast_sum;                // row_adagrad's, before
  float slow_energy = 0, fast_energy = 0;  // this lane's share
  float bias, bias_share;

  template <class Row>
  __device__ RowSteps(const Row& row, const SgdSettings& settings, float err, float penalty, float size_penalty)
      : error(err),
        lambda(penalty),
        l1(size_penalty),
        slow_sum(row.record(kSlowSum)),
        fast_sum(row.record(kFastSum)),
        bias(row.record(kBias)),
        bias_share(row.record(kBiasShare)) {
    slow = sgd_rule(error, settings.adagrad ? settings.lr / std::sqrt(slow_sum) : settings.lr, lambda);
    fast = settings.adagrad ? sgd_rule(error, settings.lr / std::sqrt(fast_sum), lambda) : slow;
  }
  /// The factor after the step.
  __device__ float moved(const SgdSettings& settings, bool is_slow, float old, float along) {
    const float gradient = error * along - lambda * old, energy = gradient * gradient;
    slow_energy += is_slow ? energy : 0;
    fast_energy += is_slow ? 0 : energy;
    const float keep = is_slow ? slow.keep : fast.keep, take = is_slow ? slow.take : fast.take;
    const float value = fmaf(take, along, keep * old);
    const float rate = is_slow ? slow.rate : fast.rate;
    return settings.projects() ? projected(value, rate * l1, settings.nonnegative) : value;
  }
  /// The record, by lane 0. Callers: all lanes.
  template <class Row>
  __device__ void keep(const Row& row, const SgdSettings& settings, float bias_rate, bool steps_bias) {
    if (settings.adagrad) {
      slow_sum += settings.slow_share * warp_sum(slow_energy);
      if (!settings.slow_only) fast_sum += settings.fast_share * warp_sum(fast_energy);
    }
    if (this_lane() != 0) return;
    if (settings.adagrad) {
      row.set(kSlowSum, slow_sum);
      row.set(kFastSum, fast_sum);
    }
    if (!steps_bias) return;
    bias_rule(error, bias_rate * slow.rate, bias_share, bias);
    row.set(kBias, bias);
  }
};

/// Ratings begin .. end - 1 of a block, in order, by a warp.
template <int kHeld>
__device__ inline void rank_ratings(const RankWork& work, const Block& block, Position begin, Position end,
                                    ErrorSums& sums) {
  using Row = WarpRow<kHeld>;
  const SgdSettings& settings = work.settings;
  const RankTables<Device>& tables = work.tables;
  const bool is_warp = settings.loss == Loss::warp;
  const int tries = is_warp ? settings.negatives : 1;
  const int rank = tables.others.rank, slow = slow_factors(rank);
  const float bias_rate = settings.rate_of_biases(tables.biases);
  const RowRange range = anchors_items(settings.loss) ? block.users : block.items;
  const NegativeDraws draws{settings.seed, settings.epoch, number_of(block)};
  const auto score = [](const Row& a, const Row& b) {
    float sum = 0;
    for (int n = 0; n < a.count(); ++n) sum = fmaf(a[n], b[n], sum);
    return warp_sum(sum);
  };
  const auto bias_of = [&](const Row& row) { return tables.biases ? row.record(kBias) : 0.0F; };
  for (Position n = begin; n < end; ++n) {
    __syncwarp();  // lanes load records that lane 0 has stored
    const RowId anchor = work.anchors[n], other = work.others[n];
    const Unrated unrated(tables.positives, anchor, range);
    if (unrated.count == 0) {
      if (this_lane() == 0) ++sums.skipped;
      continue;
    }
    const Row a(tables.anchors.row(anchor), rank), q(tables.others.row(other), rank);
    const float of_positive = score(a, q) + bias_of(q);
    Row r;
    RowId negative = 0;
    float difference = 0, first_difference = 0, weight = is_warp ? 0 : 1;
    for (int draw = 0; draw < tries; ++draw) {
      negative = draws(unrated, n - block.begin, draw);
      r = Row(tables.others.row(negative), rank);
      difference = of_positive - (score(a, r) + bias_of(r));
      if (draw == 0) first_difference = difference;
      if (is_warp && difference < 1) {
        const Position rated = tables.positives.starts[anchor + 1] - tables.positives.starts[anchor];
        weight = rank_weight(tables.others.count - rated, draw + 1);
        break;
      }
    }
    const PairLoss<float> loss = pair_loss(settings.loss, difference);
    if (this_lane() == 0) {
      add_pair_error(sums, static_cast<double>(weight * loss.value), static_cast<double>(first_difference));
    }
    if (weight == 0) continue;
    const float error = -weight * loss.slope / 2;
    const auto lambda_of = [&](RowId row) { return work.rates.lambda_other + penalty_of(work.other_penalties, row); };
    RowSteps of_a(a, settings, error, work.rates.lambda_anchor + penalty_of(work.anchor_penalties, anchor),
                  work.rates.l1_anchor);
    RowSteps of_q(q, settings, error, lambda_of(other), work.rates.l1_other);
    RowSteps of_r(r, settings, -error, lambda_of(negative), work.rates.l1_other);
    for (int m = 0; m < a.count(); ++m) {
      const bool is_slow = a.factor(m) < slow;
      if (settings.slow_only && !is_slow) break;
      const float p = a[m], up = q[m], down = r[m];
      a.store(m, of_a.moved(settings, is_slow, p, up - down));
      q.store(m, of_q.moved(settings, is_slow, up, p));
      r.store(m, of_r.moved(settings, is_slow, down, p));
    }
    __syncwarp();  // all have loaded the records
    of_a.keep(a, settings, bias_rate, false);
    of_q.keep(q, settings, bias_rate, tables.biases);
    of_r.keep(r, settings, bias_rate, tables.biases);
  }
}

template <int kHeld>
__global__ void __launch_bounds__(kWarp) rank_blocks_kernel(RankWork work, ErrorSums* sums_of_range) {
  const Block block = work.blocks[blockIdx.x];
  ErrorSums sums;
  rank_ratings<kHeld>(work, block, block.begin, block.end, sums);
  if (this_lane() == 0) add(sums_of_range[block.user_range], sums);  // in the same order whatever is launched together
}

template <int kHeld>
__global__ void __launch_bounds__(kBlockThreads, 1)
    rank_chunks_kernel(RankWork work, Span<const ChunkedBlock, Device> chunked, Position chunks, Scatter scatter,
                       ErrorSums* sums_of_block) {
  ErrorSums sums;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  const Walk walk{Position{blockIdx.x} * warps + threadIdx.x / kWarp, Position{gridDim.x} * warps};
  for (Position turn = walk.first; turn < chunks; turn += walk.step) {
    const Position index = scatter(turn);
    const Chunk chunk = chunk_of(chunked, index);
    rank_ratings<kHeld>(work, work.blocks[block_of_chunk(chunked, index)], chunk.begin, chunk.end, sums);
  }
  add_block_errors(sums, sums_of_block + blockIdx.x);
}

/// Calls f with the factors that a lane holds in registers.
template <class F>
void with_held(int rank, const F& f) {
  if (rank <= kWarp) return f.template operator()<1>();
  if (rank <= 2 * kWarp) return f.template operator()<2>();
  if (rank <= 4 * kWarp) return f.template operator()<4>();
  return f.template operator()<0>();
}

}  // namespace

void Cuda::rank_update(const SgdTables<Device>& tables, const RatingsView<Device>& ratings,
                       Span<const Block, Host> blocks, const SgdSettings& settings,
                       const RowPenalties<Device>& penalties, const Positives<Device>& positives) {
  const Range range("rank update");
  const bool items = anchors_items(settings.loss);
  for (Position begin = 0, end = 0; begin < blocks.size; begin = end) {
    end = end_of_stratum(blocks, begin);
    const Span<const Block, Host> stratum = blocks.part(begin, end - begin);
    Position chunks = 0;
    const std::vector<ChunkedBlock> list = chunked(stratum, chunks);
    if (chunks == 0) continue;
    blocks_.grow(stratum.size, gpu_.compute());
    transfer_.upload(gpu_.compute(), blocks_.data(), {{stratum.data, stratum.size * Position{sizeof(Block)}}});
    const RankWork work{rank_tables(settings.loss, tables, positives),
                        items ? ratings.item : ratings.user,
                        items ? ratings.user : ratings.item,
                        {blocks_.data(), stratum.size},
                        settings,
                        items ? penalties.item : penalties.user,
                        items ? penalties.user : penalties.item,
                        rank_rates(settings)};
    if (order_ == Order::repeatable) {
      with_held(tables.rank(), [&]<int kHeld>() {
        launch(gpu_, "rank_update", {stratum.size, kWarp}, rank_blocks_kernel<kHeld>, work,
               error_partials(ranges_of(stratum)));
      });
      continue;
    }
    allow_races(tables.user.data);
    allow_races(tables.item.data);
    chunked_blocks_.grow(stratum.size, gpu_.compute());
    transfer_.upload(gpu_.compute(), chunked_blocks_.data(),
                     {{list.data(), stratum.size * Position{sizeof(ChunkedBlock)}}});
    const Position at_once = most_chunks_at_once(settings.ratings, stratum.size, settings.ranges);
    const bool small = at_once < 8 * kBlockThreads / kWarp;
    const int threads = small ? kWarp : kBlockThreads;
    const Shape shape = grid_over(std::min(chunks, at_once), threads / kWarp, threads);
    with_held(tables.rank(), [&]<int kHeld>() {
      launch(gpu_, "rank_update", shape, rank_chunks_kernel<kHeld>, work,
             Span<const ChunkedBlock, Device>{chunked_blocks_.data(), stratum.size}, chunks,
             order_of_chunks(stratum[0], chunks, settings.seed, settings.epoch), error_partials(shape.blocks));
    });
  }
}

}  // namespace wf
