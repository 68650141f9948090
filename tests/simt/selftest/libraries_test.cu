// Thrust on its C++ back end and the cuBLAS calls, in place of the device's libraries.
#include "tests/simt/selftest/support.hpp"

#include <cublas_v2.h>
#include <thrust/device_ptr.h>
#include <thrust/iterator/constant_iterator.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/system/cpp/execution_policy.h>
#include <thrust/transform_reduce.h>

#include <cmath>
#include <map>

namespace simt::test {
namespace {

/// Runs an algorithm where it may use device pointers. On the host it must wait for what its input depends on.
template <class F>
void with_thrust(F algorithm) {
  check(cudaDeviceSynchronize());
  const LibraryScope scope;
  algorithm(thrust::cpp::par);
}

constexpr int kCount = 5000;

std::vector<int> keys() {
  std::vector<int> keys(kCount);
  for (int i = 0; i < kCount; ++i) keys[std::size_t(i)] = i * 7919 % 500;
  return keys;
}
std::vector<int> numbers() {
  std::vector<int> numbers(kCount);
  for (int i = 0; i < kCount; ++i) numbers[std::size_t(i)] = i;
  return numbers;
}

TEST(Thrust, SortsStably) {
  const Buffer<int> key(keys());
  const Buffer<int> value(numbers());
  with_thrust([&](auto policy) {
    const auto first = thrust::device_pointer_cast(key.data());
    thrust::stable_sort_by_key(policy, first, first + kCount, thrust::device_pointer_cast(value.data()));
  });
  const std::vector<int> sorted = key.values();
  const std::vector<int> origin = value.values();
  for (std::size_t i = 1; i < kCount; ++i) {
    ASSERT_LT(std::pair(sorted[i - 1], origin[i - 1]), std::pair(sorted[i], origin[i])) << i;
  }
}

TEST(Thrust, CountsAndScansSegments) {
  std::vector<int> sorted = keys();
  std::sort(sorted.begin(), sorted.end());
  const Buffer<int> key(sorted);
  const Buffer<int> unique(kCount);
  const Buffer<int> count(kCount);
  const Buffer<int> first(kCount);
  std::ptrdiff_t segments = 0;
  with_thrust([&](auto policy) {
    const auto k = thrust::device_pointer_cast(key.data());
    const auto u = thrust::device_pointer_cast(unique.data());
    const auto c = thrust::device_pointer_cast(count.data());
    segments = thrust::reduce_by_key(policy, k, k + kCount, thrust::make_constant_iterator(1), u, c).first - u;
    thrust::exclusive_scan(policy, c, c + segments, thrust::device_pointer_cast(first.data()));
  });
  ASSERT_EQ(segments, 500);
  EXPECT_EQ(count.values()[499], 10);
  EXPECT_EQ(first.values()[499], kCount - 10);
}

struct Square {
  __host__ __device__ double operator()(float x) const { return double(x) * x; }
};

TEST(Thrust, ReducesTransformed) {
  const Buffer<float> x(kCount, 0.5F);
  double squares = 0;
  with_thrust([&](auto policy) {
    const auto first = thrust::device_pointer_cast(x.data());
    squares = thrust::transform_reduce(policy, first, first + kCount, Square{}, 0.0, thrust::plus<double>{});
  });
  EXPECT_EQ(squares, kCount * 0.25);
}

__global__ void double_all(int* x) {
  x[threadIdx.x] *= 2;
}

TEST(Thrust, ResultsCountAsWritten) {
  const Buffer<int> x(32);
  with_thrust([&](auto policy) {
    const auto first = thrust::device_pointer_cast(x.data());
    thrust::fill(policy, first, first + 32, 4);
  });
  check(run_kernel({1, 32}, double_all, x.data()));
  EXPECT_THAT(x.values(), testing::Each(8));
}

// ------------------------------------------------------------------------------------------------
// cuBLAS

/// Gram matrices of a batch of tables [rows x rank], row-major: what alternating least squares needs.
class Blas : public testing::Test {
 protected:
  static constexpr int kRank = 9, kRows = 33, kBatch = 3, kTable = kRank * kRows, kSquare = kRank * kRank;

  Blas() : tables_(values()), grams_(kSquare * kBatch, -1.0F) {
    EXPECT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasSetMathMode(handle_, CUBLAS_PEDANTIC_MATH), CUBLAS_STATUS_SUCCESS);
  }
  ~Blas() override { EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_SUCCESS); }

  static std::vector<float> values() {
    std::vector<float> values(kTable * kBatch);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(i * 37 % 17) - 8;
    return values;
  }
  static float gram(int batch, int i,
                    int j) {  // whole numbers below 2^24: exact in any order
    const std::vector<float> table = values();
    float sum = 0;
    for (int row = 0; row < kRows; ++row) {
      const std::size_t at = std::size_t(batch * kTable + row * kRank);
      sum += table[at + std::size_t(i)] * table[at + std::size_t(j)];
    }
    return sum;
  }
  float result(int batch, int i, int j) const { return grams_.values()[std::size_t(batch * kSquare + j * kRank + i)]; }

