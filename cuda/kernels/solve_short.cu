// solve_rows for rows with fewer ratings than factors: a weight per rating is solved for, in place of the factors.
//
//   (Q Q' + ridge C^-1) w = t - bias,   x = Q' w,   bias (lambda_bias / ridge) = sum of w
//
//   Q [ratings x rank]: the partners; C: curvatures; t = pull / curvature. Both sides of x = Q' w are the solution of
//   the row's own equations (solve_rows.cu): Q' C (Q Q' + ridge C^-1) = (Q' C Q + ridge) Q'. Saunders, Gammerman, Vovk:
//   Ridge regression learning algorithm in dual variables. ICML 1998
//
//   (Q D^-1 Q' + C^-1) w = t,   x = D^-1 Q' w     with a penalty for each factor, D = unobserved * gram + ridge, where
//                                                 the gram is diagonal (host/train/turned_rows.hpp)
//
// shapes  as solve_rows; lists of at most 128 ratings
// launch  a block per row, of 64 threads for at most 32 ratings, else 160; the matrix in register tiles
// moves   8 * rank + 8 bytes per rating, half of them from a cache, and 4 * rank per row; n^2 rank + n^3 / 3 operations
//         for a row of n ratings, where its own equations take n rank^2 + rank^3 / 3
// order   as solve_rows: on any device the same bits
#include "cuda/device/solve_tiles.cuh"
#include "cuda/kernels/cuda_kernels.hpp"

namespace wf {
namespace {

template <class T>
struct ShortRoom {
  EquationRoom<T> equations;
  CholeskyRoom<T> cholesky;
  float inverse[T::kSide];  // of curvatures
  RowId partner[T::kSide];
  float size[T::kAcross];  // sum of curvature |q|^2 over a tile's ratings
  float scale[kStaged];    // of the staged columns: D^-1/2
  float ridge, bias;
};

/// Of D, of which there is no more than the ridge without a gram; that is then left to the matrix.
__device__ float diagonal_of(const SolveWork& work, int f, float ridge) {
  if (work.gram.empty()) return 1;
  return static_cast<float>(work.settings.unobserved) * __ldg(work.gram.row(f) + f) + ridge;
}

/// Columns first .. first + kStaged - 1 of the partners, scaled, a staged vector for each, zeros beyond ratings and
/// rank.
template <class T>
__device__ void stage_partners(const Rows<const float, Device>& table, bool vector, int first, int count, int padded,
                               ShortRoom<T>& room) {
  for (int at = static_cast<int>(threadIdx.x); at < T::kSide * kStaged / 4; at += static_cast<int>(blockDim.x)) {
    const int n = at % T::kSide, column = at / T::kSide * 4;  // neighbours store side by side
    if (n >= padded) continue;
    float values[4] = {};
    if (n < count) {
      const float* const from = table.row(room.partner[n]) + first + column;
      if (vector) {
        if (first + column < table.rank) {
          const float4 four = load4(from);
          values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
        }
      } else {
        for (int f = 0; f < 4; ++f) {
          if (first + column + f < table.rank) values[f] = __ldg(from + f);
        }
      }
    }
    for (int f = 0; f < 4; ++f) {
      room.equations.stage[(column + f) * T::kPitch + T::place(n)] = values[f] * room.scale[column + f];
    }
  }
}

/// Terms of a row's ratings; returns whether one has no curvature to divide by. A barrier must follow.
template <class T>
__device__ bool stage_terms(const ListRatings& ratings, Position begin, int count, bool biases, ShortRoom<T>& room) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread >= T::kSide) return false;
  room.equations.right[thread] = room.equations.border[thread] = 0;
  room.inverse[thread] = 1;
  if (thread >= count) return false;
  const Term<float> term = ratings.term(begin + thread);
  room.partner[thread] = ratings.work.lists.partner[begin + thread];
  const bool divides = term.curvature > 0;
  room.inverse[thread] = divides ? 1 / term.curvature : 1.0F;
  room.equations.right[thread] = term.pull * room.inverse[thread];
  room.equations.border[thread] = biases ? 1.0F : 0.0F;
  return !divides;
}

