// Strata without a barrier between them: who has finished a block goes on with the next that can be had.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/base/view.hpp"
#include "host/schedule/block.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace wf {

/// A list of blocks and the order in which they are taken up. Of blocks of one range, each is done before the next one
/// in the list begins, so that no result depends on threads.
class BlockTurns {
 public:
  explicit BlockTurns(Span<const Block, Host> blocks);

  /// f(place in the list), once for each block.
  template <class F>
  void run(ThreadPool& pool, const F& f) {
    pool.for_each(pool.size(), [&](Position) {
      for (Position turn = next_++; turn < size(); turn = next_++) {
        const Turn& mine = turns_[static_cast<std::size_t>(turn)];
        wait_for(mine.after_user);
        wait_for(mine.after_item);
        const Done done{*this, turn};  // whatever happens: others wait for it
        f(mine.block);
      }
    });
  }

 private:
  static constexpr Position kNone = -1;

  struct Turn {
    Position block;                                   // in the list
    Position after_user = kNone, after_item = kNone;  // turns of the blocks of the same ranges before it
  };
  struct Done {
    BlockTurns& turns;
    Position turn;
    ~Done();
  };

  Position size() const { return static_cast<Position>(turns_.size()); }
  void wait_for(Position turn) const;

  std::vector<Turn> turns_;
  std::unique_ptr<std::atomic<bool>[]> done_;  // [turns]
  std::atomic<Position> next_{0};
};

}  // namespace wf
