#include "host/base/triangular.hpp"

#include <cmath>

namespace wf {
namespace {

constexpr double kNoPivot = 1e-14;

/// to += factor * from.
void add(double factor, const double* from, double* to, int first, int end) {
  for (int c = first; c < end; ++c) to[c] += factor * from[c];
}

}  // namespace

UpperFactor upper_factor(const HostBuffer<double>& matrix, int size, double ridge) {
  UpperFactor factor{matrix.clone(), HostBuffer<double>(size)};
  const auto row = [&](int r) { return factor.values.data() + Position{r} * size; };
  for (int r = 0; r < size; ++r) {
    double* const at = row(r);
    const double diagonal = matrix[Position{r} * (size + 1)] * (1 + ridge);
    std::fill(at, at + r, 0.0);
    at[r] = diagonal;
    for (int above = 0; above < r; ++above) add(-row(above)[r], row(above), at, r, size);
    const double pivot = diagonal > 0 ? at[r] / diagonal : 0;
    factor.pivots[r] = std::max(pivot, 0.0);
    if (!(pivot > kNoPivot)) {
      std::fill(at + r, at + size, 0.0);
      continue;
    }
    const double inverse = 1 / std::sqrt(at[r]);
    for (int c = r; c < size; ++c) at[c] *= inverse;
  }
  return factor;
}

HostBuffer<double> inverse_of_upper(const HostBuffer<double>& upper, int size) {
  HostBuffer<double> inverse(checked_product(size, size), 0);
  for (int r = size - 1; r >= 0; --r) {
    const double* const from = upper.data() + Position{r} * size;
    double* const to = inverse.data() + Position{r} * size;
    if (from[r] == 0) continue;
    for (int c = r + 1; c < size; ++c) add(-from[c], inverse.data() + Position{c} * size, to, c, size);
    for (int c = r + 1; c < size; ++c) to[c] /= from[r];
    to[r] = 1 / from[r];
  }
  return inverse;
}

HostBuffer<double> product_of_uppers(const HostBuffer<double>& left, const HostBuffer<double>& right, int size) {
  HostBuffer<double> product(checked_product(size, size), 0);
  for (int r = 0; r < size; ++r) {
    for (int k = r; k < size; ++k) {
      add(left[Position{r} * size + k], right.data() + Position{k} * size, product.data() + Position{r} * size, k,
          size);
    }
  }
  return product;
}

HostBuffer<double> square_of_upper(const HostBuffer<double>& upper, int size) {
  HostBuffer<double> square(checked_product(size, size), 0);
  for (int k = 0; k < size; ++k) {
    const double* const row = upper.data() + Position{k} * size;
    for (int r = k; r < size; ++r) add(row[r], row, square.data() + Position{r} * size, k, size);
  }
  return square;
}

}  // namespace wf
