// The lanes that step a rating together in per-rating SGD, and the rows that they hold.
#pragma once
#include "cuda/device/half.cuh"
#include "cuda/device/pair.cuh"
#include "host/kernels/losses.hpp"
#include "host/kernels/sgd_rules.hpp"

#include <type_traits>

namespace wf {

/// Of a vector of 16 bytes.
constexpr int factors_of_vector(Storage storage) {
  return storage == Storage::fp32 ? 4 : 8;
}

/// kGroup lanes; lane l holds the vectors l, l + kGroup, ... of both rows, kVectors of them, in registers; 0: any
/// number, in shared memory. A rating has four rules to compute, for the slow and the fast factors of its user and its
/// item: each lane computes one, so that all are computed at once, and holds of the records what that one needs. All
/// lanes of a warp come to the shuffles at once.
template <Storage kStorage, int kGroup, int kVectors>
class Group {
 public:
  static constexpr int kFactors = factors_of_vector(kStorage);
  static constexpr bool kRounds = kStorage != Storage::fp32;
  static constexpr bool kRegisters = kVectors > 0;
  static constexpr int kRules = 4;
  static_assert(kGroup >= kRules);

  struct Row {
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
  /// What the lane's rule needs of the record of its user or item.
  struct State {
    float sum, length, bias, bias_share;
  };

  __device__ explicit Group(const SgdTables<Device>& tables) : rank_(tables.rank()), lane_(this_lane<kGroup>()) {}

  __device__ bool counts() const { return lane_ == 0; }  ///< is this the lane that adds errors up?
  __device__ bool of_item() const { return lane_ / 2 % 2 == 1; }
  __device__ bool of_fast() const { return lane_ % 2 == 1; }
  __device__ int vectors() const {
    return kRegisters ? kVectors : (rank_ + kFactors * kGroup - 1) / (kFactors * kGroup);
  }

  /// kShared, here and below: the row is in shared memory.
  template <bool kShared = false>
  __device__ void load(const float* from, Row& row) const {
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const uint4 none{0, 0, 0, 0};
      const uint4 bits = has(v) ? fetch<kShared, uint4>(from + 4 * (lane_ + v * kGroup)) : none;
      const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
      float* const to = row.at(v);
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        if constexpr (kFactors == 4) {
          to[w] = __uint_as_float(words[w]);
        } else {
          const float2 pair = from_pair(kStorage, words[w]);
          to[2 * w] = pair.x;
          to[2 * w + 1] = pair.y;
        }
      }
    }
  }
  /// kShared: the item's is.
  template <bool kShared = false>
  __device__ State load_state(const float* user_row, const float* item_row) const {
    static_assert(kSlowSum == 0 && kFastSum == 1 && kSlowLength == 2 && kFastLength == 3 && kBias == 6 &&
                  kBiasShare == 7);
    float4 low, high;
    if (kShared && of_item()) {
      low = fetch<true, float4>(record_of(item_row));
      high = fetch<true, float4>(record_of(item_row) + 4);
    } else {
      const float* const record = record_of(of_item() ? item_row : user_row);
      low = fetch<false, float4>(record);
      high = fetch<false, float4>(record + 4);
    }
    return {of_fast() ? low.y : low.x, of_fast() ? low.w : low.z, high.z, high.w};
  }

