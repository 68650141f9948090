// Small dense linear algebra for least squares by row: sums of products of rows, by tiles that stay in registers, and
// Cholesky's method on the same tiles. Matrices are upper; their rows are whole vectors of 16.
#pragma once
#include "host/cpu/lanes.hpp"
#include "host/cpu/solve_loops.hpp"

#include <cmath>

namespace wf {

/// A tile has kPanel rows, as many as a step of Cholesky's method.
inline constexpr int kPanel = 8;

/// Rows of a tile that are in registers at once: with two columns of vectors they are all that there is.
template <class Vector>
inline constexpr int kTileRows = lanes::kLanes<Vector> == 16 ? kPanel : kPanel / 2;

/// Rows of numbers, one behind the other: number n begins at data + n * pitch.
struct Gathered {
  const float* data;
  Position pitch;
  int count;
};

/// sums[r][c] += (or -=) sum over n of left[n][first_row + r] * right[n][c] for kTileRows rows and kColumns vectors
/// from column c on, one product after the other, whatever the vectors' width.
template <class Ops, class Vector, int kColumns, bool kSubtract>
WF_INLINE void add_tile(const Gathered& left, const float* right, int row, int column, float* sums, int pitch) {
  constexpr int kRows = kTileRows<Vector>, kLanes = lanes::kLanes<Vector>;
  Vector sum[kRows][kColumns];
  repeat<kRows>([&](auto r) WF_INLINE_LAMBDA {
    repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA {
      sum[r][c] = kSubtract ? Vector{} : lanes::load<Vector>(sums + r * pitch + c * kLanes);
    });
  });
  const float* a = left.data + row;
  const float* b = right + column;
  for (int n = 0; n < left.count; ++n, a += left.pitch, b += left.pitch) {
    Vector values[kColumns];
    repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA { values[c] = lanes::load<Vector>(b + c * kLanes); });
    repeat<kRows>([&](auto r) WF_INLINE_LAMBDA {
      const auto factor = Ops::template all<Vector>(a + r);
      repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA { Ops::add_product(sum[r][c], factor, values[c]); });
    });
  }
  repeat<kRows>([&](auto r) WF_INLINE_LAMBDA {
    repeat<kColumns>([&](auto c) WF_INLINE_LAMBDA {
      float* const at = sums + r * pitch + c * kLanes;
      lanes::store(kSubtract ? lanes::load<Vector>(at) - sum[r][c] : sum[r][c], at);
    });
  });
}

/// The rows first_row .. first_row + kPanel - 1 of the sums, from their diagonal to column `columns`.
template <class Ops, class Vector, bool kSubtract>
WF_INLINE void add_panel(const Gathered& left, const float* right, int first_row, int columns, float* sums, int pitch) {
  constexpr int kLanes = lanes::kLanes<Vector>;
  for (int row = first_row; row < first_row + kPanel; row += kTileRows<Vector>) {
    int column = row / kLanes * kLanes;
    float* const from = sums + Position{row} * pitch;
    for (; column + 2 * kLanes <= columns; column += 2 * kLanes) {
      add_tile<Ops, Vector, 2, kSubtract>(left, right, row, column, from + column, pitch);
    }
    if (column < columns) add_tile<Ops, Vector, 1, kSubtract>(left, right, row, column, from + column, pitch);
  }
}

/// sums += left' * right, the upper half.
template <class Ops, class Vector>
WF_INLINE void add_products(const Gathered& left, const float* right, int rows, float* sums, int pitch) {
  for (int row = 0; row < rows; row += kPanel) {
    add_panel<Ops, Vector, false>(left, right, row, rows, sums, pitch);
  }
}

