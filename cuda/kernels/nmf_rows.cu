// Nonnegative factors of the rows of one side, each by its list, while the other side stands.
//
//   multiplicative:  x_f <- x_f above_f / below_f       Lee, Seung: Algorithms for non-negative matrix factorization.
//                                                       NIPS 2000
//   hals:            x_f <- max(0, x_f + slope / curvature), f by f    Cichocki, Phan: Fast local algorithms for large
//                                                       scale nonnegative matrix and tensor factorizations. 2009
//   host/kernels/nmf_rules.hpp has the sums
//
// shapes  lists of n ratings and m rows; partners [x rank]; factors [m x rank]; shared [rank x rank], [1 x rank] or
//         empty; products [m x rank] or empty
// launch  a block of 256 threads per row; 12 * rank bytes of shared memory
// moves   4 * rank + 8 bytes per rating, twice where a score is needed, the second time from a cache; none per rating
//         with products; hals without zeros: rank times 8 and, from a cache, 32 (a sector for an element), the ratings'
//         rests being in memory
// order   fixed trees and the order of device/list_sums.cuh: on any device the same bits
#include "cuda/device/descent.cuh"
#include "cuda/device/list_sums.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

struct NmfWork {
  RowListsView<Device> lists;
  Rows<const float, Device> partners, shared, products;
  Rows<float, Device> factors;
  NmfSettings settings;
  float* rests;  ///< [ratings] for hals without zeros
};

struct NmfRoom {
  WarpSums sums;
  float slopes[kBlockWarps], curvatures[kBlockWarps];
};

class NmfRow {
 public:
  /// `vectors` [3 x rank], shared.
  __device__ NmfRow(const NmfWork& work, Position row, NmfRoom& room, float* vectors)
      : work_(work),
        row_(row),
        first_(work.lists.begin[row]),
        end_(work.lists.begin[row + 1]),
        rank_(work.partners.rank),
        room_(room),
        x_(vectors),
        above_(vectors + rank_),
        below_(vectors + 2 * rank_) {}

  /// Callers: all threads of the block; a barrier is behind.
  __device__ void update(float* factors) {
    for (int f = thread(); f < rank_; f += kBlockThreads) x_[f] = factors[f];
    __syncthreads();
    if (work_.settings.solver == Solver::multiplicative) {
      scale();
    } else if (work_.settings.counts_zeros()) {
      move_by_gram();
    } else {
      move_by_rests();
    }
    for (int f = thread(); f < rank_; f += kBlockThreads) factors[f] = x_[f];
    __syncthreads();
  }

