// What ranks tell each other, and what is found of ratings that they have between them: on threads.
#include "host/ranks/ranks.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/ranks/shared_error.hpp"
#include "host/ratings/shared_ids.hpp"
#include "host/ratings/split.hpp"
#include "host/ratings/value_facts.hpp"
#include "tests/support/thread_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace wf {
namespace {

using test::on_ranks;

TEST(Ranks, SumTheLargestAndWhetherAny) {
  for (const int size : {1, 2, 3, 7}) {
    on_ranks(size, [&](Ranks& ranks) {
      HostBuffer<std::int64_t> values(2);
      values[0] = ranks.rank();
      values[1] = 1;
      ranks.sum(values.span());
      EXPECT_EQ(values[0], size * (size - 1) / 2);
      EXPECT_EQ(values[1], size);
      HostBuffer<double> largest(2);
      largest[0] = -ranks.rank();
      largest[1] = ranks.rank();
      ranks.most(largest.span());
      EXPECT_EQ(largest[0], 0);
      EXPECT_EQ(largest[1], size - 1);
      EXPECT_EQ(ranks.sum(2), 2 * size);
      EXPECT_TRUE(ranks.any(ranks.rank() == size - 1));
      EXPECT_FALSE(ranks.any(false));
    });
  }
}

/// Rank a has a + b values 10 a + b for rank b: none for itself where it is 0.
TEST(Ranks, ExchangeAndGather) {
  for (const int size : {1, 2, 4}) {
    on_ranks(size, [&](Ranks& ranks) {
      std::vector<HostBuffer<int>> to;
      to.reserve(static_cast<std::size_t>(size));
      for (int b = 0; b < size; ++b) to.emplace_back(ranks.rank() + b, 10 * ranks.rank() + b);
      const std::vector<HostBuffer<int>> from = ranks.exchange(to);
      for (int a = 0; a < size; ++a) {
        const HostBuffer<int>& part = from[static_cast<std::size_t>(a)];
        ASSERT_EQ(part.size(), a + ranks.rank());
        for (const int value : part) EXPECT_EQ(value, 10 * a + ranks.rank());
      }
      const HostBuffer<int> mine(ranks.rank(), ranks.rank());
      const HostBuffer<int> all = ranks.gather(mine.span());
      std::vector<int> expected;
      for (int r = 0; r < size; ++r) expected.insert(expected.end(), static_cast<std::size_t>(r), r);
      EXPECT_EQ(std::vector<int>(all.begin(), all.end()), expected);
      int said = ranks.rank() == size - 1 ? 42 : 0;
      ranks.broadcast(size - 1, Span<int, Host>{&said, 1});
      EXPECT_EQ(said, 42);
    });
  }
}

TEST(Ranks, HaveTheTextOfOneOfThem) {
  on_ranks(3, [&](Ranks& ranks) {
    const std::string mine(static_cast<std::size_t>(ranks.rank()) * 3, 'x');
    EXPECT_EQ(ranks.broadcast(2, mine), "xxxxxx");
    EXPECT_EQ(ranks.broadcast(0, mine), "");
  });
}

TEST(Ranks, ThrowTheErrorOfTheFirstThatHasOne) {
  std::atomic<int> told{0};
  on_ranks(4, [&](Ranks& ranks) {
    throw_first(ranks, std::nullopt);
    try {
      on_all(ranks, [&] {
        if (ranks.rank() == 3) throw UsageError("the last's");
        if (ranks.rank() == 1) throw InputError(Place{"file", 3}, "is bad", "mend it");
      });
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_STREQ(error.what(), "file:3: is bad (mend it)");
      EXPECT_EQ(error.cure(), "mend it");
      ++told;
    }
  });
  EXPECT_EQ(told, 4);
}

TEST(Ranks, WhoWaitsForARankThatIsGoneIsTold) {
  std::atomic<int> told{0};
  const auto f = [&](Ranks& ranks) {
    if (ranks.rank() == 1) throw UsageError("gone");
    try {
      ranks.sum(1);
    } catch (const FailedError&) {
      ++told;
    }
  };
  EXPECT_THROW(on_ranks(3, f), UsageError);
  EXPECT_EQ(told, 2);
}

TEST(Ranks, AloneHasNobodyToWaitFor) {
  Ranks& alone = Ranks::alone();
  EXPECT_TRUE(alone.is_alone());
  EXPECT_EQ(alone.sum(5), 5);
  const HostBuffer<float> values(3, 1.5F);
  EXPECT_EQ(alone.gather(values.span()).size(), 3);
}

/// The part of the ratings that a rank has: uneven ones, and none for the third.
RatingsView<Host> part_of(const Ratings& all, const Ranks& ranks) {
  const Position weights[] = {3, 1, 0, 5, 2, 2, 1};
  const Position total = std::accumulate(weights, weights + ranks.size(), Position{0});
  const Position before = std::accumulate(weights, weights + ranks.rank(), Position{0});
  if (total == 0) return {};
  const Position begin = all.size() * before / total;
  return all.view().part(begin, all.size() * (before + weights[ranks.rank()]) / total - begin);
}

Ratings some_ratings(Position n, RowId n_users, RowId n_items) {
  Ratings ratings;
  for (Position i = 0; i < n; ++i) {
    const RandomBits bits = random_bits(7, Purpose::synthetic, static_cast<std::uint64_t>(i));
    ratings.push_back(static_cast<RowId>(bits.word[0] % static_cast<std::uint32_t>(n_users)),
                      static_cast<RowId>(bits.word[1] % static_cast<std::uint32_t>(n_items)),
                      static_cast<float>(bits.word[2] % 1000) / 77.0F);
  }
  return ratings;
}

/// 5,000 ids from -700 to 699, a part on each rank, and then one more that is none, on one rank.
TEST(RatingsOfRanks, IdsHaveTheRowsOfOneProcess) {
  std::vector<std::string> ids;
  for (std::uint64_t n = 0; n < 5000; ++n) {
    ids.push_back(std::to_string(static_cast<int>(random_bits(5, Purpose::synthetic, n).word[0] % 1400) - 700));
  }
  for (const bool texts : {false, true}) {
    if (texts) ids[2000] = "012";
    IdMap whole;
    std::vector<RowId> expected;
    for (const std::string& id : ids) expected.push_back(whole.insert(id));
    for (const int size : {1, 2, 5}) {
      on_ranks(size, [&](Ranks& ranks) {
        const std::size_t begin = ids.size() * static_cast<std::size_t>(ranks.rank()) / static_cast<std::size_t>(size);
        const std::size_t end =
            ids.size() * static_cast<std::size_t>(ranks.rank() + 1) / static_cast<std::size_t>(size);
        IdMap mine;
        HostBuffer<RowId> rows;
        for (std::size_t n = begin; n < end; ++n) rows.push_back(mine.insert(ids[n]));
        share_ids(ranks, mine, 0, rows.span());
        EXPECT_TRUE(std::equal(rows.begin(), rows.end(), expected.begin() + static_cast<std::ptrdiff_t>(begin)));
        ASSERT_EQ(mine.size(), whole.size());
        EXPECT_EQ(mine.kind(), texts ? IdKind::strings : IdKind::integers);
        for (RowId row = 0; row < mine.size(); ++row) ASSERT_EQ(mine.text(row), whole.text(row));
      });
    }
  }
}

/// To the bit what one process finds.
TEST(RatingsOfRanks, FactsCountsBaselinesAndWhatIsHeldOut) {
  const Ratings all = some_ratings(5000, 60, 40);
  ThreadPool one(1);
  const RatingsInMemory source(all.view());
  const ValueFacts facts = facts_of(source, 1);
  const RowCounts counts = row_counts(source, 60, 40, one);
  const BiasBaseline baseline = fit_biases(source, 60, 40, kBiasPenalty, 1);
  const ErrorSums errors = baseline.errors(all.view(), 1), mean_errors = baseline.mean_errors(all.view(), 1);
  const HeldOut held_out(source, 0.1, 3, one);
  for (const int size : {1, 2, 4, 7}) {
    on_ranks(size, [&](Ranks& ranks) {
      ThreadPool pool(2);
      const RatingsView<Host> mine = part_of(all, ranks);
      const RatingsInMemory part(mine, ranks);
      EXPECT_EQ(part.total(), 5000);
      EXPECT_EQ(mean_of(mine.value, pool, ranks), mean_of(all.view().value, one));
      EXPECT_NEAR(mean_of(mine.value, pool, ranks), facts.mean, 1e-11);
      const ValueFacts found = facts_of(part, 2);
      EXPECT_EQ(found.count, facts.count);
      EXPECT_EQ(found.mean, facts.mean);
      EXPECT_EQ(found.deviation, facts.deviation);
      EXPECT_EQ(found.least, facts.least);
      EXPECT_EQ(found.most, facts.most);
      const RowCounts rows = row_counts(part, 60, 40, pool);
      EXPECT_TRUE(std::equal(rows.user.begin(), rows.user.end(), counts.user.begin()));
      EXPECT_TRUE(std::equal(rows.item.begin(), rows.item.end(), counts.item.begin()));
      const BiasBaseline fitted = fit_biases(part, 60, 40, kBiasPenalty, 2);
      EXPECT_TRUE(std::equal(fitted.user_bias.begin(), fitted.user_bias.end(), baseline.user_bias.begin()));
      EXPECT_TRUE(std::equal(fitted.item_bias.begin(), fitted.item_bias.end(), baseline.item_bias.begin()));
      EXPECT_EQ(fitted.errors(mine, 2, ranks).squared, errors.squared);
      EXPECT_EQ(fitted.mean_errors(mine, 2, ranks).absolute, mean_errors.absolute);
      EXPECT_EQ(fitted.mean_errors(mine, 2, ranks).count, 5000);
      const HeldOut drawn(part, 0.1, 3, pool);
      EXPECT_EQ(ranks.sum(drawn.size()), held_out.size());
      const Position begin = mine.user.data - all.user.data();
      for (Position n = 0; n < mine.size(); ++n) ASSERT_EQ(drawn[n], held_out[begin + n]) << n;
      EXPECT_EQ(SplitPart(part, drawn, SplitPart::Side::train).total(), 5000 - held_out.size());
    });
  }
}

}  // namespace
}  // namespace wf
