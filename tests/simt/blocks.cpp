// Blocks: their start and end, block barriers, shared memory.
#include "tests/simt/scheduler.hpp"

#include <algorithm>
#include <map>

namespace simt {
namespace {

void start_warp(Block& block, int index) {
  const dim3 size = grid.launch.block;
  Warp& warp = block.warps[std::size_t(index)];
  warp.block = &block;
  warp.index = index;
  warp.size = std::min(32, block.threads - 32 * index);
  warp.live = warp.ready = ~0U >> (32 - warp.size);
  warp.waiting = 0;
  warp.last = 31;
  for (int i = 0; i < warp.size; ++i) {
    const auto n = unsigned(32 * index + i);
    Lane& lane = warp.lanes[i];
    lane.thread = {n % size.x, n / size.x % size.y, n / size.x / size.y};
    lane.warp = &warp;
    lane.fiber = nullptr;
    lane.state = State::ready;
    lane.index = std::uint8_t(i);
    lane.spins = 0;
  }
  if (!grid.check) return;
  std::memset(warp.clock, 0, sizeof warp.clock);
  for (int i = 0; i < 32; ++i) warp.clock[i][i] = 1;
}

template <class B, class F>
void each_lane_of(B& block, F f) {
  for (auto& warp : block.warps) {
    for (int i = 0; i < warp.size; ++i) f(warp.lanes[i]);
  }
}

std::uint64_t outcome(Vote vote, const Block& block) {
  if (vote == Vote::all) return block.votes == block.at_barrier ? 1 : 0;
  if (vote == Vote::any) return block.votes != 0 ? 1 : 0;
  return std::uint64_t(block.votes);
}

void check_barrier(Block& block, const Lane& lane) {
  const Lane& first = *block.first_at_barrier;
  if (!(first.site == lane.site)) {
    add_finding(Kind::divergent_barrier, place(first) + " waits with " + place(lane));
  }
  if (block.live < block.threads && !std::exchange(block.exit_reported, true)) {
    const std::string returned = std::to_string(block.threads - block.live);
    add_finding(Kind::exited_barrier,
                place(lane) + " waits though " + returned + " threads of its block have returned");
  }
}

char* take_shared(Block& block, std::size_t bytes, std::size_t align) {
  constexpr std::size_t kGap = 16;  // between variables, so that an overrun shows
  const std::size_t offset = (block.shared_top + align - 1) & ~(align - 1);
  block.shared_top = offset + bytes + kGap;
  block.shared_bytes += bytes;
  if (block.shared_bytes > kMaxShared || block.shared_top > kSlot) {
    block.shared_top = offset;
    add_finding(Kind::shared_size, "a block needs more than " + std::to_string(kMaxShared) + " bytes of shared memory");
    abort_launch(cudaErrorLaunchOutOfResources);
  }
  char* p = arena.base + std::size_t(block.slot) * kSlot + offset;
  set_exists(p, bytes, true);
  fill_unset(p, bytes);
  return p;
}

}  // namespace

void close_slot(Block& block) {
  if (block.shared_top != 0) set_exists(arena.base + std::size_t(block.slot) * kSlot, block.shared_top, false);
  block.shared_top = block.shared_bytes = 0;
  block.statics.clear();
  block.dynamic = nullptr;
}

void start_block(Block& block, std::uint32_t linear, int slot) {
  const dim3 blocks = grid.launch.grid;
  const dim3 size = grid.launch.block;
  block.slot = slot;
  close_slot(block);
  block.linear = linear;
  block.index = {linear % blocks.x, linear / blocks.x % blocks.y, linear / blocks.x / blocks.y};
  block.threads = block.live = int(size.x * size.y * size.z);
  block.at_barrier = block.votes = 0;
  block.first_at_barrier = nullptr;
  block.exit_reported = block.racy = false;
  block.last_warp = 31;
  block.gave_way = false;
  block.phase = 0;
  block.epoch = next_epoch();
  const int warps = (block.threads + 31) / 32;
  block.warps.resize(std::size_t(warps));
  block.ready_warps = ~0U >> (32 - warps);
  for (int i = 0; i < warps; ++i) start_warp(block, i);
  ++counters.blocks;
}

/// "16 threads wait for a block barrier at a.cu:3, 16 threads wait for ..."
std::string stuck_threads(const Block& block) {
  std::map<std::string, int> places;
  each_lane_of(block, [&](const Lane& lane) {
    const char* operation = lane.state == State::at_barrier ? "a block barrier at " : "a warp operation at ";
    ++places[lane.state == State::done ? "nothing (returned)" : operation + where(lane.site)];
  });
  std::string text;
  for (const auto& [place, count] : places) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " threads wait for " + place;
  }
  return text;
}

/// Half-run threads are thrown away with what is on their stacks.
void abandon(Block& block) {
  each_lane_of(block, [](Lane& lane) { throw_away_fiber(lane); });
}

void release_barrier(Block& block) {
  ++counters.barriers;
  ++block.phase;
  for (Warp& warp : block.warps) {
    std::uint32_t freed = 0;
    for (int i = 0; i < warp.size; ++i) {
      Lane& lane = warp.lanes[i];
      if (lane.state != State::at_barrier) continue;
      lane.state = State::ready;
      lane.result = outcome(lane.vote, block);
      freed |= lane.bit();
    }
    if (freed != 0) make_ready(warp, freed);
  }
  block.at_barrier = block.votes = 0;
}

int block_barrier(Vote vote, bool predicate, const Site& site) {
  Lane& lane = *current_lane;
  Block& block = *lane.warp->block;
  if (block.at_barrier == 0) block.first_at_barrier = &lane;
  lane.site = site;
  lane.vote = vote;
  lane.state = State::at_barrier;
  lane.spins = 0;
  check_barrier(block, lane);
  block.votes += predicate ? 1 : 0;
  lane.warp->ready &= ~lane.bit();
  if (++block.at_barrier == block.live) release_barrier(block);
  leave(lane);
  return int(lane.result);
}

void* static_shared(const void* key, std::size_t bytes, std::size_t align, const Site& site) {
  Block& block = *current_lane->warp->block;
  std::size_t total = bytes;
  for (const StaticVariable& variable : block.statics) {
    if (variable.key == key) return variable.address;
    total += variable.bytes;
  }
  if (total > kMaxStaticShared) {
    add_finding(Kind::shared_size, "more than 48 KiB of static shared memory at " + where(site));
  }
  char* p = take_shared(block, bytes, std::max<std::size_t>(align, 16));
  block.statics.push_back({key, p, bytes});
  return p;
}

void* dynamic_shared() {
  Block& block = *current_lane->warp->block;
  if (block.dynamic == nullptr) {
    block.dynamic = take_shared(block, std::max<std::size_t>(grid.launch.dynamic_bytes, 1), 16);
  }
  return block.dynamic;
}

}  // namespace simt