/// The upper factor of the diagonal block at `block`, in place; 1 / its diagonal into `inverse`, 0 where a pivot is
/// none. `diagonal` of the matrix. Returns whether all are.
template <class Ops>
WF_INLINE bool factor_block(float* block, int pitch, const float* diagonal, float* inverse) {
  constexpr Ops multiply_add{};
  float a[kPanel][kPanel];
  for (int r = 0; r < kPanel; ++r) {
    for (int c = r; c < kPanel; ++c) a[r][c] = block[r * pitch + c];
  }
  bool whole = true;
  for (int r = 0; r < kPanel; ++r) {
    const float pivot = a[r][r];
    const bool is_pivot = pivot > kSmallestPivot * diagonal[r];
    whole = whole && is_pivot;
    inverse[r] = is_pivot ? 1.0F / std::sqrt(pivot) : 0.0F;
    for (int c = r; c < kPanel; ++c) a[r][c] *= inverse[r];
    for (int below = r + 1; below < kPanel; ++below) {
      for (int c = below; c < kPanel; ++c) a[below][c] = multiply_add(-a[r][below], a[r][c], a[below][c]);
    }
  }
  for (int r = 0; r < kPanel; ++r) {
    for (int c = r; c < kPanel; ++c) block[r * pitch + c] = a[r][c];
  }
  return whole;
}

/// The rest of a panel's rows: inverse(block') * rows, eight columns at a time. `block` of factor_block.
template <class Ops>
WF_INLINE void solve_panel(const float* block, const float* inverse, float* rows, int columns, int pitch) {
  using lanes::Eight;
  for (int column = 0; column < columns; column += kPanel) {
    Eight value[kPanel];
    repeat<kPanel>([&](auto r) WF_INLINE_LAMBDA {
      auto sum = lanes::load<Eight>(rows + r * pitch + column);
      repeat<r>([&](auto above) WF_INLINE_LAMBDA {
        Ops::add_product(sum, Ops::template all<Eight>(block + above * pitch + r) * -1.0F, value[above]);
      });
      value[r] = sum * lanes::all(inverse[r]);
      lanes::store(value[r], rows + r * pitch + column);
    });
  }
}

/// The matrix in `sums` becomes its upper factor U, with U' U the matrix, and the columns behind it, inverse(U') times
/// what they were. Returns whether all pivots are there.
template <class Ops, class Vector>
WF_INLINE bool factorize(const SolveShape& shape, float* sums, const float* diagonal, float* inverse) {
  bool whole = true;
  const int columns = shape.pitch, pitch = shape.pitch;
  for (int row = 0; row < shape.padded; row += kPanel) {
    add_panel<Ops, Vector, true>({sums, pitch, row}, sums, row, columns, sums, pitch);
    float* const block = sums + Position{row} * pitch + row;
    whole = factor_block<Ops>(block, pitch, diagonal + row, inverse + row) && whole;
    solve_panel<Ops>(block, inverse + row, block + kPanel, columns - row - kPanel, pitch);
  }
  return whole;
}

/// x = inverse(U) * column `column` of the factorized sums.
template <class Ops>
WF_INLINE void solve_back(const SolveShape& shape, const float* sums, const float* inverse, int column, float* x) {
  using lanes::Eight;
  constexpr Ops multiply_add{};
  const int pitch = shape.pitch;
  for (int row = shape.padded - kPanel; row >= 0; row -= kPanel) {
    const float* const panel = sums + Position{row} * pitch;
    Eight low[4]{}, high[4]{};
    for (int f = row + kPanel; f < shape.padded; f += kPanel) {
      const auto solved = lanes::load<Eight>(x + f);
      repeat<4>([&](auto r) WF_INLINE_LAMBDA {
        Ops::add_product(low[r], lanes::load<Eight>(panel + r * pitch + f), solved);
        Ops::add_product(high[r], lanes::load<Eight>(panel + (4 + r) * pitch + f), solved);
      });
    }
    float known[kPanel];
    lanes::store(lanes::lane_sums(low, high), known);
    for (int r = kPanel - 1; r >= 0; --r) {
      float sum = panel[r * pitch + column] - known[r];
      for (int later = r + 1; later < kPanel; ++later) {
        sum = multiply_add(-panel[r * pitch + row + later], x[row + later], sum);
      }
      x[row + r] = sum * inverse[row + r];
    }
  }
}

}  // namespace wf
