// The inner loops of nonnegative factors, compiled once for each instruction set, each in a file of its own.
#pragma once
#include "host/cpu/simd.hpp"
#include "host/kernels/op_types.hpp"

namespace wf {

/// One side's rows, and what they have in common. Rows are padded with zeros to whole vectors of 16.
struct NmfTask {
  static constexpr int kVector = 16;

  RowListsView<Host> lists;
  Rows<const float, Host> partners, own;
  Rows<float, Host> factors;  ///< the own ones, where they are to change
  NmfSettings settings;
  Rows<const float, Host> products;  ///< above of each row, where settings take them
  const float* shared = nullptr;     ///< [padded x padded] gram, or [padded] column sums, of all partners
  int rank = 0, padded = 0;
};

/// A thread's memory.
struct NmfRoom {
  explicit NmfRoom(int padded);

  static constexpr int kTogether = 32;  ///< rows that are gathered for the matrix of a row

  HostBuffer<float> x, above, below, above_part, below_part;  ///< [padded]
  HostBuffer<float> rows;                                     ///< [kTogether x padded]
  HostBuffer<float> matrix;                                   ///< [padded x padded]
};

/// Each works on what belongs to one range of rows alone, and allocates nothing.
struct NmfLoops {
  /// Rows first .. end - 1 of nmf_rows; those of more than `longest` ratings are left out.
  void (*nmf_rows)(const NmfTask& task, Position first, Position end, Position longest, NmfRoom& room);
  /// What move_row needs of ratings first .. end - 1 of a row, where settings take no products: `above`, and with hals
  /// the upper half of `matrix`, else `below`. Each is a sum over ratings.
  void (*sum_ratings)(const NmfTask& task, Position row, Position first, Position end, NmfRoom& room);
  void (*move_row)(const NmfTask& task, Position row, NmfRoom& room);
  /// Errors of the ratings of users first .. end - 1.
  ErrorSums (*errors)(const NmfTask& task, Position first, Position end, NmfRoom& room);
};

/// For an instruction set that usable_simd() has.
const NmfLoops& nmf_loops(Simd simd);

const NmfLoops& nmf_loops_portable();
#if defined(__x86_64__)
const NmfLoops& nmf_loops_avx2();
const NmfLoops& nmf_loops_avx512();
#endif

}  // namespace wf
