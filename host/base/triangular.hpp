// Upper triangular matrices of the size of a rank, in double, the same bits on every machine: what orthonormalises the
// columns of a table. All [size x size], row by row, zeros below the diagonal.
#pragma once
#include "host/base/host_buffer.hpp"

namespace wf {

struct UpperFactor {
  HostBuffer<double> values;
  HostBuffer<double> pivots;  ///< [size] what is left of each diagonal element of the matrix, relative to it

  double smallest_pivot() const { return *std::min_element(pivots.begin(), pivots.end()); }
};

/// R with R'R = matrix + ridge times its diagonal, by Cholesky's method. Where what is left of a diagonal element is
/// below 1e-14 of it, rounding alone, the row of R is zero.
UpperFactor upper_factor(const HostBuffer<double>& matrix, int size, double ridge);

/// inverse(R); the rows and columns of a zero row are zeros.
HostBuffer<double> inverse_of_upper(const HostBuffer<double>& upper, int size);

HostBuffer<double> product_of_uppers(const HostBuffer<double>& left, const HostBuffer<double>& right, int size);

/// R'R.
HostBuffer<double> square_of_upper(const HostBuffer<double>& upper, int size);

}  // namespace wf
