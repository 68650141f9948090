// The Gram matrix of a table, which ranks may have between them: pieces of kGramRows rows are summed in floats, in the
// order of the rows, and the pieces in integers, which add exactly. So neither threads nor ranks matter.
#include "host/base/fixed_point.hpp"
#include "host/cpu/cpu.hpp"
#include "host/schedule/row_sharing.hpp"

#include <cmath>
#include <limits>

namespace wf {
namespace {

/// Numbers of an upper triangle, row by row.
Position triangle(int rank) {
  return Position{rank} * (rank + 1) / 2;
}

/// Of each column, the least power of two that is above the size of all its numbers: products with it and its inverse
/// are exact. Infinity where a number is.
HostBuffer<double> column_units(ThreadPool& pool, const Rows<const float, Host>& rows, Ranks& ranks) {
  constexpr Position kRows = 4096;
  const Position parts = (rows.count + kRows - 1) / kRows;
  HostBuffer<float> largest(checked_product(parts, rows.rank), 0.0F);
  pool.for_chunks(rows.count, kRows, [&](Position begin, Position end) {
    float* const of_part = largest.data() + begin / kRows * rows.rank;
    for (Position r = begin; r < end; ++r) {
      const float* const row = rows.row(r);
      for (int f = 0; f < rows.rank; ++f) of_part[f] = std::max(of_part[f], std::fabs(row[f]));  // a NaN is left out
    }
  });
  HostBuffer<double> units(rows.rank, 0);
  for (Position part = 0; part < parts; ++part) {
    for (int f = 0; f < rows.rank; ++f) {
      units[f] = std::max(units[f], static_cast<double>(largest[part * rows.rank + f]));
    }
  }
  ranks.most(units.span());
  for (double& unit : units) {
    if (!std::isfinite(unit)) continue;
    int exponent = 0;
    std::frexp(unit, &exponent);
    unit = std::ldexp(1.0, exponent);
  }
  return units;
}

/// Adds a piece's upper matrix to `totals`, whose last element counts what is not finite.
void add_piece(const float* matrix, const SolveShape& shape, const FixedPoint& fixed, const HostBuffer<double>& inverse,
               Span<std::int64_t, Host> totals) {
  std::int64_t* to = totals.data;
  std::int64_t bad = 0;
  for (int f = 0; f < shape.rank; ++f) {
    const float* const row = matrix + Position{f} * shape.pitch;
    for (int g = f; g < shape.rank; ++g) {
      const bool finite = std::fabs(row[g]) <= std::numeric_limits<float>::max();
      bad += finite ? 0 : 1;
      *to++ += fixed.of(finite ? static_cast<double>(row[g]) * inverse[f] * inverse[g] : 0);
    }
  }
  *to += bad;
}

}  // namespace

void Cpu::gram(Rows<const float, Host> table, Rows<float, Host> sums) {
  gram(table, table.count, Ranks::alone(), sums);
}

void Cpu::gram(Rows<const float, Host> pieces, Position n_rows, Ranks& ranks, Rows<float, Host> sums) {
  const SolveLoops& loops = solve_loops(simd_);
  const SolveShape shape(pieces.rank);
  const Position size = triangle(shape.rank) + 1, count = (pieces.count + kGramRows - 1) / kGramRows;
  const HostBuffer<double> units = column_units(pool_, pieces, ranks);
  HostBuffer<double> inverse(units.size());
  for (Position f = 0; f < units.size(); ++f) inverse[f] = 1 / units[f];
  // with rows below their columns' units, a piece's sums are below kGramRows but for their rounding, which the room
  // above 2^62 takes
  const FixedPoint fixed(static_cast<double>(kGramRows), (n_rows + kGramRows - 1) / kGramRows);
  const Position shares = std::max<Position>(std::min<Position>(pool_.size(), count), 1);
  HostBuffer<std::int64_t> totals(checked_product(shares, size), 0);
  pool_.for_each(shares, [&](Position share) {
    const FlushToZero scope;
    SolveRoom room(shape);
    for (Position piece = share; piece < count; piece += shares) {
      const Position begin = piece * kGramRows;
      std::fill(room.sums.begin(), room.sums.end(), 0.0F);
      loops.add_gram(pieces, begin, std::min(begin + kGramRows, pieces.count), room);
      add_piece(room.sums.data(), shape, fixed, inverse, totals.span().part(share * size, size));
    }
  });
  for (Position share = 1; share < shares; ++share) {
    for (Position n = 0; n < size; ++n) totals[n] += totals[share * size + n];
  }
  ranks.sum(totals.span().part(0, size));
  const bool finite = totals[size - 1] == 0;
  Position n = 0;
  for (int f = 0; f < shape.rank; ++f) {
    for (int g = f; g < shape.rank; ++g, ++n) {
      const double sum =
          finite ? fixed.value(totals[n]) * units[f] * units[g] : std::numeric_limits<double>::infinity();
      sums.row(f)[g] = sums.row(g)[f] = static_cast<float>(sum);
    }
  }
}

}  // namespace wf
