// solve_rows for more unknowns than a block's registers hold: Cholesky's method by squares of 128 columns.
//
//   for each square column J, from left to right, and each square row I >= J:
//     A_IJ = equations of the row (solve_rows.cu) - sum over K < J of L_IK L_JK';   L_JJ = chol(A_JJ), L_IJ = A_IJ
//     L_JJ'^-1
//   then L' x = L^-1 right, from the last square to the first
//
// shapes  as solve_rows; a block's room: the lower squares of L, and three vectors
// launch  a block of 256 threads per row, in rounds; as many blocks as two a multiprocessor, or a quarter of the
//         memory, allow. A square's tiles lie in registers from the first rating to its part of L
// moves   per rating 8 * 128 bytes for each square, L three times; rank^2 operations per rating, rank^3 / 3 per row
// order   as solve_rows
#include "cuda/device/solve_tiles.cuh"
#include "cuda/kernels/cuda_kernels.hpp"

namespace wf {
namespace {

using T = Tiles<8>;
constexpr Position kSquareFloats = Position{T::kSide} * T::kSide;

/// A block's room in device memory.
class LargeRoom {
 public:
  WF_HD static Position floats(int across) {
    return Position{across} * (across + 1) / 2 * kSquareFloats + 3 * Position{across} * T::kSide;
  }
  __device__ LargeRoom(float* memory, int across) : squares_(memory), vectors_(memory + floats(across)) {
    vectors_ -= 3 * Position{across} * T::kSide;
    length_ = Position{across} * T::kSide;
  }
  __device__ float* square(int row, int column) const {
    return squares_ + (Position{row} * (row + 1) / 2 + column) * kSquareFloats;
  }
  __device__ float* right() const { return vectors_; }
  __device__ float* border() const { return vectors_ + length_; }

 private:
  float* squares_;
  float* vectors_;
  Position length_;
};

struct SharedRoom {
  EquationRoom<T> equations;
  float right_stage[kStaged * T::kPitch];
  CholeskyRoom<T> cholesky;
  float ridge, bias;
};

__device__ int columns_of(const Columns& columns, int square) {
  return min(T::kSide, columns.count - square * T::kSide);
}

/// stage[n][.]: column first + n of a square of L, rows first_row .. rows - 1.
__device__ void stage_columns(const float* square, int first, int count, int first_row, int rows, float* stage) {
  for (int at = static_cast<int>(threadIdx.x); at < count * T::kSide; at += kBlockThreads) {
    const int n = at / T::kSide, f = at % T::kSide;
    // rows that only fill a tile are zeros
    if (f >= first_row) stage[n * T::kPitch + T::place(f)] = f < rows ? square[f * T::kSide + first + n] : 0.0F;
  }
}

__device__ void store_tile(const T::Values& sums, TilePlace at, float* square) {
  if (at.row < 0) return;
  for (int i = 0; i < T::kTile; ++i) {
    for (int j = 0; j < T::kTile; ++j) {
      square[(at.row * T::kTile + i) * T::kSide + at.column * T::kTile + j] = sums[i][j];
    }
  }
}
__device__ void load_tile(const float* square, TilePlace at, T::Values& sums) {
  if (at.row < 0) return;
  for (int i = 0; i < T::kTile; ++i) {
    for (int j = 0; j < T::kTile; ++j) {
      sums[i][j] = square[(at.row * T::kTile + i) * T::kSide + at.column * T::kTile + j];
    }
  }
}

/// Takes what the square columns left of `column` bring from a square, and from the right side where it is on the
/// diagonal.
__device__ void subtract_left(const LargeRoom& room, const Columns& columns, int row, int column, TilePlace at,
                              SharedRoom& shared, Equations<T>& equations) {
  const bool diagonal = row == column;
  const int thread = static_cast<int>(threadIdx.x);
  float* const right_stage = diagonal ? shared.equations.stage : shared.right_stage;
  for (int left = 0; left < column; ++left) {
    for (int first = 0; first < T::kSide; first += kStaged) {
      __syncthreads();
      const int rows = columns_of(columns, row);
      stage_columns(room.square(row, left), first, kStaged, 0, rows, shared.equations.stage);
      if (!diagonal) stage_columns(room.square(column, left), first, kStaged, 0, T::kSide, right_stage);
      __syncthreads();
      if (at.row >= 0) {
        T::add_products<Weight::minus_one>(equations.sums, at, shared.equations.stage, right_stage, kStaged);
      }
      if (!diagonal || thread >= rows) continue;
      const float* value = shared.equations.stage + T::place(thread);
      for (int n = 0; n < kStaged; ++n, value += T::kPitch) {
        equations.right -= *value * room.right()[left * T::kSide + first + n];
        equations.border -= *value * room.border()[left * T::kSide + first + n];
      }
    }
  }
}

/// A square below the diagonal times L'^-1 of the corner of its column, tile column by tile column.
__device__ void solve_below_corner(const float* corner, TilePlace at, SharedRoom& shared, Equations<T>& equations) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int step = 0; step < T::kAcross; ++step) {
    __syncthreads();
    const int first = step * T::kTile, i = thread / T::kTile, j = thread % T::kTile;
    if (i < T::kTile && j <= i) shared.cholesky.corner[i][j] = corner[(first + i) * T::kSide + first + j];
    stage_columns(corner, first, T::kTile, first + T::kTile, T::kSide, shared.right_stage);
    __syncthreads();
    if (at.column == step) {
      solve_below<T>(equations.sums, shared.cholesky.corner);
      stage_tile<T>(equations.sums, at.row, shared.equations.stage);
    }
    __syncthreads();
    if (at.column > step) {
      T::add_products<Weight::minus_one>(equations.sums, at, shared.equations.stage, shared.right_stage, T::kTile);
    }
  }
}

