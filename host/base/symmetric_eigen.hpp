// Dense symmetric matrices of the size of a rank: their eigenvalues and vectors, in double. The same bits on every
// machine: additions, products, quotients and square roots alone, in one order.
#pragma once
#include "host/base/host_buffer.hpp"

namespace wf {

struct SymmetricEigen {
  HostBuffer<double> values;   ///< [size], descending
  HostBuffer<double> vectors;  ///< [size x size]: row n, of length 1, belongs to values[n]; its sign is anybody's
};

/// `matrix` [size x size], row by row, is taken; only what is finite has eigenvalues. By Householder's reflections to a
/// tridiagonal matrix, and QL steps with implicit shifts: 9 size^3 operations. Errors are some rounding errors of the
/// largest value. Bowdler, Martin, Reinsch, Wilkinson: The QR and QL algorithms for symmetric matrices. Numerische
/// Mathematik 11, 1968. Throws FailedError where the matrix is not finite.
SymmetricEigen symmetric_eigen(HostBuffer<double> matrix, int size);

}  // namespace wf
