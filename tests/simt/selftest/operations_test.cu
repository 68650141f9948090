// What kernels may call, against answers by hand: warp operations, atomics, loads, arithmetic, shapes.
#include "tests/simt/selftest/support.hpp"

#include <algorithm>
#include <cuda/atomic>

namespace simt::test {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr unsigned kAll = 0xffffffffU;

template <class F>
__global__ void call(F body) {
  body();
}

/// What `body(lane)` gives each of 32 lanes.
template <class F>
auto by_lane(F body) {
  using T = decltype(body(0U));
  const Buffer<T> results(32);
  const auto store = [body, to = results.data()] { to[threadIdx.x] = body(threadIdx.x); };
  check(run_kernel({1, 32}, call<decltype(store)>, store));
  return results.values();
}

/// What `body()` leaves in `T` that starts as zeros, after 2 blocks of 128 threads.
template <class T, class F>
T after_256(F body) {
  const Buffer<T> cell(1, T{});
  const auto update = [body, to = cell.data()] { body(to, blockIdx.x * blockDim.x + threadIdx.x); };
  check(run_kernel({2, 128}, call<decltype(update)>, update));
  return cell.values()[0];
}

TEST(WarpOperations, ShufflesReadTheLaneTheyName) {
  const auto of_lane_3 = by_lane([](unsigned lane) { return __shfl_sync(kAll, lane, 3, 8); });
  EXPECT_EQ(of_lane_3[31], 27U) << "counted within segments of 8";
  const auto up = by_lane([](unsigned lane) { return __shfl_up_sync(kAll, lane, 2, 16); });
  EXPECT_EQ(up[31], 29U);
  EXPECT_EQ(up[17], 17U) << "nothing comes from another segment";
  const auto down = by_lane([](unsigned lane) { return __shfl_down_sync(kAll, double(lane), 4); });
  EXPECT_EQ(down[27], 31);
  EXPECT_EQ(down[28], 28);
  const auto swapped = by_lane([](unsigned lane) { return __shfl_xor_sync(kAll, float(lane), 1); });
  EXPECT_EQ(swapped[6], 7);
  const auto wide = by_lane([](unsigned lane) { return __shfl_sync(kAll, static_cast<long long>(lane) << 40, 9); });
  EXPECT_THAT(wide, Each(9LL << 40));
}

TEST(WarpOperations, VotesAndMatches) {
  EXPECT_THAT(by_lane([](unsigned lane) { return __ballot_sync(kAll, lane % 3 == 0); }), Each(0x49249249U));
  EXPECT_THAT(by_lane([](unsigned lane) { return __any_sync(kAll, lane == 9); }), Each(1));
  EXPECT_THAT(by_lane([](unsigned lane) { return __all_sync(kAll, lane == 9); }), Each(0));
  EXPECT_THAT(by_lane([](unsigned lane) { return __all_sync(kAll, lane < 32); }), Each(1));
  EXPECT_EQ(by_lane([](unsigned lane) { return __match_any_sync(kAll, lane / 8); })[31], 0xff000000U);
  const auto all_match = by_lane([](unsigned lane) {
    int same = -1;
    const unsigned lanes = __match_all_sync(kAll, lane / 32, &same);
    return same == 1 ? lanes : 0;
  });
  EXPECT_THAT(all_match, Each(kAll));
  const auto no_match = by_lane([](unsigned lane) {
    int same = -1;
    const unsigned lanes = __match_all_sync(kAll, lane / 16, &same);
    return same == 0 ? lanes : 1;
  });
  EXPECT_THAT(no_match, Each(0U));
}

TEST(WarpOperations, Reductions) {
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_add_sync(kAll, lane); }), Each(496U));
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_min_sync(kAll, int(lane) - 16); }), Each(-16));
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_max_sync(kAll, int(lane) - 16); }), Each(15));
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_max_sync(kAll, lane - 16); }), Each(kAll)) << "unsigned";
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_xor_sync(kAll, 1U << lane); }), Each(kAll));
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_or_sync(kAll, lane); }), Each(31U));
  EXPECT_THAT(by_lane([](unsigned lane) { return __reduce_and_sync(kAll, lane | 64); }), Each(64U));
}

