// Blocks that several threads take in turn: each once, those of one range in the order of the list.
#include "host/schedule/block_turns.hpp"
#include "host/schedule/block_grid.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace wf::test {
namespace {

Span<const Block, Host> list_of(const std::vector<Block>& blocks) {
  return {blocks.data(), static_cast<Position>(blocks.size())};
}

/// Which blocks had begun and which were done when a block began.
class Journal {
 public:
  explicit Journal(const std::vector<Block>& blocks) : blocks_(blocks), done_(blocks.size()) {
    for (auto& count : done_) count = 0;
  }

  void take(Position place) {
    const auto at = static_cast<std::size_t>(place);
    for (std::size_t before = 0; before < at; ++before) {
      const bool shared =
          blocks_[before].user_range == blocks_[at].user_range || blocks_[before].item_range == blocks_[at].item_range;
      if (shared && done_[before].load() != 1) ++too_early_;
    }
    ++done_[at];
  }
  bool each_once() const {
    return std::all_of(done_.begin(), done_.end(), [](const auto& count) { return count == 1; });
  }
  int too_early() const { return too_early_; }

 private:
  const std::vector<Block>& blocks_;
  std::vector<std::atomic<int>> done_;
  std::atomic<int> too_early_{0};
};

void expect_in_order(const std::vector<Block>& blocks, int threads) {
  ThreadPool pool(threads);
  Journal journal(blocks);
  BlockTurns(list_of(blocks)).run(pool, [&](Position place) { journal.take(place); });
  EXPECT_TRUE(journal.each_once());
  EXPECT_EQ(journal.too_early(), 0);
}

std::vector<Block> random_list(Position count, std::uint32_t ranges, std::uint64_t seed) {
  std::vector<Block> blocks;
  for (Position n = 0; n < count; ++n) {
    const RandomBits bits = random_bits(seed, Purpose::synthetic, static_cast<std::uint64_t>(n));
    blocks.push_back({n, n + 1, static_cast<int>(bits.word[0] % ranges), static_cast<int>(bits.word[1] % ranges)});
  }
  return blocks;
}

TEST(BlockTurns, KeepTheOrderOfEveryRange) {
  for (const int threads : {1, 2, 3, 8}) {
    for (const std::uint32_t ranges : {1U, 2U, 7U, 100U}) {
      SCOPED_TRACE(std::to_string(threads) + " threads, ranges: " + std::to_string(ranges));
      expect_in_order(random_list(400, ranges, ranges), threads);
    }
    expect_in_order({}, threads);
  }
}

TEST(BlockTurns, KeepTheOrderOfAGridsStrata) {
  ThreadPool pool(2);
  const Ratings ratings = random_ratings(5000, 300, 200, 7);
  BlockGrid grid(pool, RatingsInMemory(ratings.view()), {300, 200, 8, Shuffle::epoch, 3});
  for (int epoch = 1; epoch <= 5; ++epoch) {
    grid.start_epoch(epoch);
    std::vector<Block> blocks;
    for (int s = 0; s < grid.size(); ++s) {
      const auto stratum = grid.stratum(s);
      blocks.insert(blocks.end(), stratum.begin(), stratum.end());
    }
    for (const int threads : {1, 2, 3, 8}) expect_in_order(blocks, threads);
  }
}

TEST(BlockTurns, AnErrorReachesTheCallerAndHoldsNobodyUp) {
  const std::vector<Block> blocks = random_list(200, 3, 1);
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    std::atomic<int> taken{0};
    const auto fail_once = [&](Position place) {
      ++taken;
      if (place == 20) throw std::runtime_error("block 20");
    };
    EXPECT_THROW(BlockTurns(list_of(blocks)).run(pool, fail_once), std::runtime_error);
    EXPECT_GE(taken, 1);
  }
}

}  // namespace
}  // namespace wf::test
