// One row's equations by one block, of at most T::kSide unknowns and a bias, from the ratings to the solution.
#pragma once
#include "cuda/device/cholesky.cuh"
#include "cuda/device/descent.cuh"
#include "cuda/device/tensor_sums.cuh"

namespace wf {

__device__ inline void add_to(Position& count, Position more) {
  atomicAdd(reinterpret_cast<unsigned long long*>(&count), static_cast<unsigned long long>(more));
}

__device__ inline void count_row(const SolveCounts& counts, const SolvedColumns& unknown, Position row, bool open) {
  if (counts.open != nullptr) {
    open = open || (!unknown.first && counts.open[row] != 0);
    counts.open[row] = open ? 1 : 0;
  }
  if (open && unknown.last) add_to(counts.solved->deficient, 1);
}

template <class T>
struct SolveRoom {
  EquationRoom<T> equations;
  CholeskyRoom<T> cholesky;
  DescentRoom<T> descent;
  float ridge, bias;
};

/// A row's ridge, for all threads after a barrier: before sums fill the registers, as a power is a call. Callers: all
/// threads of the block.
__device__ inline void share_ridge(const SolveWork& work, Position row, float& ridge) {
  if (threadIdx.x >= kWarp) return;
  Position counted = work.lists.count(row);
  if (work.settings.implicit) {
    counted = 0;
    for (Position n = work.lists.begin[row] + this_lane(); n < work.lists.begin[row + 1]; n += kWarp) {
      counted += counts(work.settings, work.lists.value[n]) ? 1 : 0;
    }
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) counted += __shfl_down_sync(kAllLanes, counted, lanes);
  }
  if (threadIdx.x == 0) ridge = static_cast<float>(work.settings.lambda * row_scale(work.settings, counted));
}

/// What the row's factors as they are take from the right side of column threadIdx.x, beside what scores say: for
/// Solver::subspace.
__device__ inline float right_of_others(const SolveWork& work, Position row, const Columns& columns, float ridge) {
  const int column = static_cast<int>(threadIdx.x);
  if (column >= columns.count) return 0;
  const float* const x = work.sides.factors.row(row);
  const int f = columns.from + column;
  const float sum = -ridge * x[f];
  if (work.gram.empty()) return sum;
  float base = 0;
  for (int g = 0; g < work.gram.rank; ++g) base += __ldg(work.gram.row(g) + f) * x[g];
  return sum - static_cast<float>(work.settings.unobserved) * base;
}

/// The bias by the factors' L^-1 right and L^-1 border, and the factors' right side less what it brings. Returns
/// whether the bias is open. Callers: the first warp; all its lanes hold the results.
__device__ inline bool eliminate_bias(float* right, const float* border, int columns, float own, float pull,
                                      float& bias) {
  const float square = warp_sum_of(columns, [=](int f) { return border[f] * border[f]; });
  const float product = warp_sum_of(columns, [=](int f) { return border[f] * right[f]; });
  const float pivot = own - square;
  const bool open = !(pivot > kSmallestPivot * own);
  bias = open ? 0.0F : (pull - product) / pivot;
  for (int f = this_lane(); f < columns; f += kWarp) right[f] -= bias * border[f];
  return open;
}

/// scores += what the change of the row's unknowns, in shared memory, makes of them: a warp per rating.
__device__ inline void move_scores(const SolveWork& work, Position row, const SolvedColumns& unknown,
                                   const float* change, float bias_change) {
  const Walk walk{static_cast<Position>(threadIdx.x) / kWarp, static_cast<Position>(blockDim.x) / kWarp};
  for (Position n = work.lists.begin[row] + walk.first; n < work.lists.begin[row + 1]; n += walk.step) {
    const float* const q = work.sides.partner_factors.row(work.lists.partner[n]) + unknown.columns.from;
    const float moved = warp_sum_of(unknown.columns.count, [&](int f) { return change[f] * __ldg(q + f); });
    if (this_lane() == 0) work.scores[n] += moved + bias_change;
  }
}