/// Rows of least .. most ratings; done[row] says which were solved.
template <class T>
__global__ void __launch_bounds__(T::kThreads, T::kTile == 8 ? 3 : 6)
    solve_short_kernel(SolveWork work, bool vector, int least, int most, char* done) {
  WF_SHARED(ShortRoom<T>, room);
  const ListRatings ratings{work};
  const int thread = static_cast<int>(threadIdx.x), rank = work.sides.rank();
  const bool biases = !work.sides.biases.empty();
  for (Position row = blockIdx.x; row < work.lists.rows(); row += gridDim.x) {
    if (work.lists.count(row) < least || work.lists.count(row) > most) continue;
    const int count = static_cast<int>(work.lists.count(row));
    const int across = (count + T::kTile - 1) / T::kTile, padded = across * T::kTile;
    const TilePlace at = triangle_place(thread, across);
    const bool corner = at.row >= 0 && at.row == at.column;
    __syncthreads();  // the room is not read any more
    share_ridge(work, row, room.ridge);
    const bool bad = stage_terms(ratings, work.lists.begin[row], count, biases, room);
    Equations<T> equations;
    equations.clear();
    for (int first = 0; first < rank; first += kStaged) {
      __syncthreads();
      if (thread < kStaged) {
        const int f = first + thread;
        room.scale[thread] = f < rank ? 1 / sqrtf(diagonal_of(work, f, room.ridge)) : 0.0F;
      }
      __syncthreads();
      stage_partners(ratings.table(), vector, first, count, padded, room);
      __syncthreads();
      if (at.row < 0) continue;
      T::template add_products<Weight::one>(equations.sums, at, room.equations.stage, room.equations.stage,
                                            min(kStaged, rank - first));
    }
    const float ridge = work.gram.empty() ? room.ridge : 1.0F;
    if (corner) {
      float size = 0;
#pragma unroll
      for (int i = 0; i < T::kTile; ++i) {
        const int n = at.row * T::kTile + i;
        size += equations.sums[i][i] / room.inverse[n];
        equations.sums[i][i] += n < count ? ridge * room.inverse[n] : 1.0F;
      }
      room.size[at.row] = size;
    }
    __syncthreads();
    float size = 0;
    for (int tile = 0; tile < across; ++tile) size += room.size[tile];
    if (__syncthreads_or(bad || !(size <= kLargestDualCondition * ridge)) != 0) continue;
    float* const weights = room.equations.right;
    factorize<T>(equations.sums, at, across, room.cholesky, room.equations.stage, weights, room.equations.border);
    if (biases && thread < kWarp) {
      const float* const border = room.equations.border;
      const float square = warp_sum_of(padded, [=](int n) { return border[n] * border[n]; });
      const float product = warp_sum_of(padded, [=](int n) { return border[n] * weights[n]; });
      const float bias = product / (square + static_cast<float>(work.settings.lambda_bias) / ridge);
      for (int n = this_lane(); n < padded; n += kWarp) weights[n] -= bias * border[n];
      if (thread == 0) *work.sides.biases.row(row) = bias;
    }
    __syncthreads();
    solve_back<T>(equations.sums, at, across, weights);
    for (int f = thread; f < rank; f += static_cast<int>(blockDim.x)) {
      float sum = 0;
      for (int n = 0; n < count; ++n) sum += weights[n] * __ldg(ratings.table().row(room.partner[n]) + f);
      work.sides.factors.row(row)[f] = sum / diagonal_of(work, f, room.ridge);
    }
    if (thread == 0) done[row] = 1;
  }
}

}  // namespace

void Cuda::solve_short(SolveWork& work) {
  const SolveSettings& settings = work.settings;
  if (settings.solver != Solver::cholesky || !(settings.lambda > 0)) return;
  if (!work.gram.empty() && (!settings.diagonal_gram || !work.sides.biases.empty())) return;
  const int rank = work.sides.rank();
  // a quarter less than the rank: the matrix is no smaller for more, and the ratings are read a second time
  const int longest = std::min(3 * rank / 4, rank > kTileColumns ? Tiles<8>::kSide : Tiles<4>::kSide);
  if (longest == 0) return;
  done_rows_.grow(work.lists.rows(), gpu_.compute());
  clear(done_rows_.data(), work.lists.rows());
  const bool vector = has_vector_rows(work.sides.partner_factors);
  const auto run = [&](auto tiles, int threads, int least, int most) {
    if (least > longest) return;
    launch(gpu_, "solve_rows", grid_over(work.lists.rows(), 1, threads), solve_short_kernel<decltype(tiles)>, work,
           vector, least, std::min(most, longest), done_rows_.data());
  };
  constexpr int kFewThreads = 64;  // for the 36 tiles of 32 ratings
  run(Tiles<4>{}, kFewThreads, 1, 32);
  run(Tiles<4>{}, Tiles<4>::kThreads, 33, Tiles<4>::kSide);
  run(Tiles<8>{}, Tiles<8>::kThreads, Tiles<4>::kSide + 1, Tiles<8>::kSide);
  work.done = done_rows_.data();
}

}  // namespace wf
