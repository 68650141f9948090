// The rank as kernels know it: 16, 32, 64 and 128 at compile time, any other at run time, by vectors of four floats
// where rows begin at 16 bytes.
#pragma once
#include "cuda/device/half.cuh"
#include "cuda/runtime/launch.hpp"
#include "host/base/view.hpp"

#include <cstdint>

namespace wf {

/// kFixed: the rank, or 0. kVector: rows begin at 16 bytes and have a multiple of four elements, of eight where they
/// are of 16 bits.
template <int kFixed, bool kVectorRows, Storage kStored = Storage::fp32>
struct RankOf {
  static constexpr bool kVector = kVectorRows;
  static constexpr Storage kStorage = kStored;
  static constexpr int kLanes = kFixed > 0 ? kFixed / 4 : kWarp;  ///< lanes for a row where each holds a vector
  int value = kFixed;
  WF_HD int count() const { return kFixed > 0 ? kFixed : value; }
};

template <class T>
bool has_vector_rows(const Rows<T, Device>& table) {
  return table.rank % 4 == 0 && table.pitch % 4 == 0 && reinterpret_cast<std::uintptr_t>(table.data) % 16 == 0;
}

/// Calls f with the RankOf that fits `rank`; `vector`: the rows of all tables involved have vector form.
template <class F>
void with_rank(int rank, bool vector, const F& f) {
  if (!vector) return f(RankOf<0, false>{rank});
  switch (rank) {
    case 16:
      return f(RankOf<16, true>{});
    case 32:
      return f(RankOf<32, true>{});
    case 64:
      return f(RankOf<64, true>{});
    case 128:
      return f(RankOf<128, true>{});
    default:
      return f(RankOf<0, true>{rank});
  }
}

__device__ inline float4 load4(const float* p) {
  return __ldg(reinterpret_cast<const float4*>(p));
}

}  // namespace wf
