// How the work of solve_rows and gram is cut: by the lengths of lists and the rank alone, never by the device, so that
// results do not depend on it; and what its kernels take.
#pragma once
#include "host/kernels/op_types.hpp"

#include <algorithm>

namespace wf {

/// Columns from .. from + count - 1 of a table.
struct Columns {
  int from = 0, count = 0;
};

/// What a launch solves for: factors of these columns with the others as they are, and the bias, or not.
struct SolvedColumns {
  Columns columns;
  bool bias = false;
  bool first = true, last = true;  ///< of several launches that solve for a row's factors in turn
  bool vector = false;             ///< the columns begin at 16 bytes in each row and are a multiple of four
};

/// The largest magnitudes among partners' factors and ratings' values, as bits: whole numbers have a maximum by
/// atomics.
struct Largest {
  unsigned factor = 0, value = 0;
};

/// What the kernels of solve_rows work on.
struct SolveWork {
  RowListsView<Device> lists;
  SolveSides<Device> sides;
  Rows<const float, Device> gram;  ///< of the partners; empty unless cells without rating weigh something
  SolveSettings settings;
  Span<float, Device> scores;  ///< [ratings] of the rows as they are, for Solver::subspace: terms are what is left
  const Largest* largest = nullptr;  ///< for Precision::fp16
  const char* done = nullptr;        ///< [rows] not 0: solved already; or nullptr: none is

  WF_HD bool is_done(Position row) const { return done != nullptr && done[row] != 0; }
};

/// Sums over a row's terms.
struct TermSums {
  double curvature = 0, pull = 0;
};

/// Ratings of a list, or rows of a table, that one block sums up.
struct Piece {
  Position first = 0, end = 0;
};
/// A list that is summed in pieces.
struct LongList {
  Position row = 0, first = 0, end = 0;
};
/// Its pieces: numbers first_piece .. first_piece + pieces - 1.
struct LongRow {
  Position row = 0, first_piece = 0, pieces = 0;
};

/// Rows of at most `longest` ratings, a block a row; where there are long rows, those instead, from their pieces.
struct RowChoice {
  Position longest = 0;
  Span<const LongRow, Device> long_rows;
  const float* parts = nullptr;
  const TermSums* terms = nullptr;
};

/// Where solve_rows counts, by atomics on whole numbers.
struct SolveCounts {
  SolvedRows* solved;
  char* open;  ///< [rows] that were open in an earlier launch, or nullptr where there is one launch
};

/// Terms that are added to one running sum, before that is added to the sum of the sums: the rounding of 2^12 terms.
inline constexpr Position kSummedAtOnce = 4096;

/// Lists longer than this are summed by several blocks; one block takes about a millisecond for so many at rank 128.
inline constexpr Position kLongList = 2 * kSummedAtOnce;

/// Ratings of a piece: few enough to keep a device busy with one list, but no more than 256 pieces a list and square.
inline Position piece_size(Position ratings, Position squares) {
  constexpr Position kMostBlocks = 256;
  const Position pieces = std::max<Position>(kMostBlocks / squares, 1);
  const Position size = std::max(kSummedAtOnce, (ratings + pieces - 1) / pieces);
  return (size + kSummedAtOnce - 1) / kSummedAtOnce * kSummedAtOnce;
}

}  // namespace wf