TEST(WarpOperations, ActiveMaskHoldsTheLaneAndOnlyActiveOnes) {
  const auto masks = by_lane([](unsigned lane) { return lane < 7 ? __activemask() : 0; });
  for (unsigned lane = 0; lane < 7; ++lane) {  // any subset of the seven is right
    EXPECT_TRUE(masks[lane] >> lane & 1);
    EXPECT_EQ(masks[lane] & ~0x7fU, 0U);
  }
}

TEST(WarpOperations, BlockVotes) {
  EXPECT_THAT(by_lane([](unsigned lane) { return __syncthreads_count(lane < 5); }), Each(5));
  EXPECT_THAT(by_lane([](unsigned lane) { return __syncthreads_or(lane == 4); }), Each(1));
  EXPECT_THAT(by_lane([](unsigned lane) { return __syncthreads_and(lane < 31); }), Each(0));
}

TEST(WarpOperations, TilesKeepToThemselves) {
  namespace cg = cooperative_groups;
  const auto tile = [] { return cg::tiled_partition<8>(cg::this_thread_block()); };
  EXPECT_EQ(by_lane([=](unsigned) { return tile().thread_rank(); })[13], 5U);
  EXPECT_EQ(by_lane([=](unsigned) { return tile().meta_group_rank(); })[13], 1U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().shfl(lane, 2); })[13], 10U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().shfl_xor(lane, 7); })[13], 10U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().shfl_down(lane, 1); })[15], 15U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().shfl_up(lane, 1); })[16], 16U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().ballot(lane % 2 == 0); })[13], 0x55U);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().any(lane == 9); })[13], 1);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().any(lane == 9); })[16], 0);
  EXPECT_EQ(by_lane([=](unsigned lane) { return tile().all(lane > 7); })[13], 1);
}

TEST(Atomics, SumsOfFloats) {
  EXPECT_EQ(after_256<float>([](float* sum, unsigned) { atomicAdd(sum, 0.5F); }), 128);
  EXPECT_EQ(after_256<double>([](double* sum, unsigned) { atomicAdd(sum, 0.25); }), 64);
  const float2 pair = after_256<float2>([](float2* sum, unsigned) { atomicAdd(sum, make_float2(1, 2)); });
  EXPECT_THAT((std::vector{pair.x, pair.y}), ElementsAre(256, 512));
  const float4 four = after_256<float4>([](float4* sum, unsigned) { atomicAdd(sum, make_float4(1, 2, 3, 4)); });
  EXPECT_THAT((std::vector{four.x, four.y, four.z, four.w}), ElementsAre(256, 512, 768, 1024));
}

TEST(Atomics, SumsOfIntegers) {
  EXPECT_EQ(after_256<int>([](int* sum, unsigned) { atomicAdd(sum, -2); }), -512);
  EXPECT_EQ(after_256<int>([](int* sum, unsigned) { atomicSub(sum, 3); }), -768);
  EXPECT_EQ(after_256<unsigned>([](unsigned* sum, unsigned) { atomicAdd(sum, 3U); }), 768U);
  using Wide = unsigned long long;
  EXPECT_EQ(after_256<Wide>([](Wide* sum, unsigned) { atomicAdd(sum, Wide{1} << 40); }), Wide{256} << 40);
}

