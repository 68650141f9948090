// The bodies of ListLoops, to be inlined into functions that are compiled for one instruction set.
#pragma once
#include "host/cpu/lanes.hpp"
#include "host/cpu/list_loops.hpp"
#include "host/cpu/list_scores.hpp"

#include <algorithm>

namespace wf {

template <class Ops, class Vector>
class ListRows {
  using Eight = lanes::Eight;
  static constexpr int kLanes = lanes::kLanes<Vector>;
  static constexpr int kStrip = 8;           // vectors of a row that are summed in registers
  static constexpr Position kRowsAhead = 8;  // rows are asked for so many ratings, or rows, before they are used
  // ratings that are summed before their sum is added to the others': a sum of n numbers, one by one, is n roundings
  // off, and popular rows have 100 000
  static constexpr Position kSummed = 256;

 public:
  WF_INLINE static void multiply_rows(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                      const Rows<float, Host>& out, Position first, Position end, Position longest) {
    for (Position row = first; row < end; ++row) {
      if (lists.count(row) > longest) continue;
      sum_ratings(lists, table, lists.begin[row], lists.begin[row + 1], out.row(row));
    }
  }

  /// The same by ranges of partners, next [end - first]: for each strip of columns, all lists' ratings of one range,
  /// then those of the next.
  WF_INLINE static void multiply_rows_by_range(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                               const Rows<float, Host>& out, Position first, Position end,
                                               Position longest, Position* next) {
    constexpr int kNarrow = ListLoops::kStripColumns / 2;
    for (int column = 0; column < table.rank;) {
      const bool wide = table.rank >= 2 * kNarrow && table.rank - column > kNarrow;
      const int width = wide ? 2 * kNarrow : kNarrow;
      const Strip strip{first, end, longest, std::min(column, table.rank - width)};  // the last one ends with the row
      if (wide) {
        sum_strip_by_range<2 * kNarrow / kLanes>(lists, table, out, strip, next);
      } else {
        sum_strip_by_range<kNarrow / kLanes>(lists, table, out, strip, next);
      }
      column += width;
    }
  }

  WF_INLINE static void sum_ratings(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                    Position first, Position end, float* sums) {
    if (table.rank < 8) return sum_columns(lists, table, {first, end}, sums);
    if (table.rank < kLanes) return sum_vectors<Eight>(lists, table, {first, end}, sums);
    sum_vectors<Vector>(lists, table, {first, end}, sums);
  }

  WF_INLINE static void multiply_table(const Rows<const float, Host>& left, const PaddedTable& right,
                                       const Rows<float, Host>& out, Position first, Position end) {
    for (Position row = first; row < end; row += kTileRows) {
      int column = 0;
      for (; column + 2 * kLanes <= right.padded; column += 2 * kLanes) {
        multiply_tile<2>(left, right, out, {row, end}, column);
      }
      if (column < right.padded) multiply_tile<1>(left, right, out, {row, end}, column);
    }
  }

  WF_INLINE static void list_rests(const RowListsView<Host>& lists, const Rows<const float, Host>& own,
                                   const Rows<const float, Host>& partners, Position first, Position end, float* x,
                                   float* rests) {
    const ListScores<Ops> of(lists, partners);
    for (Position row = first; row < end; ++row) {
      std::copy_n(own.row(row), own.rank, x);
      of.for_scores(x, lists.begin[row], lists.begin[row + 1],
                    [&](Position n, int count, const auto&, const float* scores) WF_INLINE_LAMBDA {
                      for (int k = 0; k < count; ++k) rests[n + k] = lists.value[n + k] - scores[k];
                    });
    }
  }

 private:
  static constexpr int kTileRows = kLanes == 16 ? 8 : 4;  // with two vectors each, all registers there are

  struct Range {
    Position first, end;
  };
  struct Strip {
    Position first, end, longest;  // rows
    int column;
  };

  template <int kVectors>
  WF_INLINE static void sum_strip_by_range(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                           const Rows<float, Host>& out, const Strip& strip, Position* next) {
    for (Position row = strip.first; row < strip.end; ++row) next[row - strip.first] = lists.begin[row];
    for (Position range = 0; range < table.count; range += ListLoops::kRangeRows) {
      const auto limit = static_cast<RowId>(std::min(range + ListLoops::kRangeRows, table.count));
      for (Position row = strip.first; row < strip.end; ++row) {
        if (row + kRowsAhead < strip.end) {  // each row's part of the lists is somewhere else
          const Position soon = next[row + kRowsAhead - strip.first];
          __builtin_prefetch(lists.partner.data + soon);
          __builtin_prefetch(lists.value.data + soon);
        }
        if (lists.count(row) > strip.longest) continue;
        Vector total[kVectors]{};
        Position n = next[row - strip.first];
        const Position last = lists.begin[row + 1];
        while (n < last && lists.partner[n] < limit) {
          n = add_ratings<kVectors>(lists, table, {n, std::min(n + kSummed, last)}, limit, strip.column, total);
        }
        next[row - strip.first] = n;
        float* const sums = out.row(row) + strip.column;
        repeat<kVectors>([&](auto v) WF_INLINE_LAMBDA {
          const auto sum = range == 0 ? total[v] : lanes::load<Vector>(sums + v * kLanes) + total[v];
          lanes::store(sum, sums + v * kLanes);
        });
      }
    }
  }

