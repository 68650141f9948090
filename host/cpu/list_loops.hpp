// The inner loops of what goes through lists of ratings and tables row by row, compiled once for each instruction set,
// each in a file of its own.
#pragma once
#include "host/cpu/simd.hpp"
#include "host/kernels/op_types.hpp"

namespace wf {

/// A table that all rows are multiplied with: [count x padded], zeros behind its columns.
struct PaddedTable {
  static constexpr int kVector = 16;

  explicit PaddedTable(const Rows<const float, Host>& table)
      : columns(table.rank),
        padded((table.rank + kVector - 1) / kVector * kVector),
        values(checked_product(table.count, padded), 0) {
    for (Position r = 0; r < table.count; ++r) std::copy_n(table.row(r), columns, values.data() + r * padded);
  }

  int columns, padded;
  HostBuffer<float> values;
};

/// Each works on what belongs to one row or range alone, and allocates nothing.
struct ListLoops {
  /// Of a table: what multiply_rows_by_range works on at once, 512 KB, which leave room in a second cache of 1 MB.
  /// docs/decisions/0017-row-by-row.md has what other sizes take.
  static constexpr Position kRangeRows = 4096;
  static constexpr int kStripColumns = 32;

  /// Rows first .. end - 1 of multiply_rows, without its shift; rows of more than `longest` ratings are left out.
  void (*multiply_rows)(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                        const Rows<float, Host>& out, Position first, Position end, Position longest);
  /// The same, for tables of half a strip's columns or more; next: [end - first] of its own.
  void (*multiply_rows_by_range)(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                 const Rows<float, Host>& out, Position first, Position end, Position longest,
                                 Position* next);
  /// sums[f] = sum of value * table[partner][f] over ratings first .. end - 1.
  void (*sum_ratings)(const RowListsView<Host>& lists, const Rows<const float, Host>& table, Position first,
                      Position end, float* sums);
  /// Rows first .. end - 1 of multiply_table.
  void (*multiply_table)(const Rows<const float, Host>& left, const PaddedTable& right, const Rows<float, Host>& out,
                         Position first, Position end);
  /// rests[n] = value - <own row, partner> for the ratings of rows first .. end - 1. `x` [rank, rounded up to eights],
  /// zeros at its end.
  void (*list_rests)(const RowListsView<Host>& lists, const Rows<const float, Host>& own,
                     const Rows<const float, Host>& partners, Position first, Position end, float* x, float* rests);
};

/// For an instruction set that usable_simd() has.
const ListLoops& list_loops(Simd simd);

const ListLoops& list_loops_portable();
#if defined(__x86_64__)
const ListLoops& list_loops_avx2();
const ListLoops& list_loops_avx512();
#endif

}  // namespace wf
