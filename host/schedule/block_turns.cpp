#include "host/schedule/block_turns.hpp"

#include "host/base/wait.hpp"

#include <algorithm>

namespace wf {
namespace {

/// For each range the block, or the turn, that came last; -1: none.
class LastOfRange {
 public:
  explicit LastOfRange(int ranges) : last_(static_cast<std::size_t>(ranges), -1) {}
  Position& operator[](int range) { return last_[static_cast<std::size_t>(range)]; }

 private:
  std::vector<Position> last_;
};

template <class RangeOf>
int range_count(Span<const Block, Host> blocks, const RangeOf& range_of) {
  int count = 0;
  for (const Block& block : blocks) count = std::max(count, range_of(block) + 1);
  return count;
}

}  // namespace

BlockTurns::BlockTurns(Span<const Block, Host> blocks)
    : done_(std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(blocks.size))) {
  LastOfRange user(range_count(blocks, [](const Block& block) { return block.user_range; }));
  LastOfRange item(range_count(blocks, [](const Block& block) { return block.item_range; }));
  turns_.reserve(static_cast<std::size_t>(blocks.size));
  for (Position begin = 0; begin < blocks.size;) {
    // a stratum: blocks that wait for none of each other. First those that wait for the earliest.
    const auto first = static_cast<std::ptrdiff_t>(turns_.size());
    Position end = begin;
    for (; end < blocks.size; ++end) {
      const Turn turn{end, user[blocks[end].user_range], item[blocks[end].item_range]};
      if (std::max(turn.after_user, turn.after_item) >= first) break;
      turns_.push_back(turn);
      user[blocks[end].user_range] = item[blocks[end].item_range] = first + end - begin;  // replaced below
    }
    const auto waits_less = [](const Turn& a, const Turn& b) {
      return std::max(a.after_user, a.after_item) < std::max(b.after_user, b.after_item);
    };
    std::stable_sort(turns_.begin() + first, turns_.end(), waits_less);
    for (Position turn = first; turn < size(); ++turn) {
      const Block& block = blocks[turns_[static_cast<std::size_t>(turn)].block];
      user[block.user_range] = item[block.item_range] = turn;
    }
    begin = end;
  }
}

BlockTurns::Done::~Done() {
  std::atomic<bool>& done = turns.done_[static_cast<std::size_t>(turn)];
  done.store(true, std::memory_order_release);
  done.notify_all();
}

void BlockTurns::wait_for(Position turn) const {
  if (turn == kNone) return;
  wait_until(done_[static_cast<std::size_t>(turn)], [](bool done) { return done; });
}

}  // namespace wf
