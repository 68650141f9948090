// The Gram matrix of a table.
//
//   sums[f][g] = sum over the rows r of table: r[f] * r[g]
//
// shapes  table [n x rank]; sums [rank x rank]
// launch  a block per piece of the table and square of 64 or 128 columns (device/pieces.cuh): 16 x 16 tiles in
//         registers; then a thread per element adds up the pieces
// moves   4 * rank bytes a row, twice where rank is above 128 and again for each further square; 2 n rank^2 / 2
//         operations. A cuBLAS call would do both halves, in an order that depends on the device
// order   rows in order within 4096, such sums in order within a piece, pieces in order: on any device the same bits
#include "cuda/device/pieces.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

/// Element [f][g] of the sum of all pieces, in double: rounding does not grow with the table.
template <class T>
__global__ void __launch_bounds__(kBlockThreads)
    add_pieces_kernel(const float* parts, Position pieces, int squares, int threads, Rows<float, Device> sums) {
  const Walk walk = thread_walk();
  const Position floats = part_floats<T>(threads);
  for (Position at = walk.first; at < Position{sums.rank} * sums.rank; at += walk.step) {
    const int f = static_cast<int>(at / sums.rank), g = static_cast<int>(at % sums.rank);
    if (f < g) continue;
    const int row = f / T::kSide, column = g / T::kSide, i = f % T::kSide, j = g % T::kSide;
    const int tile_row = i / T::kTile, tile_column = j / T::kTile;
    const bool whole = row != column;
    if (!whole && tile_row < tile_column) continue;
    const int thread = whole ? tile_row * T::kAcross + tile_column : tile_row * (tile_row + 1) / 2 + tile_column;
    const Position element = (i % T::kTile * T::kTile + j % T::kTile) * threads + thread;
    const int square = row * (row + 1) / 2 + column;
    double sum = 0;
    for (Position piece = 0; piece < pieces; ++piece) {
      sum += static_cast<double>(parts[(piece * squares + square) * floats + element]);
    }
    sums.row(f)[g] = sums.row(g)[f] = static_cast<float>(sum);
  }
}

}  // namespace

void Cuda::gram(Rows<const float, Device> table, Rows<float, Device> sums) {
  const Range range("gram");
  with_tiles(table.rank, [&](auto tiles) {
    using T = decltype(tiles);
    const int across = (table.rank + T::kSide - 1) / T::kSide, squares = across * (across + 1) / 2;
    const int threads = across > 1 ? kBlockThreads : T::kThreads;
    std::vector<Piece> pieces;
    const Position size = piece_size(table.count, squares);
    for (Position first = 0; first < table.count; first += size) {
      pieces.push_back({first, std::min(first + size, table.count)});
    }
    const auto count = static_cast<Position>(pieces.size());
    solve_parts_.grow(checked_product(count * squares, part_floats<T>(threads)), gpu_.compute());
    if (count > 0) {
      launch(gpu_, "gram", {count * squares, threads, 0}, sum_pieces_kernel<T, Weight::one, TableRatings>,
             TableRatings{table}, Columns{0, table.rank}, has_vector_rows(table), upload_pieces(pieces), squares,
             solve_parts_.data(), static_cast<TermSums*>(nullptr));
    }
    launch(gpu_, "gram", threads_over(Position{table.rank} * table.rank), add_pieces_kernel<T>, solve_parts_.data(),
           count, squares, threads, sums);
  });
}

}  // namespace wf