TEST(Atomics, SumsOfHalves) {
  const auto half = after_256<__half>([](__half* sum, unsigned) { atomicAdd(sum, __float2half(1)); });
  EXPECT_EQ(__half2float(half), 256);
  const auto bf16 = after_256<__nv_bfloat16>([](__nv_bfloat16* sum, unsigned) { atomicAdd(sum, __float2bfloat16(1)); });
  EXPECT_EQ(__bfloat162float(bf16), 256);
  const auto pair = after_256<__half2>([](__half2* sum, unsigned) { atomicAdd(sum, __floats2half2_rn(1, 2)); });
  EXPECT_EQ(__high2float(pair), 512);
  const auto bf16_pair =
      after_256<__nv_bfloat162>([](__nv_bfloat162* sum, unsigned) { atomicAdd(sum, __floats2bfloat162_rn(1, 0.5F)); });
  EXPECT_EQ(__high2float(bf16_pair), 128);
}

TEST(Atomics, Extremes) {
  EXPECT_EQ(after_256<int>([](int* x, unsigned t) { atomicMin(x, -int(t)); }), -255);
  EXPECT_EQ(after_256<int>([](int* x, unsigned t) { atomicMax(x, int(t)); }), 255);
  EXPECT_EQ(after_256<unsigned>([](unsigned* x, unsigned t) { atomicMin(x, t + 7); }), 0U);
  EXPECT_EQ(after_256<long long>([](long long* x, unsigned t) { atomicMin(x, -(1LL * t << 33)); }), -(255LL << 33));
  using Wide = unsigned long long;
  EXPECT_EQ(after_256<Wide>([](Wide* x, unsigned t) { atomicMax(x, Wide{t} << 33); }), Wide{255} << 33);
}

TEST(Atomics, BitsExchangesAndLoopsOfCompareAndSwap) {
  EXPECT_EQ(after_256<unsigned>([](unsigned* x, unsigned t) { atomicOr(x, 1U << (t % 32)); }), kAll);
  EXPECT_EQ(after_256<unsigned>([](unsigned* x, unsigned t) { atomicXor(x, t == 9 ? 5U : 0U); }), 5U);
  EXPECT_EQ(after_256<unsigned>([](unsigned* x, unsigned) { atomicInc(x, 99U); }), 56U);
  EXPECT_EQ(after_256<float>([](float* x, unsigned) { atomicExch(x, 2.0F); }), 2);
  using Wide = unsigned long long;
  const auto twice = after_256<Wide>([](Wide* x, unsigned) {
    Wide seen = 0;
    Wide expected = 0;
    do {
      expected = seen;
      seen = atomicCAS(x, expected, expected + 2);
    } while (seen != expected);
  });
  EXPECT_EQ(twice, 512U);
}

TEST(Atomics, ReturnTheOldValue) {
  const Buffer<int> next(1, 0);
  const Buffer<int> taken(64, 0);
  const auto take = [ticket = next.data(), to = taken.data()] { to[atomicAdd(ticket, 1)] = 1; };
  check(run_kernel({2, 32}, call<decltype(take)>, take));
  EXPECT_THAT(taken.values(), Each(1));
}

TEST(Atomics, OfLibcudacxx) {
  const auto sum = after_256<unsigned>([](unsigned* x, unsigned) {
    cuda::atomic_ref<unsigned, cuda::thread_scope_device>(*x).fetch_add(1U, cuda::memory_order_relaxed);
  });
  EXPECT_EQ(sum, 256U);
}

TEST(LoadsAndStores, WithCacheHints) {
  const Buffer<float4> from(32, make_float4(1, 2, 3, 4));
  const auto load = [x = from.data()](unsigned lane) {
    return __ldg(x + lane).x + __ldcs(x + lane).y + __ldcg(x + lane).z + __ldca(x + lane).w + __ldlu(x + lane).x;
  };
  EXPECT_THAT(by_lane(load), Each(11));
  const Buffer<float4> to(32);
  const auto store = [from = from.data(), to = to.data()] { __stcs(to + threadIdx.x, from[threadIdx.x]); };
  check(run_kernel({1, 32}, call<decltype(store)>, store));
  EXPECT_EQ(to.values()[31].w, 4);
}