/// L'^-1 of the right side, in place.
__device__ void solve_back_squares(const LargeRoom& room, const Columns& columns, int across, SharedRoom& shared,
                                   Equations<T>& equations) {
  const int thread = static_cast<int>(threadIdx.x);
  float* const values = shared.equations.right;
  for (int row = across - 1; row >= 0; --row) {
    const int count = columns_of(columns, row), tiles = (count + T::kTile - 1) / T::kTile;
    if (thread < T::kSide) {
      float sum = thread < count ? room.right()[row * T::kSide + thread] : 0.0F;
      for (int below = row + 1; below < across; ++below) {
        const float* const square = room.square(below, row);
        const float* const x = room.right() + below * T::kSide;
        for (int f = 0; f < columns_of(columns, below); ++f) sum -= square[f * T::kSide + thread] * x[f];
      }
      values[thread] = sum;
    }
    const TilePlace at = triangle_place(thread, tiles);
    load_tile(room.square(row, row), at, equations.sums);
    __syncthreads();
    solve_back<T>(equations.sums, at, tiles, values);
    if (thread < count) room.right()[row * T::kSide + thread] = values[thread];
    __syncthreads();
  }
}

template <Weight kWeight>
__global__ void __launch_bounds__(kBlockThreads, 2)
    solve_large_kernel(SolveWork work, SolvedColumns unknown, RowChoice choice, SolveCounts counts, float* memory) {
  WF_SHARED(SharedRoom, shared);
  const Columns columns = unknown.columns;
  const int across = (columns.count + T::kSide - 1) / T::kSide, squares = across * (across + 1) / 2;
  const int thread = static_cast<int>(threadIdx.x);
  const LargeRoom room(memory + blockIdx.x * LargeRoom::floats(across), across);
  const bool long_rows = !choice.long_rows.empty();
  const Position size = long_rows ? choice.long_rows.size : work.lists.rows();
  Equations<T> equations;
  for (Position turn = blockIdx.x; turn < size; turn += gridDim.x) {
    const Position row = long_rows ? choice.long_rows[turn].row : turn;
    const Position begin = work.lists.begin[row], count = work.lists.count(row);
    if (count == 0 || (!long_rows && count > choice.longest) || work.is_done(row)) continue;
    share_ridge(work, row, shared.ridge);
    bool open = false;
    float own = 0, pull = 0;
    for (int column = 0; column < across; ++column) {
      for (int part = column; part < across; ++part) {
        const int number = part * (part + 1) / 2 + column;
        const Square square = square_of<T>(number, columns);
        const TilePlace at = place_in<T>(square);
        equations.clear();
        add_base<T>(work, at, square.left, square.right, equations.sums);
        if (long_rows) {
          const LongRow pieces = choice.long_rows[turn];
          for (Position piece = pieces.first_piece; piece < pieces.first_piece + pieces.pieces; ++piece) {
            add_part<T>(choice.parts + (piece * squares + number) * part_floats<T>(kBlockThreads), equations);
            if (thread != 0) continue;
            equations.terms.curvature += choice.terms[piece].curvature;
            equations.terms.pull += choice.terms[piece].pull;
          }
        } else {
          add_ratings<T, kWeight>(ListRatings{work}, begin, begin + count, at, square.left, square.right,
                                  unknown.vector, shared.equations,
                                  square.diagonal ? shared.equations.stage : shared.right_stage, equations);
        }
        if (number == 0) {  // of the whole row
          share_terms(equations.terms, shared.equations);
          __syncthreads();
          if (unknown.bias) {
            own = static_cast<float>(shared.equations.total_curvature + work.settings.lambda_bias);
            pull = static_cast<float>(shared.equations.total_pull);
          }
        }
        if (!square.diagonal) {
          subtract_left(room, columns, part, column, at, shared, equations);
          solve_below_corner(room.square(column, column), at, shared, equations);
          store_tile(equations.sums, at, room.square(part, column));
          __syncthreads();
          continue;
        }
        add_ridge<T>(at, square.left.count, shared.ridge, equations.sums);
        if (!work.scores.empty()) {
          equations.right += right_of_others(work, row, square.left, shared.ridge);
        }
        subtract_left(room, columns, part, column, at, shared, equations);
        __syncthreads();
        if (thread < T::kSide) {
          const bool here = thread < square.left.count;
          shared.equations.right[thread] = here ? equations.right : 0.0F;
          shared.equations.border[thread] = here && unknown.bias ? equations.border : 0.0F;
        }
        __syncthreads();
        const int tiles = (square.left.count + T::kTile - 1) / T::kTile;
        open = factorize<T>(equations.sums, at, tiles, shared.cholesky, shared.equations.stage, shared.equations.right,
                            shared.equations.border) ||
               open;
        if (thread < T::kSide) {
          room.right()[column * T::kSide + thread] = shared.equations.right[thread];
          room.border()[column * T::kSide + thread] = shared.equations.border[thread];
        }
        store_tile(equations.sums, at, room.square(column, column));
        __syncthreads();
      }
    }
    if (unknown.bias) {
      if (thread < kWarp) {
        float bias = 0;
        open = eliminate_bias(room.right(), room.border(), columns.count, own, pull, bias) || open;
        if (thread == 0) shared.bias = bias;
      }
      __syncthreads();
    }
    solve_back_squares(room, columns, across, shared, equations);
    for (int f = thread; f < columns.count; f += kBlockThreads) {
      work.sides.factors.row(row)[columns.from + f] = room.right()[f];
    }
    if (unknown.bias && thread == 0) *work.sides.biases.row(row) = shared.bias;
    const bool row_open = __syncthreads_or(open) != 0;
    if (thread == 0) count_row(counts, unknown, row, row_open);
    if (!work.scores.empty()) move_scores(work, row, unknown, room.right(), unknown.bias ? shared.bias : 0.0F);
    __syncthreads();
  }
}

