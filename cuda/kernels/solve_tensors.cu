// solve_rows (solve_rows.cu) with equations summed by tensor cores, of at most 128 unknowns at a time.
//
//   sum of (curvature q) q',  both factors rounded to tf32, fp16 or bf16, products added in fp32
//
// shapes  as solve_rows
// launch  as solve_rows; a warp holds at most 9 tiles of 16 x 16, which go to the tiles of Cholesky's method by way of
//         the stage
// moves   as solve_rows; two reads of shared memory of 512 bytes for 4096 multiplications
// order   ratings in the order of the list, 8 or 16 at a time, those as the device has it: the same bits on the same
//         kind of device. Long lists in pieces, as solve_rows
#include "cuda/kernels/solve_tensors.hpp"

#include "cuda/device/solve_tiles.cuh"

namespace wf {
namespace {

/// A block per piece, as sum_pieces_kernel for one square.
template <class T, Weight kWeight, Precision kPrecision>
__global__ void __launch_bounds__(T::kThreads, kTensorBlocks<T>)
    sum_pieces_by_tensors_kernel(SolveWork work, SolvedColumns unknown, Span<const Piece, Device> pieces, float* parts,
                                 TermSums* terms) {
  WF_SHARED(EquationRoom<T>, room);
  const Square square{unknown.columns, unknown.columns, true};
  const TilePlace place = place_in<T>(square);
  for (Position at = blockIdx.x; at < pieces.size; at += gridDim.x) {
    Equations<T> equations;
    TermSums sums;
    for (Position first = pieces[at].first; first < pieces[at].end; first += kSummedAtOnce) {
      equations.clear();
      add_ratings_by_tensors<T, kWeight, kPrecision>(ListRatings{work}, first,
                                                     min(first + kSummedAtOnce, pieces[at].end), place, square.left,
                                                     unknown.vector, room, equations);
      leave_part(equations, first > pieces[at].first, parts + at * part_floats<T>(static_cast<int>(blockDim.x)));
      sums.curvature += equations.terms.curvature;
      sums.pull += equations.terms.pull;
    }
    share_terms(sums, room);
    if (threadIdx.x == 0) terms[at] = {room.total_curvature, room.total_pull};
  }
}

template <class T, Weight kWeight>
RowsKernel rows_kernel(Precision precision) {
  if (precision == Precision::tf32) return solve_rows_kernel<T, kWeight, Precision::tf32>;
  if (precision == Precision::fp16) return solve_rows_kernel<T, kWeight, Precision::fp16>;
  return solve_rows_kernel<T, kWeight, Precision::bf16>;
}
template <class T, Weight kWeight>
PiecesKernel pieces_kernel(Precision precision) {
  if (precision == Precision::tf32) return sum_pieces_by_tensors_kernel<T, kWeight, Precision::tf32>;
  if (precision == Precision::fp16) return sum_pieces_by_tensors_kernel<T, kWeight, Precision::fp16>;
  return sum_pieces_by_tensors_kernel<T, kWeight, Precision::bf16>;
}

}  // namespace

template <class T>
RowsKernel tensor_rows_kernel(const SolveSettings& settings) {
  return settings.implicit ? rows_kernel<T, Weight::given>(settings.precision)
                           : rows_kernel<T, Weight::one>(settings.precision);
}
template <class T>
PiecesKernel tensor_pieces_kernel(const SolveSettings& settings) {
  return settings.implicit ? pieces_kernel<T, Weight::given>(settings.precision)
                           : pieces_kernel<T, Weight::one>(settings.precision);
}

template RowsKernel tensor_rows_kernel<Tiles<4>>(const SolveSettings&);
template RowsKernel tensor_rows_kernel<Tiles<8>>(const SolveSettings&);
template PiecesKernel tensor_pieces_kernel<Tiles<4>>(const SolveSettings&);
template PiecesKernel tensor_pieces_kernel<Tiles<8>>(const SolveSettings&);

}  // namespace wf