  /// Factors of 16 bits are rounded by `random`.
  template <bool kShared = false>
  __device__ void store(Row& row, float* to, RoundingBits& random) const {
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const float* const from = row.at(v);
      unsigned words[4];
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        if constexpr (kFactors == 4) {
          words[w] = __float_as_uint(from[w]);
        } else {
          words[w] = to_pair(kStorage, from[2 * w], from[2 * w + 1], random.next());
        }
      }
      const uint4 bits{words[0], words[1], words[2], words[3]};
      if (has(v)) put<kShared>(to + 4 * (lane_ + v * kGroup), bits);
    }
  }
  /// Of the item (or user), by the lanes of its rules.
  template <bool kShared = false>
  __device__ void store_state(const State& state, float* row, bool item) const {
    if (lane_ >= kRules || of_item() != item) return;
    float* const record = record_of(row);
    put<kShared>(record + kSlowSum + lane_ % 2, state.sum);
    put<kShared>(record + kSlowLength + lane_ % 2, state.length);
    if (!of_fast()) put<kShared>(record + kBias, state.bias);
  }

  /// One step of both rows; the score before it.
  __device__ float step(const SgdSettings& settings, float mean, bool biases, float lambda, float rating, Row& user,
                        Row& item, State& state) const {
    const Products products = dot(user, item);
    const float predicted =
        products.slow + products.fast + (from_lane(state.bias, 0) + from_lane(state.bias, 2)) + mean;
    const float error = -loss_slope(settings.loss, predicted, rating) / 2;
    const Step<float> own = own_step(settings, error, lambda, of_fast() ? products.fast : products.slow, state);
    // a bias goes at the slow factors' rate: the lanes of the fast ones, which have another, keep theirs to themselves
    bias_rule(error, settings.rate_of_biases(biases) * own.rate, state.bias_share, state.bias);
#pragma unroll
    for (int v = 0; v < vectors(); ++v) {
      const int part = is_slow(v) ? 0 : 1;
      const Step<float> of_user = from_lane(own, part), of_item = from_lane(own, 2 + part);
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
    if (settings.adagrad && settings.projects()) {  // a projected row is not as long as the rule says
      const Products of_user = dot(user, user), of_item = dot(item, item);
      const Products squares = this->of_item() ? of_item : of_user;
      state.length = of_fast() ? squares.fast : squares.slow;
    }
    return predicted;
  }

 private:
  /// Of device memory, by way of the second cache: what is in the first does not see other multiprocessors' stores.
  template <bool kShared, class Vector>
  __device__ static Vector fetch(const float* from) {
    const auto* const vector = reinterpret_cast<const Vector*>(from);
    return kShared ? *vector : __ldcg(vector);
  }
  template <bool kShared, class Value>
  __device__ static void put(float* to, const Value& value) {
    if constexpr (kShared) {
      *reinterpret_cast<Value*>(to) = value;
    } else {
      __stcg(reinterpret_cast<Value*>(to), value);
    }
  }

  /// Over the slow factors, and over the others.
  struct Products {
    float slow, fast;
  };

  __device__ int first_of(int vector) const {
    return kFactors * (lane_ + vector * kGroup);
  }
  __device__ bool has(int vector) const {
    return first_of(vector) < rank_;
  }
  __device__ bool is_slow(int vector) const {
    return vector == 0 && first_of(0) < kSlowFactors;
  }

  __device__ float from_lane(float value, int lane) const {
    return __shfl_sync(kAllLanes, value, lane, kGroup);
  }
  __device__ Step<float> from_lane(const Step<float>& step, int lane) const {
    return {from_lane(step.keep, lane), from_lane(step.take, lane), from_lane(step.rate, lane)};
  }

  /// In all lanes.
  __device__ Products dot(Row& a, Row& b) const {
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
    if constexpr (kFactors < kSlowFactors) other = from_lane(slow, 1);
    return {from_lane(slow, 0) + other, fast};
  }

  /// The lane's rule.
  __device__ Step<float> own_step(const SgdSettings& settings, float error, float lambda, float product,
                                  State& state) const {
    if (!settings.adagrad) return sgd_rule(error, settings.lr, lambda);
    const float partner_length = __shfl_xor_sync(kAllLanes, state.length, 2, kGroup);
    const float share = of_fast() ? settings.fast_share : settings.slow_share;
    State next = state;
    const Step<float> step =
        row_adagrad_rule(error, settings.lr, lambda, share, product, partner_length, next.sum, next.length);
    const bool rests = settings.slow_only && of_fast();
    if (!rests) state = next;
    return rests ? Step<float>{1, 0, 0} : step;
  }

  int rank_;
  int lane_;
};

/// Calls f with the storage as a compile-time constant: chosen at run time, it costs a branch for every two factors.
template <class F>
void with_storage(Storage storage, const F& f) {
  if (storage == Storage::fp32) return f.template operator()<Storage::fp32>();
  if (storage == Storage::fp16) return f.template operator()<Storage::fp16>();
  return f.template operator()<Storage::bf16>();
}

/// Rows of more vectors are in shared memory.
inline constexpr Position kMostVectors = 128;

/// Calls f with the lanes of a rating and the vectors that each holds, for rows of so many vectors.
template <class F>
void with_group(int vectors, const F& f) {
  if (vectors <= 4) return f.template operator()<4, 1>();
  if (vectors <= 8) return f.template operator()<8, 1>();
  if (vectors <= 16) return f.template operator()<16, 1>();
  if (vectors <= 32) return f.template operator()<32, 1>();
  if (vectors <= 64) return f.template operator()<32, 2>();
  if (vectors <= kMostVectors) return f.template operator()<32, 4>();
  return f.template operator()<32, 0>();
}

}  // namespace wf
