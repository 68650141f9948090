// Barriers, warp collectives and cooperative groups, as device code calls them; a part of device.hpp. Each takes the
// place it is called from, which findings name and by which lanes that diverged are told apart.
#pragma once
#include "tests/simt/device.hpp"

#include <bit>

namespace simt {

enum class Op : std::uint8_t {
  sync,
  shuffle,
  match_any,
  ballot,
  add,
  min_signed,
  max_signed,
  min_unsigned,
  max_unsigned,
  bit_and,
  bit_or,
  bit_xor,
  active_mask
};
enum class Vote : std::uint8_t { none, count, all, any };

// ---- collectives.cpp, blocks.cpp
std::uint64_t warp_collective(Op op, unsigned mask, std::uint64_t value, int source, const Site& site);
unsigned active_mask(const Site& site);
int block_barrier(Vote vote, bool predicate, const Site& site);
unsigned lane_id();

template <class T>
concept Shuffled =
    (std::is_arithmetic_v<T> && sizeof(T) <= 8) || OneOf<T, __half, __half2, __nv_bfloat16, __nv_bfloat162>;

template <Shuffled T>
T shuffle(unsigned mask, T value, int source, const Site& site) {
  const std::uint64_t bits = warp_collective(Op::shuffle, mask, to_bits(value), source, site);
  std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
  return value;
}

// Shuffles work within segments of `width` lanes; this is where the one of a lane begins.
inline int segment(int lane, int width) {
  return lane & ~(width - 1);
}

inline unsigned reduce(Op op, unsigned mask, unsigned value, const Site& site) {
  return unsigned(warp_collective(op, mask, value, 0, site));
}

}  // namespace simt

#define SIMT_SITE ::simt::Site site = ::simt::Site::current()

// ---- block barriers
inline void __syncthreads(SIMT_SITE) {
  simt::block_barrier(simt::Vote::none, false, site);
}
inline int __syncthreads_count(int predicate, SIMT_SITE) {
  return simt::block_barrier(simt::Vote::count, predicate != 0, site);
}
inline int __syncthreads_and(int predicate, SIMT_SITE) {
  return simt::block_barrier(simt::Vote::all, predicate != 0, site);
}
inline int __syncthreads_or(int predicate, SIMT_SITE) {
  return simt::block_barrier(simt::Vote::any, predicate != 0, site);
}

// ---- warps: order, votes, matches
inline void __syncwarp(unsigned mask = ~0U, SIMT_SITE) {
  simt::warp_collective(simt::Op::sync, mask, 0, 0, site);
}
inline unsigned __activemask(SIMT_SITE) {
  return simt::active_mask(site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, SIMT_SITE) {
  return unsigned(simt::warp_collective(simt::Op::ballot, mask, predicate != 0, 0, site));
}
inline int __any_sync(unsigned mask, int predicate, SIMT_SITE) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, SIMT_SITE) {
  return __ballot_sync(mask, predicate == 0, site) == 0;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, SIMT_SITE) {
  return unsigned(simt::warp_collective(simt::Op::match_any, mask, simt::to_bits(value), 0, site));
}
template <class T>
unsigned __match_all_sync(unsigned mask, T value, int* same, SIMT_SITE) {
  const unsigned matching = __match_any_sync(mask, value, site);
  *same = matching == __ballot_sync(mask, 1, site);
  return *same ? matching : 0;
}

