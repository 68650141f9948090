// svd and pca on both engines, against a dense decomposition in double, and by what they promise.
#include "host/api/engines.hpp"
#include "host/base/error.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#if defined(WF_HAVE_LAPACK)
extern "C" void dgesvd_(const char* left, const char* right, const int* rows, const int* columns, double* matrix,
                        const int* stride, double* values, double* u, const int* u_stride, double* v,
                        const int* v_stride, double* work, const int* work_size, int* info);
#endif

namespace wf::test {
namespace {

/// [rows][columns] in double.
using Dense = std::vector<std::vector<double>>;

Dense dense_of(const Ratings& ratings, Position users, Position items) {
  Dense dense(static_cast<std::size_t>(users), std::vector<double>(static_cast<std::size_t>(items)));
  for (const auto& [user, item, value] : triples_of(ratings.view())) {
    dense[static_cast<std::size_t>(user)][static_cast<std::size_t>(item)] += static_cast<double>(value);
  }
  return dense;
}

void centre(Dense& dense) {
  for (std::size_t i = 0; i < dense[0].size(); ++i) {
    double sum = 0;
    for (const auto& row : dense) sum += row[i];
    for (auto& row : dense) row[i] -= sum / static_cast<double>(dense.size());
  }
}

double squares(const Dense& dense) {
  double sum = 0;
  for (const auto& row : dense) sum += std::inner_product(row.begin(), row.end(), row.begin(), 0.0);
  return sum;
}

/// Singular values, descending: Hestenes' rotations of pairs of rows until all are orthogonal to each other. Hestenes:
/// Inversion of matrices by biorthogonalization and related results. J. SIAM 6(1), 1958.
std::vector<double> singular_values(Dense rows) {
  const auto inner = [&](std::size_t a, std::size_t b) {
    return std::inner_product(rows[a].begin(), rows[a].end(), rows[b].begin(), 0.0);
  };
  const double nothing = 1e-24 * squares(rows);  // the square of what rounding leaves of a row that depends on others
  for (bool turned = true; turned;) {
    turned = false;
    for (std::size_t a = 0; a < rows.size(); ++a) {
      for (std::size_t b = a + 1; b < rows.size(); ++b) {
        const double aa = inner(a, a), bb = inner(b, b), ab = inner(a, b);
        if (std::min(aa, bb) <= nothing || std::fabs(ab) <= 1e-13 * std::sqrt(aa * bb)) continue;
        turned = true;
        const double zeta = (bb - aa) / (2 * ab);
        const double t = (zeta < 0 ? -1 : 1) / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta));
        const double c = 1 / std::sqrt(1 + t * t), s = c * t;
        for (std::size_t n = 0; n < rows[a].size(); ++n) {
          const double x = rows[a][n], y = rows[b][n];
          rows[a][n] = c * x - s * y;
          rows[b][n] = s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values;
  for (std::size_t a = 0; a < rows.size(); ++a) values.push_back(std::sqrt(inner(a, a)));
  std::sort(values.rbegin(), values.rend());
  return values;
}

struct Decomposed {
  Model model;
  Spectrum spectrum;
};

class SpectrumOf : public testing::TestWithParam<const char*> {
 protected:
  static TrainConfig config(Algorithm algorithm, int rank) {
    TrainConfig config;
    config.algorithm = algorithm;
    config.rank = rank;
    config.biases = algorithm == Algorithm::pca;
    config.epochs = 1;
    config.power_iterations = 6;
    return config;
  }
  static Decomposed decompose(const Ratings& ratings, Position users, Position items, const TrainConfig& config,
                              int threads = 2) {
    Decomposed result;
    result.model = make_model(users, items, config.rank, config.biases);
    result.spectrum = make_engine(GetParam(), threads)
                          .engine->train(result.model, ratings.clone(), Ratings().view(), config, {})
                          .spectrum;
    return result;
  }
  static double error_squares(const Dense& dense, const Model& model) {
    const ModelView<const float, Host> view = model.view();
    double sum = 0;
    for (std::size_t u = 0; u < dense.size(); ++u) {
      for (std::size_t i = 0; i < dense[u].size(); ++i) {
        const double error = dense[u][i] - score<double>(view, {}, static_cast<RowId>(u), static_cast<RowId>(i));
        sum += error * error;
      }
    }
    return sum;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, SpectrumOf, testing::Values("reference", "cpu"),
                         [](const auto& engine) { return std::string(engine.param); });

/// Columns of U, S = 100 * 0.8^n, V: sines and cosines of different frequencies, which are orthogonal, by rating.
Ratings decaying_ratings(RowId users, RowId items, int values, double mean = 0) {
  Ratings ratings;
  const auto wave = [](RowId row, RowId rows, int n) {
    return std::sqrt((n == 0 ? 1.0 : 2.0) / rows) * std::cos(M_PI * (row + 0.5) * n / rows);
  };
  for (RowId u = 0; u < users; ++u) {
    for (RowId i = 0; i < items; ++i) {
      double value = mean * (1 + i % 3);
      for (int n = 0; n < values; ++n) value += 100 * std::pow(0.8, n) * wave(u, users, n + 1) * wave(i, items, n);
      ratings.push_back(u, i, static_cast<float>(value));
    }
  }
  return ratings;
}

void expect_orthonormal(const HostBuffer<float>& table, Position rows, int rank, const std::vector<double>& lengths) {
  for (int f = 0; f < rank; ++f) {
    for (int g = 0; g <= f; ++g) {
      double sum = 0;
      for (Position r = 0; r < rows; ++r) sum += static_cast<double>(table[r * rank + f]) * table[r * rank + g];
      sum /= lengths[static_cast<std::size_t>(f)] * lengths[static_cast<std::size_t>(g)];
      EXPECT_NEAR(sum, f == g ? 1 : 0, 1e-5) << "columns " << f << ", " << g;
    }
  }
}

TEST_P(SpectrumOf, DecayingValuesAreThoseOfTheDenseDecomposition) {
  const Ratings ratings = decaying_ratings(90, 70, 30);
  const Decomposed found = decompose(ratings, 90, 70, config(Algorithm::svd, 16));
  const std::vector<double> expected = singular_values(dense_of(ratings, 90, 70));
  for (std::size_t n = 0; n < 16; ++n) {
    EXPECT_NEAR(found.spectrum.singular_values[n], expected[n], 1e-4 * expected[n]) << n;
    EXPECT_NEAR(expected[n], 100 * std::pow(0.8, n), 1e-4 * expected[n]) << "planted, " << n;
  }
  expect_orthonormal(found.model.tables.item_factors, 70, 16, std::vector<double>(16, 1));
  expect_orthonormal(found.model.tables.user_factors, 90, 16, found.spectrum.singular_values);
}

TEST_P(SpectrumOf, DecayingValuesAreThoseOfLapack) {
#if defined(WF_HAVE_LAPACK)
  const int users = 300, items = 200, rank = 24;
  Ratings ratings = decaying_ratings(users, items, 40);
  const Ratings others = random_ratings(2000, users, items, 3);  // a tail of noise behind the planted values
  for (const auto& [user, item, value] : triples_of(others.view())) ratings.push_back(user, item, 0.01F * value);
  std::vector<double> matrix;  // by columns as LAPACK has them: items are its rows
  for (const std::vector<double>& row : dense_of(ratings, users, items))
    matrix.insert(matrix.end(), row.begin(), row.end());
  std::vector<double> expected(items), work(1 << 16);
  const int one = 1, work_size = static_cast<int>(work.size());
  int info = -1;
  dgesvd_("N", "N", &items, &users, matrix.data(), &items, expected.data(), nullptr, &one, nullptr, &one, work.data(),
          &work_size, &info);
  ASSERT_EQ(info, 0);
  const Decomposed found = decompose(ratings, users, items, config(Algorithm::svd, rank));
  for (std::size_t n = 0; n < rank; ++n) {
    EXPECT_NEAR(found.spectrum.singular_values[n], expected[n], 1e-4 * expected[n]) << n;
  }
#else
  GTEST_SKIP() << "built without OpenBLAS (Debian: libopenblas-dev), whose LAPACK this compares with";
#endif
}

TEST_P(SpectrumOf, SparseRatingsLeaveTheResidualThatTheValuesSay) {
  const Ratings ratings = random_ratings(1500, 80, 60, 11);  // some cells twice: they add up
  const Dense dense = dense_of(ratings, 80, 60);
  const std::vector<double> expected = singular_values(dense);
  const Decomposed found = decompose(ratings, 80, 60, config(Algorithm::svd, 20));
  double kept = 0, best = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    kept += found.spectrum.singular_values[n] * found.spectrum.singular_values[n];
    best += expected[n] * expected[n];
  }
  const double all = squares(dense);
  EXPECT_NEAR(found.spectrum.squared_norm, all, 1e-6 * all);
  EXPECT_NEAR(error_squares(dense, found.model), all - kept, 1e-5 * all);
  EXPECT_LE(kept, best * (1 + 1e-6)) << "no matrix of this rank is nearer";
  EXPECT_GE(kept, best * (1 - 1e-3)) << "13 products with a sketch of 32 columns";
  EXPECT_NEAR(found.spectrum.singular_values[0], expected[0], 1e-5 * expected[0]);
}

TEST_P(SpectrumOf, ComponentsAreThoseOfTheCentredMatrix) {
  const Ratings ratings = random_ratings(1500, 80, 60, 12);
  Dense dense = dense_of(ratings, 80, 60);
  const Dense plain = dense;
  const Decomposed found = decompose(ratings, 80, 60, config(Algorithm::pca, 20));
  for (std::size_t i = 0; i < 60; ++i) {
    double sum = 0;
    for (const auto& row : plain) sum += row[i];
    EXPECT_NEAR(found.model.tables.item_biases[static_cast<Position>(i)], sum / 80, 1e-5);
  }
  centre(dense);
  const std::vector<double> expected = singular_values(dense);
  double kept = 0, best = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    kept += found.spectrum.singular_values[n] * found.spectrum.singular_values[n];
    best += expected[n] * expected[n];
  }
  const double variance = squares(dense);
  EXPECT_NEAR(found.spectrum.squared_norm, variance, 1e-5 * variance);
  EXPECT_NEAR(error_squares(plain, found.model), variance - kept, 1e-5 * squares(plain)) << "the residual variance";
  EXPECT_LE(kept, best * (1 + 1e-5));
  EXPECT_GE(kept, best * (1 - 1e-3));
  EXPECT_EQ(found.model.global_mean, 0);
  for (const float bias : found.model.tables.user_biases) EXPECT_EQ(bias, 0);
}

TEST_P(SpectrumOf, ComponentsOfAPlantedSubspaceAreThatSubspace) {
  const Ratings ratings = decaying_ratings(90, 70, 5, 7);
  const Decomposed found = decompose(ratings, 90, 70, config(Algorithm::pca, 5));
  EXPECT_NEAR(found.spectrum.share(), 1, 1e-5);
  for (std::size_t n = 0; n < 5; ++n) {
    EXPECT_NEAR(found.spectrum.singular_values[n], 100 * std::pow(0.8, n), 1e-2) << n;
  }
  for (int planted = 0; planted < 5; ++planted) {  // each planted direction lies within
    double inside = 0;
    for (int f = 0; f < 5; ++f) {
      double sum = 0;
      for (RowId i = 0; i < 70; ++i) {
        sum += std::sqrt((planted == 0 ? 1.0 : 2.0) / 70) * std::cos(M_PI * (i + 0.5) * planted / 70) *
               found.model.tables.item_factors[i * 5 + f];
      }
      inside += sum * sum;
    }
    EXPECT_NEAR(inside, 1, 1e-5) << planted;
  }
}

TEST_P(SpectrumOf, TheLargestElementOfEachItemVectorIsPositive) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    TrainConfig of = config(Algorithm::svd, 6);
    of.seed = seed;
    const Decomposed found = decompose(decaying_ratings(40, 30, 8), 40, 30, of);
    for (int f = 0; f < 6; ++f) {
      float largest = 0;
      for (RowId i = 0; i < 30; ++i) {
        const float value = found.model.tables.item_factors[i * 6 + f];
        if (std::fabs(value) > std::fabs(largest)) largest = value;
      }
      EXPECT_GT(largest, 0) << "seed " << seed << ", column " << f;
    }
  }
}

TEST_P(SpectrumOf, AMatrixOfLowerRankHasZerosBehindItsValuesAndVectorsAllTheSame) {
  Ratings ratings;
  for (RowId u = 0; u < 40; ++u) {
    for (RowId i = 0; i < 30; ++i) ratings.push_back(u, i, static_cast<float>((u % 4) * (i % 3)));
  }
  const Decomposed found = decompose(ratings, 40, 30, config(Algorithm::svd, 6));
  const double first = found.spectrum.singular_values[0];
  EXPECT_NEAR(first * first, squares(dense_of(ratings, 40, 30)), 1e-5 * first * first);
  for (std::size_t n = 1; n < 6; ++n) EXPECT_NEAR(found.spectrum.singular_values[n], 0, 1e-6 * first);
  expect_orthonormal(found.model.tables.item_factors, 30, 6, std::vector<double>(6, 1));
}

TEST_P(SpectrumOf, TheWholeSpectrumIsTheWholeMatrix) {
  const Ratings ratings = random_ratings(60, 12, 9, 5);
  const Decomposed found = decompose(ratings, 12, 9, config(Algorithm::svd, 9));
  const Dense dense = dense_of(ratings, 12, 9);
  EXPECT_NEAR(error_squares(dense, found.model), 0, 1e-9 * squares(dense)) << "rounding of elements, squared";
  EXPECT_THROW(decompose(ratings, 12, 9, config(Algorithm::svd, 10)), UsageError);
}

TEST(SpectrumOnCpu, AnyNumberOfThreadsGivesTheSameBits) {
  const Ratings ratings = random_ratings(20'000, 600, 500, 5, true);
  TrainConfig config;
  config.algorithm = Algorithm::pca;
  config.rank = 20;
  const auto tables = [&](int threads) {
    Model model = make_model(600, 500, 20, true);
    make_engine("cpu", threads).engine->train(model, ratings.clone(), Ratings().view(), config, {});
    std::vector<float> all(model.tables.user_factors.begin(), model.tables.user_factors.end());
    all.insert(all.end(), model.tables.item_factors.begin(), model.tables.item_factors.end());
    return all;
  };
  const std::vector<float> expected = tables(1);
  EXPECT_EQ(tables(2), expected);
  EXPECT_EQ(tables(3), expected);
}

}  // namespace
}  // namespace wf::test
