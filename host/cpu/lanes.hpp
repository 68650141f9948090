// Eight floats at once, in the compiler's own vector types: the same text for every instruction set, and the same bits,
// because lanes are added in the order of host/kernels/dot.hpp and never fused. Everything here must be inlined into a
// function that is compiled for the instruction set in question.
#pragma once
#include "host/kernels/dot.hpp"
#include "host/kernels/sgd_rules.hpp"

#include <cstring>
#include <type_traits>
#include <utility>

#define WF_INLINE [[gnu::always_inline]] inline
// flatten gives up on some lambdas, and unoptimised builds on all; one that is not inlined is compiled for the oldest
// x86-64, where vectors are passed in another way
#define WF_INLINE_LAMBDA __attribute__((always_inline))

namespace wf {

/// f(0) .. f(kCount - 1), unrolled. Each place is a type of its own: arrays are then registers from the start.
template <int kCount, class F>
WF_INLINE void repeat(const F& f) {
  const auto all = [&]<int... n>(std::integer_sequence<int, n...>) WF_INLINE_LAMBDA {
    (f(std::integral_constant<int, n>{}), ...);
  };
  all(std::make_integer_sequence<int, kCount>{});
}

}  // namespace wf

namespace wf::lanes {

using Four = float __attribute__((vector_size(16)));
using Eight = float __attribute__((vector_size(32)));
using Sixteen = float __attribute__((vector_size(64)));
using FourDoubles = double __attribute__((vector_size(32)));
using FourInts = std::int32_t __attribute__((vector_size(16)));
using EightInts = std::int32_t __attribute__((vector_size(32)));
using LooseFour = float __attribute__((vector_size(16), aligned(4), may_alias));  // at any float
using LooseEight = float __attribute__((vector_size(32), aligned(4), may_alias));
using LooseSixteen = float __attribute__((vector_size(64), aligned(4), may_alias));
using FourLongs = std::int64_t __attribute__((vector_size(32)));
using TwoLongs = std::int64_t __attribute__((vector_size(16)));

template <class Vector>
inline constexpr int kLanes = static_cast<int>(sizeof(Vector) / sizeof(float));

static_assert(kSumLanes == 8 && kSlowFactors == kSumLanes);

/// Unaligned, of any of the types above.
template <class Vector, class Element>
WF_INLINE Vector load(const Element* from) {
  Vector value;
  std::memcpy(&value, from, sizeof(Vector));
  return value;
}
template <class Vector>
WF_INLINE void store(const Vector& value, float* to) {
  std::memcpy(to, &value, sizeof(Vector));
}

/// The first `count` < 8 values, zeros behind them.
WF_INLINE Eight load_part(const float* from, int count) {
  Eight value{};
  for (int lane = 0; lane < count; ++lane) value[lane] = from[lane];
  return value;
}

WF_INLINE Eight all(float value) {
  return Eight{value, value, value, value, value, value, value, value};
}
WF_INLINE FourDoubles widened(const Four& a) {
  return FourDoubles{a[0], a[1], a[2], a[3]};
}
WF_INLINE FourDoubles absolute(const FourDoubles& a) {
  return (FourDoubles)((FourLongs)a & INT64_MAX);
}
/// Is every element zero?
WF_INLINE bool none(const FourInts& a) {
  const auto wide = (TwoLongs)a;
  return (wide[0] | wide[1]) == 0;
}
/// Are all elements of both at least `least`?
WF_INLINE bool all_at_least(float least, const Eight& a, const Eight& b) {
  const EightInts are = (a >= least) & (b >= least);
  return none(~(__builtin_shufflevector(are, are, 0, 1, 2, 3) & __builtin_shufflevector(are, are, 4, 5, 6, 7)));
}
WF_INLINE Eight halves(float low, float high) {
  return Eight{low, low, low, low, high, high, high, high};
}
WF_INLINE Eight joined(const Four& low, const Four& high) {
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}
WF_INLINE Four low_half(const Eight& a) {
  return __builtin_shufflevector(a, a, 0, 1, 2, 3);
}
WF_INLINE Four high_half(const Eight& a) {
  return __builtin_shufflevector(a, a, 4, 5, 6, 7);
}
WF_INLINE Eight low_twice(const Eight& a) {
  return __builtin_shufflevector(a, a, 0, 1, 2, 3, 0, 1, 2, 3);
}
WF_INLINE Eight high_twice(const Eight& a) {
  return __builtin_shufflevector(a, a, 4, 5, 6, 7, 4, 5, 6, 7);
}
WF_INLINE Eight swapped_halves(const Eight& a) {
  return __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
}

/// Halves of the sums: [a0 + a4, a1 + a5, a2 + a6, a3 + a7 | the same of b].
WF_INLINE Eight folded(const Eight& a, const Eight& b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}
WF_INLINE Eight folded_again(const Eight& a, const Eight& b) {
  return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
         __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}

/// The sums over the lanes of eight vectors, in the tree of sum_in_lanes: [sums of a[0..3] | sums of b[0..3]]. Eight
/// sums that share their shuffles cost what two cost by themselves.
WF_INLINE Eight lane_sums(const Eight (&a)[4], const Eight (&b)[4]) {
  const Eight first = folded_again(folded(a[0], b[0]), folded(a[1], b[1]));
  const Eight second = folded_again(folded(a[2], b[2]), folded(a[3], b[3]));
  return __builtin_shufflevector(first, second, 0, 2, 8, 10, 4, 6, 12, 14) +
         __builtin_shufflevector(first, second, 1, 3, 9, 11, 5, 7, 13, 15);
}

/// Rows and columns exchanged in each half: out[c] = [a[0][c] .. a[3][c] | a[0][4 + c] .. a[3][4 + c]].
WF_INLINE void transpose_halves(Eight (&a)[4]) {
  const Eight low01 = __builtin_shufflevector(a[0], a[1], 0, 8, 1, 9, 4, 12, 5, 13);
  const Eight low23 = __builtin_shufflevector(a[2], a[3], 0, 8, 1, 9, 4, 12, 5, 13);
  const Eight high01 = __builtin_shufflevector(a[0], a[1], 2, 10, 3, 11, 6, 14, 7, 15);
  const Eight high23 = __builtin_shufflevector(a[2], a[3], 2, 10, 3, 11, 6, 14, 7, 15);
  a[0] = __builtin_shufflevector(low01, low23, 0, 1, 8, 9, 4, 5, 12, 13);
  a[1] = __builtin_shufflevector(low01, low23, 2, 3, 10, 11, 6, 7, 14, 15);
  a[2] = __builtin_shufflevector(high01, high23, 0, 1, 8, 9, 4, 5, 12, 13);
  a[3] = __builtin_shufflevector(high01, high23, 2, 3, 10, 11, 6, 7, 14, 15);
}

/// What per-rating SGD does with whole vectors.
template <class MultiplyAdd>
struct PortableOps : MultiplyAdd {
  static constexpr bool kFixedRanks = false;  ///< are ranks worth code of their own? It takes a minute to compile
  static constexpr bool kWide = false;        ///< are there exchanges of sixteen factors?