// ---- warps: shuffles and reductions
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, SIMT_SITE) {
  return simt::shuffle(mask, value, simt::segment(int(simt::lane_id()), width) | (source & (width - 1)), site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_SITE) {
  const int own = int(simt::lane_id());
  const int source = own ^ lanes;
  return simt::shuffle(mask, value, source < simt::segment(own, width) + width ? source : own, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_SITE) {
  const int own = int(simt::lane_id());
  const int source = own + int(delta);
  return simt::shuffle(mask, value, source < simt::segment(own, width) + width ? source : own, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_SITE) {
  const int own = int(simt::lane_id());
  const int source = own - int(delta);
  return simt::shuffle(mask, value, source >= simt::segment(own, width) ? source : own, site);
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::add, mask, value, site);
}
inline int __reduce_add_sync(unsigned mask, int value, SIMT_SITE) {
  return int(simt::reduce(simt::Op::add, mask, unsigned(value), site));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::min_unsigned, mask, value, site);
}
inline int __reduce_min_sync(unsigned mask, int value, SIMT_SITE) {
  return int(simt::reduce(simt::Op::min_signed, mask, unsigned(value), site));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::max_unsigned, mask, value, site);
}
inline int __reduce_max_sync(unsigned mask, int value, SIMT_SITE) {
  return int(simt::reduce(simt::Op::max_signed, mask, unsigned(value), site));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::bit_and, mask, value, site);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::bit_or, mask, value, site);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, SIMT_SITE) {
  return simt::reduce(simt::Op::bit_xor, mask, value, site);
}

// ---- cooperative groups: blocks and compile-time tiles of them
namespace cooperative_groups {

struct thread_block {
  static unsigned thread_rank() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
  static unsigned size() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned num_threads() { return size(); }
  static dim3 dim_threads() { return blockDim; }
  static dim3 group_index() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
  static dim3 thread_index() { return {threadIdx.x, threadIdx.y, threadIdx.z}; }
  static void sync(SIMT_SITE) { __syncthreads(site); }
};

inline thread_block this_thread_block() {
  return {};
}

template <unsigned N>
struct thread_block_tile {
  static_assert(std::has_single_bit(N) && N <= 32);

  static unsigned thread_rank() { return simt::lane_id() & (N - 1); }
  static constexpr unsigned size() { return N; }
  static constexpr unsigned num_threads() { return N; }
  static unsigned meta_group_rank() { return thread_block::thread_rank() / N; }
  static unsigned meta_group_size() { return (thread_block::size() + N - 1) / N; }

  void sync(SIMT_SITE) const { __syncwarp(mask(), site); }

  template <class T>
  T shfl(T value, int source, SIMT_SITE) const {
    return __shfl_sync(mask(), value, source, int(N), site);
  }
  template <class T>
  T shfl_xor(T value, int lanes, SIMT_SITE) const {
    return __shfl_xor_sync(mask(), value, lanes, int(N), site);
  }
  template <class T>
  T shfl_down(T value, unsigned delta, SIMT_SITE) const {
    return __shfl_down_sync(mask(), value, delta, int(N), site);
  }
  template <class T>
  T shfl_up(T value, unsigned delta, SIMT_SITE) const {
    return __shfl_up_sync(mask(), value, delta, int(N), site);
  }
  template <class T>
  unsigned match_any(T value, SIMT_SITE) const {
    return __match_any_sync(mask(), value, site) >> first();
  }
  template <class T>
  unsigned match_all(T value, int& same, SIMT_SITE) const {
    return __match_all_sync(mask(), value, &same, site) >> first();
  }
  unsigned ballot(int predicate, SIMT_SITE) const { return __ballot_sync(mask(), predicate, site) >> first(); }
  int any(int predicate, SIMT_SITE) const { return ballot(predicate, site) != 0; }
  int all(int predicate, SIMT_SITE) const { return ballot(predicate == 0, site) == 0; }

 private:
  static unsigned first() { return simt::lane_id() & ~(N - 1); }
  static unsigned mask() { return (~0U >> (32 - N)) << first(); }
};

template <unsigned N>
thread_block_tile<N> tiled_partition(const thread_block&) {
  return {};
}
template <unsigned N, unsigned Parent>
thread_block_tile<N> tiled_partition(const thread_block_tile<Parent>&) {
  static_assert(N <= Parent);
  return {};
}

template <class Group>
void sync(const Group& group, SIMT_SITE) {
  group.sync(site);
}

}  // namespace cooperative_groups
#undef SIMT_SITE
