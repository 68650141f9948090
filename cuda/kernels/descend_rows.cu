// solve_rows by conjugate gradients for more factors than a block's registers hold equations of: the matrix is never
// formed, its product with a vector goes through the row's ratings.
//
//   image = ridge v + unobserved * gram v + sum of curvature <q, v> q
//   Takacs, Pilaszy, Tikk: Applications of the conjugate gradient method for implicit feedback collaborative filtering.
//   RecSys 2011
//
// shapes  as solve_rows
// launch  a block of 256 threads per row, 8192 at most; 16 * rank bytes of shared memory
// moves   (steps + 1) * 8 * rank bytes per rating: each partner is read for its product, then for the sum, the second
//         time from a cache; 8 * rank operations per rating and step
// order   products in a fixed tree, sums in the order of the list: on any device the same bits
#include "cuda/device/solve_tiles.cuh"
#include "cuda/kernels/cuda_kernels.hpp"

namespace wf {
namespace {

/// The vectors of a row in shared memory, the bias behind its factors.
struct Vectors {
  float *x, *rest, *direction, *image;
};

class RowDescent {
 public:
  __device__ RowDescent(const SolveWork& work, Position row, float ridge, float* factors, Vectors vectors)
      : work_(work), row_(row), ridge_(ridge), factors_(factors), vectors_(vectors), rank_(work.sides.rank()) {}

  /// Callers: all threads of the block, after a barrier; one follows.
  __device__ void run() {
    const bool biases = !work_.sides.biases.empty();
    for (int f = thread(); f < rank_; f += kBlockThreads) vectors_.x[f] = work_.sides.factors.row(row_)[f];
    if (thread() == 0) vectors_.x[rank_] = biases ? *work_.sides.biases.row(row_) : 0.0F;
    __syncthreads();
    multiply<true>(vectors_.x, vectors_.rest);
    for (int f = thread(); f <= rank_; f += kBlockThreads) vectors_.direction[f] = vectors_.rest[f];
    __syncthreads();
    float length = inner(vectors_.rest, vectors_.rest);
    for (int step = 0; step < work_.settings.cg_steps && length > 0; ++step) {
      multiply<false>(vectors_.direction, vectors_.image);
      const float curvature = inner(vectors_.direction, vectors_.image);
      if (!(curvature > 0)) break;
      const float rate = length / curvature;
      for (int f = thread(); f <= rank_; f += kBlockThreads) {
        vectors_.x[f] += rate * vectors_.direction[f];
        vectors_.rest[f] -= rate * vectors_.image[f];
      }
      __syncthreads();
      const float shorter = inner(vectors_.rest, vectors_.rest), turn = shorter / length;
      for (int f = thread(); f <= rank_; f += kBlockThreads) {
        vectors_.direction[f] = vectors_.rest[f] + turn * vectors_.direction[f];
      }
      __syncthreads();
      length = shorter;
    }
    for (int f = thread(); f < rank_; f += kBlockThreads) work_.sides.factors.row(row_)[f] = vectors_.x[f];
    if (biases && thread() == 0) *work_.sides.biases.row(row_) = vectors_.x[rank_];
    __syncthreads();
  }

 private:
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }

  /// The same sum in every warp, so that all threads decide alike.
  __device__ float inner(const float* a, const float* b) const {
    return warp_sum_of(rank_ + 1, [=](int f) { return a[f] * b[f]; });
  }

  /// to <- matrix * vector or, kRight, right side - matrix * vector.
  template <bool kRight>
  __device__ void multiply(const float* vector, float* to) const {
    const bool biases = !work_.sides.biases.empty();
    const auto unobserved = static_cast<float>(work_.settings.unobserved);
    for (int f = thread(); f < rank_; f += kBlockThreads) {
      float base = 0;
      if (!work_.gram.empty()) {
        for (int g = 0; g < rank_; ++g) base += __ldg(work_.gram.row(g) + f) * vector[g];
      }
      const float image = ridge_ * vector[f] + unobserved * base;
      to[f] = kRight ? -image : image;
    }
    float own = biases ? static_cast<float>(work_.settings.lambda_bias) * vector[rank_] : 0.0F;
    if (kRight) own = -own;
    const ListRatings ratings{work_};
    const Position end = work_.lists.begin[row_ + 1];
    for (Position first = work_.lists.begin[row_]; first < end; first += kStaged) {
      const int count = static_cast<int>(min(Position{kStaged}, end - first));
      for (int n = thread() / kWarp; n < count; n += kBlockThreads / kWarp) {
        const float* const q = ratings.table().row(ratings.partner(first + n));
        const float score = warp_sum_of(rank_, [=](int f) { return vector[f] * __ldg(q + f); }) + vector[rank_];
        const Term<float> term = ratings.term(first + n);
        if (this_lane() == 0) factors_[n] = kRight ? term.pull - term.curvature * score : term.curvature * score;
      }
      __syncthreads();
      for (int f = thread(); f < rank_; f += kBlockThreads) {
        float sum = to[f];
        for (int n = 0; n < count; ++n) sum += factors_[n] * __ldg(ratings.table().row(ratings.partner(first + n)) + f);
        to[f] = sum;
      }
      if (biases && thread() == 0) {
        for (int n = 0; n < count; ++n) own += factors_[n];
      }
      __syncthreads();
    }
    if (thread() == 0) to[rank_] = own;
    __syncthreads();
  }

  const SolveWork& work_;
  Position row_;
  float ridge_;
  float* factors_;  // of the ratings at hand, in shared memory
  Vectors vectors_;
  int rank_;
};

__global__ void __launch_bounds__(kBlockThreads) descend_rows_kernel(SolveWork work) {
  WF_DYNAMIC_SHARED(float, vectors);  // [4 x (rank + 1)]
  WF_SHARED(float, factors, [kStaged]);
  WF_SHARED(float, ridge, [1]);
  const int length = work.sides.rank() + 1;
  for (Position row = blockIdx.x; row < work.lists.rows(); row += gridDim.x) {
    if (work.lists.count(row) == 0) continue;
    share_ridge(work, row, ridge[0]);
    __syncthreads();
    RowDescent(work, row, ridge[0], factors, {vectors, vectors + length, vectors + 2 * length, vectors + 3 * length})
        .run();
  }
}

}  // namespace

void Cuda::descend_rows(const SolveWork& work) {
  const Position bytes = 4 * Position{sizeof(float)} * (work.sides.rank() + 1);
  launch(gpu_, "solve_rows", grid_over(work.lists.rows(), 1, kBlockThreads, bytes), descend_rows_kernel, work);
}

}  // namespace wf