/// The factors that are solved for next become 0, and scores what the others make of them: a block per row.
__global__ void __launch_bounds__(kBlockThreads) forget_columns_kernel(SolveWork work, SolvedColumns unknown) {
  WF_DYNAMIC_SHARED(float, change);  // [columns]
  for (Position row = blockIdx.x; row < work.lists.rows(); row += gridDim.x) {
    if (work.lists.count(row) == 0) continue;
    float* const x = work.sides.factors.row(row) + unknown.columns.from;
    for (int f = static_cast<int>(threadIdx.x); f < unknown.columns.count; f += kBlockThreads) {
      change[f] = -x[f];
      x[f] = 0;
    }
    __syncthreads();
    move_scores(work, row, unknown, change, unknown.bias ? -*work.sides.biases.row(row) : 0.0F);
    __syncthreads();
  }
}

}  // namespace

void Cuda::forget_columns(const SolveWork& work, const SolvedColumns& unknown) {
  if (work.scores.empty()) return;
  const Position bytes = unknown.columns.count * Position{sizeof(float)};
  launch(gpu_, "solve_rows", grid_over(work.lists.rows(), 1, kBlockThreads, bytes), forget_columns_kernel, work,
         unknown);
}

void Cuda::solve_large(const SolveWork& work, const SolvedColumns& unknown, const RowChoice& choice) {
  const int across = (unknown.columns.count + T::kSide - 1) / T::kSide;
  const Position rows = choice.long_rows.empty() ? work.lists.rows() : choice.long_rows.size;
  const Position floats = LargeRoom::floats(across);
  // rows are solved one by one: the number of blocks does not show in what they give
  const Position of_memory = solve_room_.size() / floats + gpu_.memory().free / 4 / (floats * Position{sizeof(float)});
  const Position blocks = std::clamp<Position>(2 * gpu_.multiprocessors(), 1, std::max<Position>(of_memory, 1));
  const Position at_once = std::min(blocks, rows);
  solve_room_.grow(checked_product(at_once, floats), gpu_.compute());
  launch(gpu_, "solve_rows", {at_once, kBlockThreads, 0},
         work.settings.implicit ? solve_large_kernel<Weight::given> : solve_large_kernel<Weight::one>, work, unknown,
         choice, solve_counts(work.lists, !unknown.first || !unknown.last), solve_room_.data());
}

}  // namespace wf
