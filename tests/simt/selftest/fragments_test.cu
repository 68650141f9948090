// Matrix fragments of a warp, against products of whole numbers by plain loops, and their rounding by hand.
#include "tests/simt/selftest/support.hpp"

namespace simt::test {
namespace {

namespace wmma = nvcuda::wmma;

/// out [16 x 20] = a' b + 1 for a, b [depth x 24], whose rows lie side by side.
template <class Kind, class Stored, int kDepth>
__global__ void multiply(const Stored* a, const Stored* b, float* out) {
  wmma::fragment<wmma::matrix_a, 16, 16, kDepth, Kind, wmma::col_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, kDepth, Kind, wmma::row_major> right;
  wmma::fragment<wmma::accumulator, 16, 16, kDepth, float> sums;
  wmma::fill_fragment(sums, 1.0F);
  wmma::load_matrix_sync(left, a, 24);
  wmma::load_matrix_sync(right, b, 24);
  wmma::mma_sync(sums, left, right, sums);
  wmma::store_matrix_sync(out, sums, 20, wmma::mem_row_major);
}

template <class Kind, class Stored, int kDepth>
void expect_products() {
  const Buffer<Stored> a(kDepth * 24), b(kDepth * 24);
  const Buffer<float> out(16 * 20, -1.0F);
  std::vector<Stored> left, right;
  for (int n = 0; n < kDepth * 24; ++n) {  // whole numbers below 16, of no symmetry
    left.push_back(Stored(float(n * 7 % 13)));
    right.push_back(Stored(float(n * 5 % 11 - 4)));
  }
  check(cudaMemcpy(a.data(), left.data(), left.size() * sizeof(Stored), cudaMemcpyHostToDevice));
  check(cudaMemcpy(b.data(), right.data(), right.size() * sizeof(Stored), cudaMemcpyHostToDevice));
  check(run_kernel({1, 32}, multiply<Kind, Stored, kDepth>, a.data(), b.data(), out.data()));
  const std::vector<float> values = out.values();
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 20; ++column) {
      float expected = column < 16 ? 1.0F : -1.0F;  // nothing is stored between rows
      for (int k = 0; column < 16 && k < kDepth; ++k) {
        expected += float(left[std::size_t(k * 24 + row)]) * float(right[std::size_t(k * 24 + column)]);
      }
      EXPECT_EQ(values[std::size_t(row * 20 + column)], expected) << row << ", " << column;
    }
  }
}

TEST(Fragments, MultiplyMatricesOfEveryKind) {
  expect_products<__half, __half, 16>();
  expect_products<__nv_bfloat16, __nv_bfloat16, 16>();
  expect_products<wmma::precision::tf32, float, 8>();
}

TEST(Fragments, Tf32KeepsTenBitsAndRoundsToNearest) {
  EXPECT_EQ(wmma::__float_to_tf32(1 + 0x1p-10F), 1 + 0x1p-10F);
  EXPECT_EQ(wmma::__float_to_tf32(1 + 0x1p-11F), 1 + 0x1p-10F) << "half way: away from zero";
  EXPECT_EQ(wmma::__float_to_tf32(-1 - 0x1p-11F), -1 - 0x1p-10F);
  EXPECT_EQ(wmma::__float_to_tf32(1 + 0x1p-12F), 1.0F);
}

}  // namespace
}  // namespace simt::test
