// Warp operations. A lane waits until all lanes of its mask that have not returned wait with it; the last one to come
// exchanges the values for all. Lanes with other masks go their own way.
#include "tests/simt/scheduler.hpp"

#include <algorithm>
#include <cstdlib>

namespace simt {
namespace {

std::uint32_t combine(Op op, std::uint32_t a, std::uint32_t b) {
  switch (op) {
    case Op::add:
      return a + b;
    case Op::min_signed:
      return std::uint32_t(std::min(std::int32_t(a), std::int32_t(b)));
    case Op::max_signed:
      return std::uint32_t(std::max(std::int32_t(a), std::int32_t(b)));
    case Op::min_unsigned:
      return std::min(a, b);
    case Op::max_unsigned:
      return std::max(a, b);
    case Op::bit_and:
      return a & b;
    case Op::bit_or:
      return a | b;
    case Op::bit_xor:
      return a ^ b;
    default:
      std::abort();  // the other operations are no reductions
  }
}

// ---- reports, out of line: what calls them runs at every collective
[[gnu::cold, gnu::noinline]] void report_divergence(const Lane& a, const Lane& b) {
  const bool mixed = a.op != b.op || a.mask != b.mask;
  const char* what = mixed ? " meet in different warp operations or masks" : " meet in one warp operation";
  add_finding(Kind::divergent_warp, place(a) + " and " + place(b) + what);
}
[[gnu::cold, gnu::noinline]] void report_absentee(const Lane& waiting, const Lane& elsewhere) {
  add_finding(Kind::divergent_warp,
              place(waiting) + " names lanes in its mask that are at " + where(elsewhere.site) + " with another mask");
}
[[gnu::cold, gnu::noinline]] void report_inactive(const Lane& lane) {
  const std::string source = std::to_string(lane.source);
  add_finding(Kind::inactive_shuffle, place(lane) + " reads lane " + source + ", which takes no part");
}

void check_convergence(Warp& warp, std::uint32_t members) {
  const Lane& first = warp.lanes[std::countr_zero(members)];
  each_lane(warp, members, [&](const Lane& lane) {
    if (lane.op != first.op || lane.mask != first.mask || !(lane.site == first.site)) report_divergence(first, lane);
  });
  each_lane(warp, warp.waiting & ~members, [&](const Lane& lane) {
    if (lane.op != Op::active_mask && (lane.mask & members) != 0) report_absentee(lane, first);
  });
}

// ---- the exchange
void exchange_shuffle(Warp& warp, std::uint32_t members) {
  each_lane(warp, members, [&](Lane& lane) {
    const bool present = (members >> lane.source & 1) != 0;
    lane.result = present ? warp.lanes[lane.source].value : ~std::uint64_t{0};
    if (!present) report_inactive(lane);
  });
}
void exchange_matches(Warp& warp, std::uint32_t members) {
  each_lane(warp, members, [&](Lane& lane) {
    lane.result = 0;
    each_lane(warp, members, [&](const Lane& other) { lane.result |= other.value == lane.value ? other.bit() : 0; });
  });
}
void exchange_votes(Warp& warp, std::uint32_t members) {
  std::uint32_t votes = 0;
  each_lane(warp, members, [&](const Lane& lane) { votes |= lane.value != 0 ? lane.bit() : 0; });
  each_lane(warp, members, [&](Lane& lane) { lane.result = votes; });
}
void exchange_reduction(Warp& warp, std::uint32_t members) {
  const Lane& first = warp.lanes[std::countr_zero(members)];
  auto total = std::uint32_t(first.value);
  const std::uint32_t others = members & (members - 1);
  each_lane(warp, others, [&](const Lane& lane) { total = combine(first.op, total, std::uint32_t(lane.value)); });
  each_lane(warp, members, [&](Lane& lane) { lane.result = total; });
}

/// __syncwarp orders memory: each member now knows all that any member knew. Shuffles and votes do not.
void join_clocks(Warp& warp, std::uint32_t members) {
  if (!grid.check) return;
  std::uint32_t joined[32] = {};
  each_lane(warp, members, [&](const Lane& lane) {
    for (int i = 0; i < 32; ++i) joined[i] = std::max(joined[i], warp.clock[lane.index][i]);
  });
  each_lane(warp, members, [&](const Lane& lane) {
    std::memcpy(warp.clock[lane.index], joined, sizeof joined);
    ++warp.clock[lane.index][lane.index];
  });
}

/// Once the last member has come, so that a fast lane cannot overwrite what a slow one reads.
void exchange(Warp& warp, std::uint32_t members) {
  switch (warp.lanes[std::countr_zero(members)].op) {
    case Op::active_mask:
      return;
    case Op::sync:
      return join_clocks(warp, members);
    case Op::shuffle:
      return exchange_shuffle(warp, members);
    case Op::match_any:
      return exchange_matches(warp, members);
    case Op::ballot:
      return exchange_votes(warp, members);
    default:
      return exchange_reduction(warp, members);
  }
}

void wake(Warp& warp, std::uint32_t members) {
  each_lane(warp, members, [](Lane& lane) { lane.state = State::ready; });
  warp.waiting &= ~members;
  make_ready(warp, members);
}

void wait_in_warp(Lane& lane, Op op, const Site& site) {
  lane.op = op;
  lane.site = site;
  lane.state = State::at_warp_op;
  lane.spins = 0;
  lane.warp->waiting |= lane.bit();
  lane.warp->ready &= ~lane.bit();
}

/// Lanes that ask for the active mask at one place, the place of the first of them.
std::uint32_t asking_together(Warp& warp) {
  std::uint32_t asking = 0;
  const Site* site = nullptr;
  each_lane(warp, warp.waiting, [&](const Lane& lane) {
    if (lane.op != Op::active_mask || (site != nullptr && !(lane.site == *site))) return;
    site = &lane.site;
    asking |= lane.bit();
  });
  return asking;
}

}  // namespace

/// Carries a collective out if all lanes of its mask that have not returned wait for it.
bool try_resolve(Warp& warp, std::uint32_t mask) {
  const std::uint32_t members = mask & warp.live;
  if (members == 0 || (warp.waiting & members) != members) return false;
  ++counters.collectives;
  check_convergence(warp, members);
  exchange(warp, members);
  wake(warp, members);
  return true;
}

/// Nobody in the block can run, so __activemask may be answered: with the lanes that ask at the same place. Any subset
/// of them is a right answer, and under a seed a smaller one is given at times.
bool answer_active_masks(Block& block) {
  bool any = false;
  for (Warp& warp : block.warps) {
    while (std::uint32_t asking = asking_together(warp)) {
      if (grid.random && !std::has_single_bit(asking) && schedule.below(4) == 0) asking &= asking - 1;
      each_lane(warp, asking, [&](Lane& lane) { lane.result = asking; });
      wake(warp, asking);
      any = true;
    }
  }
  return any;
}

unsigned lane_id() {
  return current_lane->index;
}

std::uint64_t warp_collective(Op op, unsigned mask, std::uint64_t value, int source, const Site& site) {
  Lane& lane = *current_lane;
  if ((mask & lane.bit()) == 0) {
    add_finding(Kind::warp_mask, name(lane) + " at " + where(site) + " is not in its own mask");
    mask |= lane.bit();
  }
  lane.mask = mask;
  lane.value = value;
  lane.source = std::uint8_t(source & 31);
  wait_in_warp(lane, op, site);
  try_resolve(*lane.warp, mask);
  leave(lane);
  return lane.result;
}

unsigned active_mask(const Site& site) {
  Lane& lane = *current_lane;
  lane.mask = 0;
  wait_in_warp(lane, Op::active_mask, site);
  leave(lane);
  return unsigned(lane.result);
}

}  // namespace simt
