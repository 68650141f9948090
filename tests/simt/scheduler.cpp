// A launch: which blocks are resident, which warp goes next, and the points where a thread gives way.
#include "tests/simt/scheduler.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <numeric>

namespace simt {

Grid grid{};
Random schedule(1, 1);
constinit thread_local Lane* current_lane = nullptr;

namespace {

std::uint32_t last_epoch = 0;

/// The blocks of a launch, of which a few are resident at a time.
class Residents {
 public:
  Residents() : order_(std::size_t(grid.launch.grid.x) * grid.launch.grid.y * grid.launch.grid.z) {
    std::iota(order_.begin(), order_.end(), 0U);
    if (grid.random) shuffle_order();
    count_ = std::min({most(), order_.size(), kSlots});
    while (storage().size() < count_) storage().emplace_back();
    for (std::size_t i = 0; i < count_; ++i) {
      start_block(storage()[i], order_[next_++], int(i));
      active_.push_back(&storage()[i]);
    }
  }
  Residents(const Residents&) = delete;
  Residents& operator=(const Residents&) = delete;
  ~Residents() {
    for (Block* block : active_) abandon(*block);
    for (std::size_t i = 0; i < count_; ++i) close_slot(storage()[i]);
  }

  bool empty() const { return active_.empty(); }
  std::size_t choose_one() {
    if (grid.random) return schedule.below(unsigned(active_.size()));
    turn_ %= active_.size();
    if (active_[turn_]->gave_way) turn_ = (turn_ + 1) % active_.size();
    return turn_;
  }
  Block& operator[](std::size_t i) const { return *active_[i]; }

  /// Block `i` has ended: the next one takes its place, while there is one.
  void replace(std::size_t i) {
    if (next_ < order_.size()) {
      start_block(*active_[i], order_[next_++], active_[i]->slot);
    } else {
      active_[i] = active_.back();
      active_.pop_back();
    }
  }

 private:
  static std::deque<Block>& storage() {  // kept between launches for its memory
    static auto& blocks = *new std::deque<Block>;
    return blocks;
  }
  std::size_t most() const {
    constexpr std::size_t kResident = 4;
    if (grid.launch.cooperative) return order_.size();
    if (!grid.random) return 1;
    return options().resident_blocks > 0 ? std::size_t(options().resident_blocks) : kResident;
  }
  void shuffle_order() {
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[schedule.next() % i]);
  }

  std::vector<std::uint32_t> order_;
  std::vector<Block*> active_;
  std::size_t next_ = 0, count_ = 0, turn_ = 0;
};

void run_one_warp(Block& block) {
  block.last_warp = choose(block.ready_warps, std::exchange(block.gave_way, false) ? block.last_warp : 31);
  Warp& warp = block.warps[std::size_t(block.last_warp)];
  if (Lane* lane = pick(warp, std::exchange(warp.last, 31))) {
    run_until_left(*lane);
  } else {
    block.ready_warps &= ~(1U << block.last_warp);
  }
}

void run_blocks() {
  Residents residents;
  while (!residents.empty() && !grid.aborted) {
    const std::size_t i = residents.choose_one();
    Block& block = residents[i];
    if (block.ready_warps != 0) {
      run_one_warp(block);
    } else if (block.live == 0) {
      residents.replace(i);
    } else if (!answer_active_masks(block)) {
      add_finding(Kind::deadlock, stuck_threads(block));
      spoil_calls(cudaErrorLaunchTimeout);
      grid.aborted = true;
    }
  }
}

}  // namespace

void run(const Launch& launch, void (*body)(void*), void* context) {
  open_arena();
  const Options& chosen = options();
  grid = {launch, body, context, next_epoch(), chosen.preempt, chosen.seed != 0, chosen.check && arena.cells, false};
  schedule = Random(chosen.seed, ++counters.launches);
  current_kernel = launch.kernel;
  ::gridDim = launch.grid;
  ::blockDim = launch.block;
  run_blocks();
  current_kernel = nullptr;
}

std::uint32_t next_epoch() {
  return ++last_epoch;
}

void leave(Lane& lane) {
  const bool stay = !grid.random || schedule.below(8) != 0;  // under a seed, now and then another warp
  hand_over(lane, stay ? pick(*lane.warp, lane.index) : nullptr);
}

void retire(Lane& lane) {
  Warp& warp = *lane.warp;
  Block& block = *warp.block;
  lane.state = State::done;
  warp.live &= ~lane.bit();
  warp.ready &= ~lane.bit();
  --block.live;
  ++counters.threads;
  each_lane(warp, warp.waiting,
            [&](const Lane& other) {  // its return may complete what others wait for
              if (other.state == State::at_warp_op && other.op != Op::active_mask) try_resolve(warp, other.mask);
            });
  if (block.at_barrier == 0) return;
  if (!std::exchange(block.exit_reported, true)) {
    add_finding(Kind::exited_barrier, name(lane) + " returns while a barrier waits: " + place(*block.first_at_barrier));
  }
  if (block.at_barrier == block.live) release_barrier(block);
}

void relax(const void* pc) {
  Lane* lane = current_lane;
  if (lane == nullptr) return;
  constexpr std::uint32_t kTooMany = 1U << 22;
  constexpr std::uint32_t kTurns = 64;
  if (++lane->spins > kTooMany) {
    add_finding(Kind::livelock, name(*lane) + " at " + where(pc != nullptr ? pc : __builtin_return_address(0)) +
                                    " spins for ever; does it wait for a block that is not resident?");
    abort_launch(cudaErrorLaunchTimeout);
  }
  if (!grid.random && lane->spins % kTurns != 0) return;
  lane->warp->block->gave_way = true;
  lane->warp->last = lane->index;
  hand_over(*lane, nullptr);
}

void progress() {
  if (current_lane != nullptr) current_lane->spins = 0;
}

void maybe_preempt() {
  if (!grid.random || grid.preempt == 0 || schedule.below(grid.preempt) != 0) return;
  Lane& lane = *current_lane;
  hand_over(lane, schedule.below(4) != 0 ? pick(*lane.warp, lane.index) : nullptr);
}

void abort_launch(cudaError_t error) {
  spoil_calls(error);
  grid.aborted = true;
  hand_over(*current_lane, nullptr);
  std::abort();  // nobody enters it again
}

void trap() {
  abort_launch(cudaErrorLaunchFailure);
}

std::string name(const Lane& lane) {
  const auto triple = [](const uint3& v) {
    return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
  };
  return "block " + triple(lane.warp->block->index) + " thread " + triple(lane.thread);
}

std::string place(const Lane& lane) {
  return name(lane) + " at " + where(lane.site);
}

}  // namespace simt
