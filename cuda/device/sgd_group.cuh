// The lanes that step a rating together in per-rating SGD, and the rows that they hold.
#pragma once
#include "cuda/device/half.cuh"
#include "cuda/device/pair.cuh"
#include "cuda/device/sgd_side.cuh"

#include <type_traits>

namespace wf {

/// kGroup lanes; lane l holds the vectors of 16 bytes l, l + kGroup, ... of a row, kVectors of them, in registers; 0:
/// any number, in shared memory. kFactors: of a vector, 4 of 32 bits or 8 of 16. All lanes of a warp come to the
/// shuffles at once.
template <int kFactors, int kGroup, int kVectors>
struct Group {
  static constexpr bool kRegisters = kVectors > 0;

  /// A row and its record.
  struct Row : Side {
    std::conditional_t<kRegisters, float[kFactors * (kVectors + !kRegisters)], float*> value;
    /// The lane's factors of its vector v.
    __device__ float* at(int v) {
      if constexpr (kRegisters) {
        return value + kFactors * v;
      } else {
        return value + kFactors * (v * kWarp + this_lane());
      }
    }
  };

  int rank;
  Storage storage;
  int lane = this_lane<kGroup>();

  __device__ int vectors() const {
    return kRegisters ? kVectors : (rank + kFactors * kGroup - 1) / (kFactors * kGroup);
  }
  __device__ int first_of(int vector) const { return kFactors * (lane + vector * kGroup); }
  __device__ bool has(int vector) const { return first_of(vector) < rank; }
  __device__ bool is_slow(int vector) const { return vector == 0 && first_of(0) < kSlowFactors; }

  /// From the second cache: what is in the first does not see other multiprocessors' stores.
  __device__ void load(const float* from, Row& row) const {
    const auto* record = reinterpret_cast<const float4*>(record_of(from));
    const float4 low = __ldcg(record), high = __ldcg(record + 1);
    const float all[kRecord] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int c = 0; c < kRecord; ++c) row.record[c] = all[c];
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const uint4 none{0, 0, 0, 0};
      const uint4 bits = has(v) ? __ldcg(reinterpret_cast<const uint4*>(from) + lane + v * kGroup) : none;
      const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
      float* const to = row.at(v);
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        if constexpr (kFactors == 4) {
          to[w] = __uint_as_float(words[w]);
        } else {
          const float2 pair = from_pair(storage, words[w]);
          to[2 * w] = pair.x;
          to[2 * w + 1] = pair.y;
        }
      }
    }
  }
  /// Factors of 16 bits are rounded by `random`.
  __device__ void store(Row& row, float* to, RoundingBits& random) const {
    const float* r = row.record;
    if (lane < 2) {
      const float4 half = lane == 0 ? float4{r[0], r[1], r[2], r[3]} : float4{r[4], r[5], r[6], r[7]};
      __stcg(reinterpret_cast<float4*>(record_of(to)) + lane, half);
    }
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const float* const from = row.at(v);
      unsigned words[4];
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        if constexpr (kFactors == 4) {
          words[w] = __float_as_uint(from[w]);
        } else {
          words[w] = to_pair(storage, from[2 * w], from[2 * w + 1], random.next());
        }
      }
      const uint4 bits{words[0], words[1], words[2], words[3]};
      if (has(v)) __stcg(reinterpret_cast<uint4*>(to) + lane + v * kGroup, bits);
    }
  }

  /// <a, b> over both parts of the rows, in all lanes.
  __device__ Products products(Row& a, Row& b) const {
    float slow = 0, fast = 0;
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const float *const x = a.at(v), *const y = b.at(v);
      float sum = x[0] * y[0];
#pragma unroll
      for (int f = 1; f < kFactors; ++f) sum = fmaf(x[f], y[f], sum);
      slow += is_slow(v) ? sum : 0;
      fast += is_slow(v) ? 0 : sum;
    }
#pragma unroll
    for (int apart = kGroup / 2; apart > 0; apart /= 2) fast += __shfl_xor_sync(kAllLanes, fast, apart, kGroup);
    float other = 0;  // slow factors are those of two lanes with four each, or of one with eight
    if constexpr (kFactors < kSlowFactors) other = __shfl_sync(kAllLanes, slow, 1, kGroup);
    return {__shfl_sync(kAllLanes, slow, 0, kGroup) + other, fast};
  }

  /// All elements of both rows by the steps that are in them.
  __device__ void apply_steps(const SgdSettings& settings, Row& user, Row& item) const {
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const Step<float> of_user = user.step(is_slow(v)), of_item = item.step(is_slow(v));
      float *const p = user.at(v), *const q = item.at(v);
#pragma unroll
      for (int f = 0; f < kFactors; ++f) {
        apply(of_user, of_item, p[f], q[f], FusedMultiplyAdd{});
        if (settings.projects()) {
          p[f] = projected(p[f], of_user.rate * settings.l1_user, settings.nonnegative);
          q[f] = projected(q[f], of_item.rate * settings.l1_item, settings.nonnegative);
        }
      }
    }
  }

  /// A projected row is not as long as the rule says.
  __device__ void measure(Row& row) const {
    const Products squares = products(row, row);
    row.record[kSlowLength] = squares.slow;
    row.record[kFastLength] = squares.fast;
  }
};

/// Calls f with the lanes of a rating and the vectors that each holds, for rows of so many vectors.
template <class F>
void with_group(int vectors, const F& f) {
  if (vectors <= 2) return f.template operator()<2, 1>();
  if (vectors <= 4) return f.template operator()<4, 1>();
  if (vectors <= 8) return f.template operator()<8, 1>();
  if (vectors <= 16) return f.template operator()<16, 1>();
  if (vectors <= 32) return f.template operator()<32, 1>();
  if (vectors <= 64) return f.template operator()<32, 2>();
  if (vectors <= 128) return f.template operator()<32, 4>();
  return f.template operator()<32, 0>();
}

}  // namespace wf
