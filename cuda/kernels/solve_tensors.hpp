// The kernels of solve_rows that sum equations by tensor cores; they have a file of their own, as they are many.
#pragma once
#include "cuda/device/solve_plan.hpp"

namespace wf {

using RowsKernel = void (*)(SolveWork, SolvedColumns, RowChoice, SolveCounts);
using PiecesKernel = void (*)(SolveWork, SolvedColumns, Span<const Piece, Device>, float*, TermSums*);

/// T: the tiles for the columns at hand (with_tiles).
template <class T>
RowsKernel tensor_rows_kernel(const SolveSettings& settings);
template <class T>
PiecesKernel tensor_pieces_kernel(const SolveSettings& settings);

}  // namespace wf