 private:
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }
  __device__ const float* partner(Position n) const { return work_.partners.row(work_.lists.partner[n]); }

  /// By a warp.
  __device__ float score(Position n) const {
    const float* const q = partner(n);
    const float* const x = x_;
    return warp_sum_of(rank_, [=](int f) { return x[f] * __ldg(q + f); });
  }

  template <class Weight>
  __device__ void sum(const Weight& weight, float* to) const {
    sum_list(
        first_, end_, rank_, weight, [&](Position n) { return partner(n); }, room_.sums,
        [=](int f, float value) { to[f] = value; });
  }

  __device__ void take_products() const {
    for (int f = thread(); f < rank_; f += kBlockThreads) above_[f] = __ldg(work_.products.row(row_) + f);
  }

  __device__ void scale() const {
    const NmfSettings& settings = work_.settings;
    if (settings.takes_products()) {
      take_products();
    } else {
      sum([&](Position n) { return nmf_pull(settings, work_.lists.value[n], score(n)); }, above_);
    }
    if (!settings.counts_zeros()) {
      sum([&](Position n) { return nmf_push(settings, settings.loss == NmfLoss::kl ? 1.0F : score(n)); }, below_);
    } else if (settings.loss == NmfLoss::kl) {
      for (int f = thread(); f < rank_; f += kBlockThreads) below_[f] = __ldg(work_.shared.row(0) + f);
    } else {
      for (int f = thread(); f < rank_; f += kBlockThreads) {
        float image = 0;
        for (int g = 0; g < rank_; ++g) image += __ldg(work_.shared.row(g) + f) * x_[g];
        below_[f] = image;
      }
    }
    __syncthreads();
    for (int f = thread(); f < rank_; f += kBlockThreads) x_[f] = nmf_scaled(x_[f], above_[f], below_[f]);
    __syncthreads();
  }

  __device__ void move_by_gram() const {
    take_products();
    __syncthreads();
    const float* const x = x_;
    if (thread() < kWarp) {
      for (int f = 0; f < rank_; ++f) {
        const float* const of_factor = work_.shared.row(f);
        const float image = warp_sum_of(rank_, [=](int g) { return __ldg(of_factor + g) * x[g]; });
        __syncwarp();  // all have read x
        if (thread() == 0) x_[f] = hals_moved(x_[f], above_[f] - image, of_factor[f]);
        __syncwarp();
      }
    }
    __syncthreads();
  }

  /// A thread has the rests of every 256th rating.
  __device__ void move_by_rests() const {
    for (Position n = first_ + thread() / kWarp; n < end_; n += kBlockWarps) {
      const float of_row = score(n);
      if (this_lane() == 0) work_.rests[n] = work_.lists.value[n] - of_row;
    }
    __syncthreads();
    for (int f = 0; f < rank_; ++f) {
      float slope = 0, curvature = 0;
      for (Position n = first_ + thread(); n < end_; n += kBlockThreads) {
        const float q = __ldg(partner(n) + f);
        slope += work_.rests[n] * q;
        curvature += q * q;
      }
      const float before = x_[f];
      share_sums(slope, curvature);
      const float now = hals_moved(before, slope, curvature), change = now - before;
      if (thread() == 0) x_[f] = now;
      for (Position n = first_ + thread(); n < end_ && change != 0; n += kBlockThreads) {
        work_.rests[n] -= change * __ldg(partner(n) + f);
      }
      __syncthreads();  // the sums by warp are read
    }
  }

  /// The sums of all threads, in a fixed tree, to all threads.
  __device__ void share_sums(float& slope, float& curvature) const {
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
      slope += __shfl_xor_sync(kAllLanes, slope, lanes);
      curvature += __shfl_xor_sync(kAllLanes, curvature, lanes);
    }
    if (this_lane() == 0) {
      room_.slopes[thread() / kWarp] = slope;
      room_.curvatures[thread() / kWarp] = curvature;
    }
    __syncthreads();
    slope = curvature = 0;
    for (int warp = 0; warp < kBlockWarps; ++warp) {
      slope += room_.slopes[warp];
      curvature += room_.curvatures[warp];
    }
  }

  const NmfWork& work_;
  Position row_, first_, end_;
  int rank_;
  NmfRoom& room_;
  float *x_, *above_, *below_;
};

__global__ void __launch_bounds__(kBlockThreads) nmf_rows_kernel(NmfWork work) {
  WF_DYNAMIC_SHARED(float, vectors);  // [3 x rank]
  WF_SHARED(NmfRoom, room);
  for (Position row = blockIdx.x; row < work.lists.rows(); row += gridDim.x) {
    float* const factors = work.factors.row(row);
    if (work.lists.count(row) > 0) {
      NmfRow(work, row, room, vectors).update(factors);
      continue;
    }
    for (int f = static_cast<int>(threadIdx.x); f < work.factors.rank; f += kBlockThreads) factors[f] = 0;
  }
}

}  // namespace

void Cuda::nmf_rows(const RowListsView<Device>& lists, Rows<const float, Device> partners,
                    Rows<const float, Device> shared, Rows<const float, Device> products, Rows<float, Device> factors,
                    const NmfSettings& settings) {
  if (lists.rows() == 0) return;
  const Range range("nmf rows");
  const bool rests = settings.solver == Solver::hals && !settings.counts_zeros();
  if (rests) list_scores_.grow(lists.partner.size, gpu_.compute());
  const NmfWork work{lists, partners, shared, products, factors, settings, rests ? list_scores_.data() : nullptr};
  const Position bytes = 3 * Position{sizeof(float)} * factors.rank;
  launch(gpu_, "nmf_rows", grid_over(lists.rows(), 1, kBlockThreads, bytes), nmf_rows_kernel, work);
}

}  // namespace wf
