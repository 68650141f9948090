// Eigenvalues of small matrices: by hand, by what defines them, and bit by bit.
#include "host/base/symmetric_eigen.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/base/triangular.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace wf::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

constexpr double kRounding = std::numeric_limits<double>::epsilon();

HostBuffer<double> matrix_of(const std::vector<double>& values) {
  HostBuffer<double> matrix(static_cast<Position>(values.size()));
  std::copy(values.begin(), values.end(), matrix.begin());
  return matrix;
}

double drawn(std::uint64_t index) {
  return 2 * to_unit_double(random_bits(4, Purpose::synthetic, index).word[0]) - 1;
}

HostBuffer<double> random_symmetric(int size) {
  HostBuffer<double> matrix(Position{size} * size);
  for (int r = 0; r < size; ++r) {
    for (int c = 0; c <= r; ++c) {
      matrix[Position{r} * size + c] = matrix[Position{c} * size + r] = drawn(static_cast<std::uint64_t>(r * size + c));
    }
  }
  return matrix;
}

/// Gram matrix of rows whose lengths fall by `factor` from one to the next.
HostBuffer<double> graded(int size, double factor) {
  HostBuffer<double> matrix(Position{size} * size);
  for (int r = 0; r < size; ++r) {
    for (int c = 0; c < size; ++c) {
      double sum = 0;
      for (int n = 0; n < size; ++n) {
        sum += drawn(static_cast<std::uint64_t>(r * size + n)) * drawn(static_cast<std::uint64_t>(c * size + n));
      }
      matrix[Position{r} * size + c] = sum * std::pow(factor, r + c);
    }
  }
  return matrix;
}

/// Of so many rows of `size` values around their mean, as factors of few items are: rank rows - 1.
HostBuffer<double> covariance_of_few(int rows, int size, double scale) {
  const auto value = [&](int row, int column) {
    return scale * static_cast<double>(static_cast<float>(drawn(static_cast<std::uint64_t>(row * size + column))));
  };
  HostBuffer<double> matrix(Position{size} * size, 0);
  std::vector<double> mean(static_cast<std::size_t>(size), 0);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < size; ++c) mean[static_cast<std::size_t>(c)] += value(r, c) / rows;
  }
  for (int r = 0; r < rows; ++r) {
    for (int a = 0; a < size; ++a) {
      for (int b = 0; b < size; ++b) {
        matrix[Position{a} * size + b] +=
            (value(r, a) - mean[static_cast<std::size_t>(a)]) * (value(r, b) - mean[static_cast<std::size_t>(b)]);
      }
    }
  }
  return matrix;
}

/// |A v - value v| and |V V' - 1| are backward errors of orthogonal transformations: some size * rounding of the
/// largest value. Wilkinson, The algebraic eigenvalue problem, 1965; 10 of them cover its constant.
void expect_eigen(const HostBuffer<double>& matrix, int size) {
  const SymmetricEigen eigen = symmetric_eigen(matrix.clone(), size);
  double largest = 0;
  for (const double value : eigen.values) largest = std::max(largest, std::fabs(value));
  for (int n = 0; n < size; ++n) {
    const double* const v = eigen.vectors.data() + Position{n} * size;
    if (n > 0) {
      EXPECT_GE(eigen.values[n - 1], eigen.values[n]);
    }
    for (int r = 0; r < size; ++r) {
      double image = 0;
      for (int c = 0; c < size; ++c) image += matrix[Position{r} * size + c] * v[c];
      EXPECT_NEAR(image, eigen.values[n] * v[r], 10 * size * kRounding * largest) << "size " << size << ", value " << n;
    }
    for (int other = 0; other <= n; ++other) {
      double sum = 0;
      for (int c = 0; c < size; ++c) sum += v[c] * eigen.vectors[Position{other} * size + c];
      EXPECT_NEAR(sum, other == n ? 1 : 0, 10 * size * kRounding)
          << "size " << size << ", vectors " << n << ", " << other;
    }
  }
}

TEST(SymmetricEigen, OfALowerRankThanItsSize) {
  for (const int rows : {2, 3, 10, 25}) {
    for (const int size : {32, 128}) {
      for (const double scale : {1.0, 1e-3, 1e-20}) {
        SCOPED_TRACE(testing::PrintToString(std::vector<double>{1.0 * rows, 1.0 * size, scale}));
        expect_eigen(covariance_of_few(rows, size, scale), size);
      }
    }
  }
}

