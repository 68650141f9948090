#include "host/base/symmetric_eigen.hpp"

#include "host/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace wf {
namespace {

double inner(const double* a, const double* b, int count) {
  double sum = 0;
  for (int n = 0; n < count; ++n) sum += a[n] * b[n];
  return sum;
}

/// Diagonal and the elements beside it of a tridiagonal matrix T; `basis` the transposed of Q with matrix = Q T Q'.
struct Tridiagonal {
  HostBuffer<double> diagonal, beside;  ///< [size]; the last one beside is 0
  HostBuffer<double> basis;             ///< [size x size]
};

/// One reflection I - factor v v' after the other turns a column's elements below the one beside the diagonal to zero.
Tridiagonal tridiagonal(HostBuffer<double>& matrix, int size) {
  const auto row = [&](int r) { return matrix.data() + Position{r} * size; };
  Tridiagonal result{HostBuffer<double>(size), HostBuffer<double>(size, 0),
                     HostBuffer<double>(checked_product(size, size), 0)};
  HostBuffer<double> reflections(checked_product(size, size), 0), factors(size, 0), image(size, 0);
  for (int k = 0; k + 2 < size; ++k) {
    double* const v = reflections.data() + Position{k} * size;
    for (int r = k + 1; r < size; ++r) v[r] = row(r)[k];
    const int from = k + 1, count = size - from;
    const double length = std::sqrt(inner(v + from, v + from, count));
    result.beside[k] = v[from];
    if (inner(v + from + 1, v + from + 1, count - 1) == 0) continue;
    const double target = v[from] > 0 ? -length : length;  // away from v, so that nothing cancels
    v[from] -= target;
    result.beside[k] = target;
    const double factor = 2 / inner(v + from, v + from, count);
    factors[k] = factor;
    for (int r = from; r < size; ++r) image[r] = factor * inner(row(r) + from, v + from, count);
    const double share = factor / 2 * inner(image.data() + from, v + from, count);
    for (int r = from; r < size; ++r) image[r] -= share * v[r];
    for (int r = from; r < size; ++r) {
      double* const at = row(r);
      const double left = v[r], right = image[r];
      for (int c = from; c < size; ++c) at[c] -= left * image[c] + right * v[c];
    }
  }
  if (size > 1) result.beside[size - 2] = row(size - 1)[size - 2];
  for (int r = 0; r < size; ++r) {
    result.diagonal[r] = row(r)[r];
    result.basis[Position{r} * size + r] = 1;
  }
  for (int k = size - 3; k >= 0; --k) {  // rows and columns up to k are still those of the identity
    if (factors[k] == 0) continue;
    const double* const v = reflections.data() + Position{k} * size;
    for (int r = k + 1; r < size; ++r) {
      double* const at = result.basis.data() + Position{r} * size;
      const double part = factors[k] * inner(at + k + 1, v + k + 1, size - k - 1);
      for (int c = k + 1; c < size; ++c) at[c] -= part * v[c];
    }
  }
  return result;
}

/// Rows a and b by a rotation of cosine and sine.
void rotate(double* a, double* b, int count, double cosine, double sine) {
  for (int n = 0; n < count; ++n) {
    const double upper = a[n], lower = b[n];
    b[n] = sine * upper + cosine * lower;
    a[n] = cosine * upper - sine * lower;
  }
}

/// One step on the block first .. last of T, shifted by an eigenvalue of its first two rows; rotations into the basis.
void step(Tridiagonal& t, int first, int last, int size) {
  HostBuffer<double>&d = t.diagonal, &e = t.beside;
  const double half = (d[first + 1] - d[first]) / (2 * e[first]);
  const double root = std::sqrt(half * half + 1);
  double rest = d[last] - d[first] + e[first] / (half + (half < 0 ? -root : root));
  double sine = 1, cosine = 1, moved = 0;
  for (int n = last - 1; n >= first; --n) {
    const double bulge = sine * e[n], beside = cosine * e[n];
    const double length = std::sqrt(bulge * bulge + rest * rest);
    e[n + 1] = length;
    if (length == 0) {  // the block falls apart here
      d[n + 1] -= moved;
      e[last] = 0;
      return;
    }
    sine = bulge / length;
    cosine = rest / length;
    const double left = d[n + 1] - moved;
    const double turn = (d[n] - left) * sine + 2 * cosine * beside;
    moved = sine * turn;
    d[n + 1] = left + moved;
    rest = cosine * turn - beside;
    rotate(t.basis.data() + Position{n} * size, t.basis.data() + Position{n + 1} * size, size, cosine, sine);
  }
  d[first] -= moved;
  e[first] = rest;
  e[last] = 0;
}

void diagonalise(Tridiagonal& t, int size) {
  constexpr int kSteps = 60;  // a value takes two or three
  constexpr double kRounding = std::numeric_limits<double>::epsilon();
  double norm = 0;  // of all of it: rows of a lower rank are rounding errors, whose own size says nothing
  for (int n = 0; n < size; ++n) norm = std::max(norm, std::fabs(t.diagonal[n]) + std::fabs(t.beside[n]));
  for (int first = 0; first < size; ++first) {
    for (int steps = 0;; ++steps) {
      int last = first;
      while (last + 1 < size && std::fabs(t.beside[last]) > kRounding * norm) ++last;
      if (last == first) break;
      if (steps == kSteps) throw FailedError("a matrix has no eigenvalues", "its elements are not finite numbers");
      step(t, first, last, size);
    }
  }
}

}  // namespace

SymmetricEigen symmetric_eigen(HostBuffer<double> matrix, int size) {
  double largest = 0;
  for (const double element : matrix) {
    if (!std::isfinite(element)) {
      throw FailedError("a matrix has no eigenvalues", "its elements are not finite numbers");
    }
    largest = std::max(largest, std::fabs(element));
  }
  int exponent = 0;  // squares of elements around 1 neither overflow nor vanish; a power of two changes no bit
  std::frexp(largest, &exponent);
  for (double& element : matrix) element = std::ldexp(element, -exponent);
  Tridiagonal t = tridiagonal(matrix, size);
  diagonalise(t, size);

  std::vector<int> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return t.diagonal[a] > t.diagonal[b]; });
  SymmetricEigen result{HostBuffer<double>(size), HostBuffer<double>(checked_product(size, size))};
  for (int n = 0; n < size; ++n) {
    const int from = order[static_cast<std::size_t>(n)];
    result.values[n] = std::ldexp(t.diagonal[from], exponent);
    std::copy_n(t.basis.data() + Position{from} * size, size, result.vectors.data() + Position{n} * size);
  }
  return result;
}

}  // namespace wf