  /// total += value * partner for the ratings whose partners are below the limit, in two sums: of one alone, each
  /// product waits for the one before. Returns the first rating that is not in them.
  template <int kVectors>
  WF_INLINE static Position add_ratings(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                        const Range& of, RowId limit, int column, Vector (&total)[kVectors]) {
    Vector even[kVectors]{}, odd[kVectors]{};
    const auto add = [&](Position n, Vector(&sum)[kVectors]) WF_INLINE_LAMBDA {
      const float* const row = table.row(lists.partner[n]) + column;
      const auto factor = Ops::template all<Vector>(&lists.value[n]);
      repeat<kVectors>(
          [&](auto v) WF_INLINE_LAMBDA { Ops::add_product(sum[v], factor, lanes::load<Vector>(row + v * kLanes)); });
    };
    Position n = of.first;
    for (; n + 1 < of.end && lists.partner[n + 1] < limit; n += 2) {
      add(n, even);
      add(n + 1, odd);
    }
    if (n < of.end && lists.partner[n] < limit) add(n++, even);
    repeat<kVectors>([&](auto v) WF_INLINE_LAMBDA { total[v] += even[v] + odd[v]; });
    return n;
  }

  WF_INLINE static void prefetch(const RowListsView<Host>& lists, const Rows<const float, Host>& table, Position n) {
    constexpr int kLine = 64 / sizeof(float);
    if (n >= lists.partner.size) return;
    const float* const row = table.row(lists.partner[n]);
    for (int f = 0; f < std::min(table.rank, 16 * kLine); f += kLine) __builtin_prefetch(row + f);
  }

  /// Less than a vector: as it is written down.
  WF_INLINE static void sum_columns(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                    const Range& of, float* sums) {
    float total[8]{};
    for (Position from = of.first; from < of.end; from += kSummed) {
      float sum[8]{};
      for (Position n = from; n < std::min(from + kSummed, of.end); ++n) {
        prefetch(lists, table, n + kRowsAhead);
        const float* const row = table.row(lists.partner[n]);
        for (int f = 0; f < table.rank; ++f) sum[f] = Ops{}(lists.value[n], row[f], sum[f]);
      }
      for (int f = 0; f < table.rank; ++f) total[f] += sum[f];
    }
    std::copy_n(total, table.rank, sums);
  }

  /// Vectors of type V; the last one ends with the row, so that it may repeat some of the one before.
  template <class V>
  WF_INLINE static void sum_vectors(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                    const Range& of, float* sums) {
    constexpr int kWidth = lanes::kLanes<V>;
    const int vectors = (table.rank + kWidth - 1) / kWidth;
    for (int from = 0; from < vectors; from += kStrip) {
      const int count = std::min(kStrip, vectors - from);
      repeat<kStrip>([&](auto n) WF_INLINE_LAMBDA {
        if (count == n + 1) sum_strip<V, n + 1>(lists, table, of, from * kWidth, sums);
      });
    }
  }

  template <class V, int kVectors>
  WF_INLINE static void sum_strip(const RowListsView<Host>& lists, const Rows<const float, Host>& table,
                                  const Range& of, int column, float* sums) {
    constexpr int kWidth = lanes::kLanes<V>;
    const int last = std::min(column + (kVectors - 1) * kWidth, table.rank - kWidth);
    const auto at = [&](int v) WF_INLINE_LAMBDA { return v == kVectors - 1 ? last : column + v * kWidth; };
    V total[kVectors]{};
    for (Position from = of.first; from < of.end; from += kSummed) {
      V sum[kVectors]{};
      for (Position n = from; n < std::min(from + kSummed, of.end); ++n) {
        if (column == 0) prefetch(lists, table, n + kRowsAhead);
        const float* const row = table.row(lists.partner[n]);
        const auto factor = Ops::template all<V>(&lists.value[n]);
        repeat<kVectors>([&](auto v)
                             WF_INLINE_LAMBDA { Ops::add_product(sum[v], factor, lanes::load<V>(row + at(v))); });
      }
      repeat<kVectors>([&](auto v) WF_INLINE_LAMBDA { total[v] += sum[v]; });
    }
    repeat<kVectors>([&](auto v) WF_INLINE_LAMBDA { lanes::store(total[v], sums + at(v)); });
  }

  /// Columns column .. column + kColumns vectors of kTileRows rows, fewer at the end.
  template <int kColumns>
  WF_INLINE static void multiply_tile(const Rows<const float, Host>& left, const PaddedTable& right,
                                      const Rows<float, Host>& out, const Range& of, int column) {
    const auto rows = static_cast<int>(std::min<Position>(kTileRows, of.end - of.first));
    const float* from[kTileRows];
    for (int r = 0; r < kTileRows; ++r) from[r] = left.row(of.first + std::min(r, rows - 1));
    Vector sum[kTileRows][kColumns]{};
    const float* values = right.values.data() + column;
    for (int f = 0; f < left.rank; ++f, values += right.padded) {
      Vector value[kColumns];
      repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA { value[c] = lanes::load<Vector>(values + c * kLanes); });
      repeat<kTileRows>([&](auto r) WF_INLINE_LAMBDA {
        const auto factor = Ops::template all<Vector>(from[r] + f);
        repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA { Ops::add_product(sum[r][c], factor, value[c]); });
      });
    }
    repeat<kTileRows>([&](auto r) WF_INLINE_LAMBDA {
      if (r < rows) {
        float block[kColumns * kLanes];
        repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA { lanes::store(sum[r][c], block + c * kLanes); });
        std::copy_n(block, std::min(kColumns * kLanes, right.columns - column), out.row(of.first + r) + column);
      }
    });
  }
};

}  // namespace wf