TEST(SymmetricEigen, OfTwoByTwoByHand) {
  const SymmetricEigen eigen = symmetric_eigen(matrix_of({2, 1, 1, 2}), 2);
  EXPECT_THAT(std::vector<double>(eigen.values.begin(), eigen.values.end()),
              ElementsAre(DoubleNear(3, 4 * kRounding), DoubleNear(1, 4 * kRounding)));
  EXPECT_NEAR(std::fabs(eigen.vectors[0] + eigen.vectors[1]), std::sqrt(2.0), 4 * kRounding);
  EXPECT_NEAR(eigen.vectors[2] + eigen.vectors[3], 0, 4 * kRounding);
}

TEST(SymmetricEigen, VectorsAreOrthonormalAndTheMatrixStretchesThem) {
  for (const int size : {1, 2, 3, 4, 7, 16, 33, 80, 130}) expect_eigen(random_symmetric(size), size);
}

TEST(SymmetricEigen, RepeatedSmallAndMissingValuesAreNoTrouble) {
  expect_eigen(matrix_of({5, 0, 0, 0, 5, 0, 0, 0, 5}), 3);
  expect_eigen(matrix_of(std::vector<double>(49, 0)), 7);
  expect_eigen(matrix_of(std::vector<double>(64, 1)), 8);  // one value of 8, seven of 0
  expect_eigen(graded(24, 0.3), 24);
  expect_eigen(graded(12, 1e-4), 12);
}

TEST(SymmetricEigen, SizesOfElementsDoNotMatter) {
  for (const int exponent : {-900, 900}) {
    HostBuffer<double> matrix = random_symmetric(9);
    const SymmetricEigen expected = symmetric_eigen(matrix.clone(), 9);
    for (double& element : matrix) element = std::ldexp(element, exponent);
    const SymmetricEigen scaled = symmetric_eigen(matrix.clone(), 9);
    for (int n = 0; n < 9; ++n) EXPECT_EQ(scaled.values[n], std::ldexp(expected.values[n], exponent));
  }
}

TEST(SymmetricEigen, WhatIsNotFiniteIsRefused) {
  EXPECT_THROW(symmetric_eigen(matrix_of({1, NAN, NAN, 1}), 2), FailedError);
  EXPECT_THROW(symmetric_eigen(matrix_of({INFINITY, 0, 0, 1}), 2), FailedError);
}

TEST(Triangular, ByHand) {
  // [4 2; 2 5] = R'R with R = [2 1; 0 2]
  const UpperFactor factor = upper_factor(matrix_of({4, 2, 2, 5}), 2, 0);
  EXPECT_THAT(std::vector<double>(factor.values.begin(), factor.values.end()), ElementsAre(2, 1, 0, 2));
  EXPECT_DOUBLE_EQ(factor.smallest_pivot(), 0.8);
  const HostBuffer<double> inverse = inverse_of_upper(factor.values, 2);
  EXPECT_THAT(std::vector<double>(inverse.begin(), inverse.end()), ElementsAre(0.5, -0.25, 0, 0.5));
  const HostBuffer<double> square = square_of_upper(factor.values, 2);
  EXPECT_THAT(std::vector<double>(square.begin(), square.end()), ElementsAre(4, 2, 2, 5));
  const HostBuffer<double> product = product_of_uppers(factor.values, inverse, 2);
  EXPECT_THAT(std::vector<double>(product.begin(), product.end()), ElementsAre(1, 0, 0, 1));
}

TEST(Triangular, ARowThatDependsOnOthersIsZeroAndARidgeSeparatesIt) {
  const UpperFactor factor = upper_factor(matrix_of({1, 1, 1, 1}), 2, 0);
  EXPECT_THAT(std::vector<double>(factor.values.begin(), factor.values.end()), ElementsAre(1, 1, 0, 0));
  EXPECT_EQ(factor.smallest_pivot(), 0);
  const HostBuffer<double> inverse = inverse_of_upper(factor.values, 2);
  EXPECT_THAT(std::vector<double>(inverse.begin(), inverse.end()), ElementsAre(1, -0.0, 0, 0));
  EXPECT_GT(upper_factor(matrix_of({1, 1, 1, 1}), 2, 0.5).smallest_pivot(), 0.1);
}

}  // namespace
}  // namespace wf::test
