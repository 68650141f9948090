// The inner loops of least squares by row, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/simd.hpp"
#include "host/kernels/op_types.hpp"

namespace wf {

/// One side's equations, and what all rows have in common.
struct SolveTask {
  RowListsView<Host> lists;
  SolveSides<Host> sides;
  SolveSettings settings;
  Rows<const float, Host> base;  ///< [padded x padded] unobserved * gram; empty where explicit
  bool diagonal = false;         ///< base has nothing beside its diagonal
};

/// Sizes of a thread's arrays. Rows are padded with zeros to whole vectors of 16.
struct SolveShape {
  static constexpr int kVector = 16;

  explicit SolveShape(int rows_rank)
      : rank(rows_rank),
        padded((rows_rank + kVector - 1) / kVector * kVector),
        pitch(padded + kVector),
        chunk(std::clamp(kChunkFloats / padded / 8 * 8, 8, kMostTogether)) {}

  static constexpr int kMostTogether = 64;
  static constexpr int kChunkFloats = 4096;  ///< of rows that are gathered together: 16 KB, a third of a first cache

  int rank, padded;
  int pitch;  ///< of the matrix: behind its columns come the right-hand sides
  int chunk;  ///< rows that are gathered together

  /// Sums over the ratings of a row: the matrix, the right-hand side, and the sum of the partners.
  Position sums() const { return Position{padded} * (pitch + 2); }
};

/// What belongs to a row's sums and is no vector.
struct RowTotals {
  double pull = 0;       ///< right-hand side of the bias
  Position counted = 0;  ///< ratings that count for the penalty

  RowTotals& operator+=(const RowTotals& other) {
    pull += other.pull;
    counted += other.counted;
    return *this;
  }
};

/// A thread's memory.
struct SolveRoom {
  explicit SolveRoom(const SolveShape& of_rows);

  SolveShape shape;
  HostBuffer<float> sums;                       ///< [shape.sums()]
  HostBuffer<float> plain, weighted;            ///< [chunk x padded] gathered rows, and times their curvature
  HostBuffer<float> pull, curvature;            ///< [kMostTogether]: a block of factors has a larger chunk
  HostBuffer<float> diagonal, inverse;          ///< [padded] of the matrix; 1 / of its factor's
  HostBuffer<float> x, rest, direction, image;  ///< [padded] vectors of a row
  HostBuffer<float> scores;                     ///< [ratings of the longest row] where solved by blocks
  HostBuffer<float> columns;                    ///< [rank x ratings] of a short row
};

/// Factors from .. from + width - 1.
struct FactorBlock {
  int from, width;
};

/// The ratings of a row that is too long for one thread, as Solver::cg and Solver::subspace go through them: each the
/// function of SolveLoops over all of them.
class SplitRow {
 public:
  virtual ~SplitRow() = default;
  virtual float add_rests(const float* x, float bias, bool pulls, float* rest) = 0;
  virtual void find_scores(const float* x) = 0;
  virtual void add_block(const FactorBlock& block, float* sums) = 0;
  virtual void move_scores(const FactorBlock& block, const float* change) = 0;
};

/// Each works on what belongs to one row or range alone, and allocates nothing but scores and columns.
struct SolveLoops {
  /// Adds ratings first .. end - 1 of the lists to `sums`, whose matrix is upper.
  RowTotals (*add_ratings)(const SolveTask& task, Position first, Position end, SolveRoom& room, float* sums);
  /// Solves the equations in `sums`, which are destroyed, for the row; false where they leave some factors open.
  bool (*solve)(const SolveTask& task, Position row, const RowTotals& totals, SolveRoom& room, float* sums);
  /// rest += sum over ratings first .. end - 1 of w * partner, with w = pull (or 0) - curvature * (<x, partner> +
  /// bias); returns the sum of w.
  float (*add_rests)(const SolveTask& task, Position first, Position end, const float* x, float bias, bool pulls,
                     SolveRoom& room, float* rest);
  /// scores[n - first] = <x, partner>, and after a step by `change` of a block of x.
  void (*find_scores)(const SolveTask& task, Position first, Position end, const float* x, SolveRoom& room,
                      float* scores);
  void (*move_scores)(const SolveTask& task, const FactorBlock& block, Position first, Position end,
                      const float* change, SolveRoom& room, float* scores);
  /// Adds what the ratings bring into a block's equations to sums of SolveShape(block.width).
  void (*add_block)(const SolveTask& task, const FactorBlock& block, Position first, Position end, const float* scores,
                    SolveRoom& room, float* sums);
  /// Rows first .. end - 1 by whatever solver; rows of more than `longest` ratings are left out.
  SolvedRows (*solve_rows)(const SolveTask& task, Position first, Position end, Position longest, SolveRoom& room);
  /// Adds rows first .. end - 1 of the table to room.sums, whose matrix is upper.
  void (*add_gram)(const Rows<const float, Host>& table, Position first, Position end, SolveRoom& room);
  /// Errors of the ratings of users first .. end - 1.
  ErrorSums (*errors)(const SolveTask& task, const ModelView<const float, Host>& model, Position first, Position end,
                      SolveRoom& room);
};

/// For an instruction set that usable_simd() has.
const SolveLoops& solve_loops(Simd simd);

const SolveLoops& solve_loops_portable();

/// By conjugate gradients or blocks of factors; false where the equations leave some factors open. Here is what belongs
/// to the row alone; the ratings may be anybody's.
bool solve_by_passes(const SolveTask& task, Position row, SplitRow& ratings, SolveRoom& room);

#if defined(__x86_64__)
const SolveLoops& solve_loops_avx2();
const SolveLoops& solve_loops_avx512();
#endif

}  // namespace wf