  cublasStatus_t batched(int batch) {
    const float one = 1;
    const float zero = 0;
    return cublasSgemmStridedBatched(handle_, CUBLAS_OP_N, CUBLAS_OP_T, kRank, kRank, kRows, &one, tables_.data(),
                                     kRank, kTable, tables_.data(), kRank, kTable, &zero, grams_.data(), kRank, kSquare,
                                     batch);
  }

  const Buffer<float> tables_, grams_;
  cublasHandle_t handle_ = nullptr;
};

TEST_F(Blas, MultipliesColumnMajorMatrices) {
  const Buffer<float> a(std::vector<float>{1, 2, 3, 4, 5, 6});  // [2 x 3]
  const Buffer<float> b(std::vector<float>{1, 0, 2, 0, 1, 1});  // [3 x 2]
  const Buffer<float> c(std::vector<float>{10, 10, 10, 10});
  const float two = 2;
  const float one = 1;
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &two, a.data(), 2, b.data(), 3, &one, c.data(), 2),
            CUBLAS_STATUS_SUCCESS);
  check(cudaDeviceSynchronize());
  EXPECT_THAT(c.values(), testing::ElementsAre(32, 38, 26, 30));
}

TEST_F(Blas, MultipliesABatch) {
  EXPECT_EQ(batched(kBatch), CUBLAS_STATUS_SUCCESS);
  check(cudaDeviceSynchronize());
  for (int batch = 0; batch < kBatch; ++batch) {
    for (int i = 0; i < kRank; ++i) {
      for (int j = 0; j < kRank; ++j)
        EXPECT_EQ(result(batch, i, j), gram(batch, i, j)) << batch << " " << i << " " << j;
    }
  }
}

TEST_F(Blas, SyrkWritesOneTriangle) {
  const float one = 1;
  const float zero = 0;
  EXPECT_EQ(cublasSsyrk(handle_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, kRank, kRows, &one, tables_.data(), kRank, &zero,
                        grams_.data(), kRank),
            CUBLAS_STATUS_SUCCESS);
  check(cudaDeviceSynchronize());
  for (int i = 0; i < kRank; ++i) {
    for (int j = 0; j < kRank; ++j) EXPECT_EQ(result(0, i, j), i >= j ? gram(0, i, j) : -1) << i << " " << j;
  }
}

__global__ void copy(const float* from, float* to, int pitch) {
  to[threadIdx.x * unsigned(pitch)] = from[threadIdx.x * unsigned(pitch)];
}

TEST_F(Blas, ResultsCountAsWrittenAndTheOtherTriangleDoesNot) {
  const Buffer<float> unset(kSquare);
  const float one = 1;
  const float zero = 0;
  EXPECT_EQ(cublasSsyrk(handle_, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, kRank, kRows, &one, tables_.data(), kRank, &zero,
                        unset.data(), kRank),
            CUBLAS_STATUS_SUCCESS);
  check(run_kernel({1, kRank}, copy, unset.data(), grams_.data(),
                   kRank));  // the first row: in the upper triangle
  EXPECT_THAT(take_findings(), testing::IsEmpty());
  check(run_kernel({1, kRank}, copy, unset.data(), grams_.data(),
                   1));  // the first column: only its first element is
  EXPECT_EQ(count_findings(Kind::uninitialised), kChecker ? 1U : 0U);
  take_findings();
}

TEST_F(Blas, ScalarsMayLieOnTheDevice) {
  const Buffer<float> scalars(std::vector<float>{2, 0});
  EXPECT_EQ(cublasSetPointerMode(handle_, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_T, kRank, kRank, kRows, scalars.data(), tables_.data(), kRank,
                        tables_.data(), kRank, scalars.data() + 1, grams_.data(), kRank),
            CUBLAS_STATUS_SUCCESS);
  check(cudaDeviceSynchronize());
  EXPECT_EQ(result(0, 1, 2), 2 * gram(0, 1, 2));
}

TEST_F(Blas, RunsInItsStream) {
  options().seed = 0;  // under a seed, its stream may come before the copy of the result
  options().deferred = true;
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  EXPECT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(batched(kBatch), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(result(0, 0, 0), -1) << "not yet";
  check(cudaStreamSynchronize(stream));
  EXPECT_EQ(result(0, 0, 0), gram(0, 0, 0));
  check(cudaStreamDestroy(stream));
}

TEST_F(Blas, MatrixOutsideItsAllocationIsFound) {
  EXPECT_EQ(batched(kBatch + 1), CUBLAS_STATUS_INVALID_VALUE);
  const std::vector<Finding> findings = take_findings();
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].kind, Kind::out_of_bounds);
}

}  // namespace
}  // namespace simt::test