TEST(Arithmetic, RoundsOnce) {
  const float a = 1 + 0x1p-12F;
  const auto fused = by_lane([a](unsigned) { return __fmaf_rn(a, a, -1.0F); });
  EXPECT_EQ(fused[0], 0x1p-11F + 0x1p-24F);
  const auto separate = by_lane([a](unsigned) { return __fadd_rn(__fmul_rn(a, a), -1.0F); });
  EXPECT_EQ(separate[0], 0x1p-11F) << "the product is rounded before the sum";
  const double b = 1 + 0x1p-30;
  EXPECT_EQ(by_lane([b](unsigned) { return __fma_rn(b, b, -1.0); })[0], 0x1p-29 + 0x1p-60);
  EXPECT_EQ(by_lane([b](unsigned) { return __dadd_rn(__dmul_rn(b, b), -1.0); })[0], 0x1p-29);
}

TEST(Arithmetic, OfBits) {
  EXPECT_EQ(__umul64hi(1ULL << 63, 6), 3U);
  EXPECT_EQ(__mul64hi(-1LL << 62, 8), -2);
  EXPECT_EQ(__umulhi(1U << 31, 6), 3U);
  EXPECT_EQ(__mulhi(-(1 << 30), 8), -2);
  EXPECT_EQ(__brev(3U), 3U << 30);
  EXPECT_EQ(__popc(0xf0U), 4);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffsll(1LL << 40), 41);
  EXPECT_EQ(__float2int_rn(2.5F), 2);
  EXPECT_EQ(__float2int_rz(-2.5F), -2);
  EXPECT_EQ(__saturatef(-1), 0);
}

// ------------------------------------------------------------------------------------------------
// launches

__global__ void mark_all(int* x) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  x[cooperative_groups::this_thread_block().thread_rank() + blockDim.x * blockDim.y * blockDim.z * block] = 1;
}

TEST(Launches, InThreeDimensionsReachEveryThread) {
  const Buffer<int> x(4 * 3 * 2 * 3 * 2 * 2, 0);
  check(run_kernel({dim3(3, 2, 2), dim3(4, 3, 2)}, mark_all, x.data()));
  EXPECT_THAT(x.values(), Each(1));
}

TEST(Launches, RefuseABlockThatIsTooLarge) {
  const Buffer<int> x(2048, 0);
  EXPECT_EQ(try_launch({1, 2048}, mark_all, x.data()), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

__constant__ float coefficients[4];

__global__ void scale(float* to, int count) {
  const int t = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (t < count) to[t] = float(t) * coefficients[t % 4];
}

TEST(Launches, ReadConstantMemory) {
  const float values[4] = {1, 2, 3, 4};
  check(cudaMemcpyToSymbol(coefficients, values, sizeof values));
  const Buffer<float> x(8);
  check(run_kernel({2, 4}, scale, x.data(), 8));
  EXPECT_THAT(x.values(), ElementsAre(0, 2, 6, 12, 4, 10, 18, 28));
}

__global__ void fill_80_kib(int* out) {
  constexpr int kCount = 20000;
  WF_DYNAMIC_SHARED(int, buffer);
  for (int i = int(threadIdx.x); i < kCount; i += int(blockDim.x)) buffer[i] = i;
  __syncthreads();
  if (threadIdx.x == 0) *out = buffer[kCount - 1];
}

TEST(Launches, HaveMoreThan48KibOfSharedMemoryOnRequestOnly) {
  constexpr std::size_t kBytes = 20000 * sizeof(int);
  const Buffer<int> x(1, 0);
  EXPECT_EQ(try_launch({1, 64, kBytes}, fill_80_kib, x.data()), cudaErrorInvalidValue);
  check(cudaFuncSetAttribute(fill_80_kib, cudaFuncAttributeMaxDynamicSharedMemorySize, int(kBytes)));
  check(run_kernel({1, 64, kBytes}, fill_80_kib, x.data()));
  EXPECT_EQ(x.values()[0], 19999);
}

}  // namespace
}  // namespace simt::test
