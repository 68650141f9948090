// Sums over many ratings, or over a whole table, by many blocks: each takes a piece, and pieces are added in their
// order afterwards, so that the result is the same on any device.
#pragma once
#include "cuda/device/equations.cuh"

namespace wf {

/// Squares of T::kSide columns on and below the diagonal of a matrix: number p, row by row.
struct Square {
  Columns left, right;
  bool diagonal = false;
};
template <class T>
__device__ Square square_of(int number, const Columns& columns) {
  int row = 0;
  for (; number > row; ++row) number -= row + 1;
  const auto part = [&](int at) {
    return Columns{columns.from + at * T::kSide, min(T::kSide, columns.count - at * T::kSide)};
  };
  return {part(row), part(number), row == number};
}

/// The tile of a thread in a square, where the block has 256 threads or, for a lone square, at least a triangle of
/// them.
template <class T>
__device__ TilePlace place_in(const Square& square) {
  const int thread = static_cast<int>(threadIdx.x);
  if (!square.diagonal) {
    const int row = thread / T::kAcross;
    return row * T::kTile < square.left.count ? TilePlace{row, thread % T::kAcross} : TilePlace{};
  }
  return triangle_place(thread, (square.left.count + T::kTile - 1) / T::kTile);
}

/// What a block leaves of a piece and a square: its threads' tiles, element by element, then right and border.
template <class T>
WF_HD inline Position part_floats(int threads) {
  return Position{T::kTile} * T::kTile * threads + 2 * T::kSide;
}

/// Adds to what the block has left at `part`, or leaves it there.
template <class T>
__device__ void leave_part(const Equations<T>& equations, bool add, float* part) {
  const auto threads = static_cast<int>(blockDim.x), thread = static_cast<int>(threadIdx.x);
  const auto leave = [=](float* to, float value) { *to = add ? *to + value : value; };
#pragma unroll
  for (int i = 0; i < T::kTile; ++i) {
#pragma unroll
    for (int j = 0; j < T::kTile; ++j) leave(part + (i * T::kTile + j) * threads + thread, equations.sums[i][j]);
  }
  if (thread >= T::kSide) return;
  leave(part + T::kTile * T::kTile * threads + thread, equations.right);
  leave(part + T::kTile * T::kTile * threads + T::kSide + thread, equations.border);
}

/// The counterpart, by a block of as many threads.
template <class T>
__device__ void add_part(const float* part, Equations<T>& equations) {
  const auto threads = static_cast<int>(blockDim.x), thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < T::kTile; ++i) {
#pragma unroll
    for (int j = 0; j < T::kTile; ++j) equations.sums[i][j] += part[(i * T::kTile + j) * threads + thread];
  }
  if (thread >= T::kSide) return;
  equations.right += part[T::kTile * T::kTile * threads + thread];
  equations.border += part[T::kTile * T::kTile * threads + T::kSide + thread];
}

/// A block per piece and square: parts[piece * squares + square], and of the first square the terms.
template <class T, Weight kWeight, class Ratings>
__global__ void __launch_bounds__(kBlockThreads, 2)
    sum_pieces_kernel(Ratings ratings, Columns columns, bool vector, Span<const Piece, Device> pieces, int squares,
                      float* parts, TermSums* terms) {
  WF_SHARED(EquationRoom<T>, room);
  WF_SHARED(float, right_stage, [kStaged * T::kPitch]);
  const Position floats = part_floats<T>(static_cast<int>(blockDim.x));
  for (Position at = blockIdx.x; at < pieces.size * squares; at += gridDim.x) {
    const Position piece = at / squares;
    const Square square = square_of<T>(static_cast<int>(at - piece * squares), columns);
    const TilePlace place = place_in<T>(square);
    Equations<T> equations;
    TermSums sums;
    for (Position first = pieces[piece].first; first < pieces[piece].end; first += kSummedAtOnce) {
      equations.clear();
      add_ratings<T, kWeight>(ratings, first, min(first + kSummedAtOnce, pieces[piece].end), place, square.left,
                              square.right, vector, room, square.diagonal ? room.stage : right_stage, equations);
      leave_part(equations, first > pieces[piece].first, parts + at * floats);
      sums.curvature += equations.terms.curvature;
      sums.pull += equations.terms.pull;
    }
    if (terms == nullptr || at != piece * squares) continue;
    share_terms(sums, room);
    if (threadIdx.x == 0) terms[piece] = {room.total_curvature, room.total_pull};
  }
}

}  // namespace wf
