// The matrix of all ratings, 0 where there is none, times a table.
//
//   out[r] = sum over the ratings of row r: value * table[partner] - number of the row * number of the column
//
// shapes  lists of n ratings and m rows; table [partners x rank]; out [m x rank]; shift [m] or empty, [rank] or empty
// launch  a block of 256 threads per row; lists above kLongList are summed in pieces, a block each, which a thread per
//         element then adds
// moves   4 * rank + 8 bytes per rating, most of them from the L2 cache where the table fits it; 4 * rank a row
// order   device/list_sums.cuh; pieces in order, in double: on any device the same bits
#include "cuda/device/list_sums.cuh"
#include "cuda/kernels/cuda_kernels.hpp"
#include "cuda/runtime/ranges.hpp"

namespace wf {
namespace {

__device__ float shift_of(const RowShift<Device>& shift, Position row, int f) {
  if (shift.of_columns.empty()) return 0;
  return (shift.of_rows.empty() ? 1.0F : shift.of_rows[row]) * shift.of_columns[f];
}

template <class Use>
__device__ void multiply_list(const RowListsView<Device>& lists, const Rows<const float, Device>& table,
                              const Piece& of, WarpSums& room, const Use& use) {
  sum_list(
      of.first, of.end, table.rank, [&](Position n) { return lists.value[n]; },
      [&](Position n) { return table.row(lists.partner[n]); }, room, use);
}

__global__ void __launch_bounds__(kBlockThreads)
    multiply_rows_kernel(RowListsView<Device> lists, Rows<const float, Device> table, RowShift<Device> shift,
                         Rows<float, Device> out) {
  WF_SHARED(WarpSums, room);
  for (Position row = blockIdx.x; row < lists.rows(); row += gridDim.x) {
    if (lists.count(row) > kLongList) continue;
    multiply_list(lists, table, {lists.begin[row], lists.begin[row + 1]}, room,
                  [&](int f, float sum) { out.row(row)[f] = sum - shift_of(shift, row, f); });
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    multiply_pieces_kernel(RowListsView<Device> lists, Rows<const float, Device> table,
                           Span<const Piece, Device> pieces, float* parts) {
  WF_SHARED(WarpSums, room);
  for (Position piece = blockIdx.x; piece < pieces.size; piece += gridDim.x) {
    multiply_list(lists, table, pieces[piece], room, [&](int f, float sum) { parts[piece * table.rank + f] = sum; });
  }
}

__global__ void __launch_bounds__(kBlockThreads) add_parts_kernel(Span<const LongRow, Device> rows, const float* parts,
                                                                  RowShift<Device> shift, Rows<float, Device> out) {
  const Walk walk = thread_walk();
  for (Position at = walk.first; at < rows.size * out.rank; at += walk.step) {
    const LongRow& of = rows[at / out.rank];
    const int f = static_cast<int>(at % out.rank);
    double sum = 0;
    for (Position piece = 0; piece < of.pieces; ++piece) {
      sum += static_cast<double>(parts[(of.first_piece + piece) * out.rank + f]);
    }
    out.row(of.row)[f] = static_cast<float>(sum) - shift_of(shift, of.row, f);
  }
}

}  // namespace

void Cuda::multiply_rows(const RowListsView<Device>& lists, Rows<const float, Device> table,
                         const RowShift<Device>& shift, Rows<float, Device> out) {
  if (lists.rows() == 0) return;
  const Range range("multiply rows");
  launch(gpu_, "multiply_rows", grid_over(lists.rows(), 1, kBlockThreads), multiply_rows_kernel, lists, table, shift,
         out);
  std::vector<Piece> pieces;
  std::vector<LongRow> rows;
  for (const LongList& list : long_lists(lists)) {
    const auto before = static_cast<Position>(pieces.size());
    for (Position first = list.first; first < list.end; first += kSummedAtOnce) {
      pieces.push_back({first, std::min(first + kSummedAtOnce, list.end)});
    }
    rows.push_back({list.row, before, static_cast<Position>(pieces.size()) - before});
  }
  if (rows.empty()) return;
  const auto count = static_cast<Position>(pieces.size()), long_ones = static_cast<Position>(rows.size());
  solve_parts_.grow(checked_product(count, table.rank), gpu_.compute());
  long_rows_.grow(long_ones, gpu_.compute());
  transfer_.upload(gpu_.compute(), long_rows_.data(), {{rows.data(), long_ones * Position{sizeof(LongRow)}}});
  launch(gpu_, "multiply_rows", grid_over(count, 1, kBlockThreads), multiply_pieces_kernel, lists, table,
         upload_pieces(pieces), solve_parts_.data());
  launch(gpu_, "multiply_rows", threads_over(checked_product(long_ones, out.rank)), add_parts_kernel,
         Span<const LongRow, Device>{long_rows_.data(), long_ones}, solve_parts_.data(), shift, out);
}

}  // namespace wf