/// The solution of a row whose equations the block has summed up. Callers: all threads of the block.
template <class T>
__device__ void solve_equations(const SolveWork& work, Position row, const SolvedColumns& unknown, TilePlace at,
                                Equations<T>& equations, SolveRoom<T>& room, const SolveCounts& counts) {
  EquationRoom<T>& shared = room.equations;
  const int thread = static_cast<int>(threadIdx.x), columns = unknown.columns.count;
  const int across = (columns + T::kTile - 1) / T::kTile, padded = across * T::kTile;
  const bool subspace = !work.scores.empty();
  share_terms(equations.terms, shared);
  __syncthreads();
  const float ridge = room.ridge;
  add_ridge<T>(at, columns, ridge, equations.sums);
  float own = 0, pull = 0;
  if (unknown.bias) {
    own = static_cast<float>(shared.total_curvature + work.settings.lambda_bias);
    pull = static_cast<float>(shared.total_pull);
  }
  if (thread < padded) {
    if (subspace) equations.right += right_of_others(work, row, unknown.columns, ridge);
    shared.right[thread] = thread < columns ? equations.right : 0.0F;
    shared.border[thread] = unknown.bias && thread < columns ? equations.border : 0.0F;
  }
  DescentRoom<T>& descent = room.descent;
  const bool descends = work.settings.solver == Solver::cg;
  if (descends || subspace) {
    if (thread < padded) {
      descent.x.factors[thread] = thread < columns ? work.sides.factors.row(row)[unknown.columns.from + thread] : 0.0F;
      descent.rest.factors[thread] = shared.right[thread];
    }
    if (thread == 0) {
      descent.x.bias = unknown.bias ? *work.sides.biases.row(row) : 0.0F;
      descent.rest.bias = pull;
    }
  }
  __syncthreads();
  bool open = false;
  if (descends) {
    descend<T>(equations.sums, at, across, {shared.border, own}, work.settings.cg_steps, descent, shared.stage);
    if (thread < padded) shared.right[thread] = descent.x.factors[thread];
    if (thread == 0) room.bias = descent.x.bias;
  } else {
    if (subspace) {
      multiply_tiles<T>(equations.sums, at, across, {shared.border, own}, descent.x, descent.image, shared.stage);
      if (thread < padded) shared.right[thread] += descent.image.factors[thread];
      if (unknown.bias) pull += descent.image.bias - static_cast<float>(work.settings.lambda_bias) * descent.x.bias;
      __syncthreads();
    }
    open = factorize<T>(equations.sums, at, across, room.cholesky, shared.stage, shared.right, shared.border);
    if (unknown.bias) {
      if (thread < kWarp) {
        float bias = 0;
        open = eliminate_bias(shared.right, shared.border, padded, own, pull, bias) || open;
        if (thread == 0) room.bias = bias;
      }
      __syncthreads();
    }
    solve_back<T>(equations.sums, at, across, shared.right);
  }
  if (subspace && thread < columns) descent.rest.factors[thread] = shared.right[thread] - descent.x.factors[thread];
  if (thread < columns) work.sides.factors.row(row)[unknown.columns.from + thread] = shared.right[thread];
  if (unknown.bias && thread == 0) *work.sides.biases.row(row) = room.bias;
  const bool row_open = __syncthreads_or(open) != 0;
  if (!descends && thread == 0) count_row(counts, unknown, row, row_open);
  if (subspace) {
    move_scores(work, row, unknown, descent.rest.factors, unknown.bias ? room.bias - descent.x.bias : 0.0F);
  }
}

template <class T, Weight kWeight, Precision kPrecision>
__global__ void __launch_bounds__(T::kThreads, kPrecision != Precision::fp32 ? kTensorBlocks<T>
                                               : T::kTile == 8               ? 3
                                                                             : 6)
    solve_rows_kernel(SolveWork work, SolvedColumns unknown, RowChoice choice, SolveCounts counts) {
  WF_SHARED(SolveRoom<T>, room);
  const Square square{unknown.columns, unknown.columns, true};
  const TilePlace at = place_in<T>(square);
  const bool long_rows = !choice.long_rows.empty();
  const Position size = long_rows ? choice.long_rows.size : work.lists.rows();
  Equations<T> equations;
  for (Position turn = blockIdx.x; turn < size; turn += gridDim.x) {
    const Position row = long_rows ? choice.long_rows[turn].row : turn;
    const Position count = work.lists.count(row);
    if (count == 0 || (!long_rows && count > choice.longest) || work.is_done(row)) continue;
    share_ridge(work, row, room.ridge);
    equations.clear();
    if (long_rows) {
      const Position floats = part_floats<T>(static_cast<int>(blockDim.x));
      const LongRow pieces = choice.long_rows[turn];
      for (Position piece = pieces.first_piece; piece < pieces.first_piece + pieces.pieces; ++piece) {
        add_part<T>(choice.parts + piece * floats, equations);
        if (threadIdx.x != 0) continue;
        equations.terms.curvature += choice.terms[piece].curvature;
        equations.terms.pull += choice.terms[piece].pull;
      }
    } else if constexpr (kPrecision != Precision::fp32) {
      const Position begin = work.lists.begin[row];
      add_ratings_by_tensors<T, kWeight, kPrecision>(ListRatings{work}, begin, begin + count, at, square.left,
                                                     unknown.vector, room.equations, equations);
    } else {
      add_ratings<T, kWeight>(ListRatings{work}, work.lists.begin[row], work.lists.begin[row] + count, at, square.left,
                              square.right, unknown.vector, room.equations, room.equations.stage, equations);
    }
    add_base<T>(work, at, square.left, square.right, equations.sums);
    __syncthreads();  // the stage is not read any more
    solve_equations<T>(work, row, unknown, at, equations, room, counts);
    __syncthreads();  // nor the room
  }
}

}  // namespace wf