  /// A value in memory for all lanes: a load, where one in a register would take two shuffles.
  template <class Vector = Eight>
  WF_INLINE static Vector all(const float* value) {
    if constexpr (std::is_same_v<Vector, Eight>) return lanes::all(*value);
    Vector result;
    for (int lane = 0; lane < kLanes<Vector>; ++lane) result[lane] = *value;
    return result;
  }
  /// sum += a * b.
  template <class Vector>
  WF_INLINE static void add_product(Vector& sum, const Vector& a, const Vector& b) {
    sum = MultiplyAdd{}(a, b, sum);
  }
  WF_INLINE static void store_halves(const Eight& a, float* low, float* high) {
    store(low_half(a), low);
    store(high_half(a), high);
  }
  /// p += user * q and q += item * p, from the values before.
  WF_INLINE static void exchange(float* p, float* q, const Eight& user, const Eight& item) {
    constexpr MultiplyAdd multiply_add{};
    const auto own = load<Eight>(p);
    const auto other = load<Eight>(q);
    store(multiply_add(user, other, own), p);
    store(multiply_add(item, own, other), q);
  }
};

/// Each product rounded before it is added.
using Separate = PortableOps<MultiplyThenAdd>;

#if defined(__x86_64__) && !defined(__clang__)
/// The same, each product added and rounded once. GCC 12 leaves some of these operations element by element, copies
/// registers around them, and stores the upper half of a register by an instruction of 512 bits, which closes a port
/// for all that is under way: 11 % of an epoch. So where its target is known they are written down; only in code that
/// is compiled for them.
struct Fused : FusedMultiplyAdd {
  static constexpr bool kFixedRanks = true;
  static constexpr bool kWide = false;
  using FusedMultiplyAdd::operator();
  WF_INLINE Eight operator()(const Eight& a, const Eight& b, const Eight& c) const {
    Eight sum = c;
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "vm"(b));
    return sum;
  }
  template <class Vector>
  WF_INLINE static void add_product(Vector& sum, const Vector& a, const Vector& b) {
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
  template <class Vector = Eight>
  WF_INLINE static Vector all(const float* value) {
    Vector result;
    asm("vbroadcastss %1, %0" : "=v"(result) : "m"(*value));
    return result;
  }
  WF_INLINE static void store_halves(const Eight& a, float* low, float* high) {
    store(low_half(a), low);
    asm("vextractf128 $1, %1, %0" : "=m"(*reinterpret_cast<LooseFour*>(high)) : "x"(a));
  }
  template <class Vector>
  WF_INLINE static void exchange(float* p, float* q, const Vector& user, const Vector& item) {
    auto own = load<Vector>(p);
    auto other = load<Vector>(q);
    asm("vfmadd231ps %1, %2, %0\n\t"
        "vfmadd231ps %4, %3, %1"
        : "+&v"(own), "+&v"(other)
        : "v"(user), "v"(item), "m"(loose(p, own)));
    store(own, p);
    store(other, q);
  }

 private:
  WF_INLINE static const LooseEight& loose(const float* at, const Eight&) {
    return *reinterpret_cast<const LooseEight*>(at);
  }
  WF_INLINE static const LooseSixteen& loose(const float* at, const Sixteen&) {
    return *reinterpret_cast<const LooseSixteen*>(at);
  }
};
/// The same for processors that lose nothing by instructions of 512 bits.
struct FusedWide : Fused {
  static constexpr bool kWide = true;
};
#else
struct FusedLoop : FusedMultiplyAdd {
  using FusedMultiplyAdd::operator();
  template <class Vector>
  requires(sizeof(Vector) > sizeof(float)) WF_INLINE Vector operator()(const Vector& a, const Vector& b,
                                                                       const Vector& c) const {
    Vector result;
    for (int lane = 0; lane < kLanes<Vector>; ++lane) result[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
    return result;
  }
};
using Fused = PortableOps<FusedLoop>;
using FusedWide = Fused;
#endif

}  // namespace wf::lanes

namespace wf {

template <>
struct NumberOps<lanes::Eight> {
  WF_INLINE static lanes::Eight root(const lanes::Eight& value) {
    float lane[8];
    lanes::store(value, lane);
    for (float& one : lane) one = std::sqrt(one);
    return lanes::load<lanes::Eight>(lane);
  }
  WF_INLINE static lanes::Eight at_least(float least, const lanes::Eight& value) {
    return value > least ? value : lanes::all(least);
  }
};

}  // namespace wf
