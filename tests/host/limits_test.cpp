// Limits (docs/limits.md). Every rank from 1 to the largest goes through every algorithm and engine of the host: a
// model comes of it, or its limit is said. Ratings are few, so that what is tried is the shape of the loops and not
// their speed. Counts beyond 32 bits go through the arithmetic here, and through the kernels in tests/large/.
#include "host/library/warpfactor.hpp"
#include "host/pages/page_format.hpp"
#include "host/train/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace wf::test {
namespace {

struct RankCase {
  std::string algorithm, engine;
  warpfactor::Settings more;
  int most;  ///< of the ranks that are tried: a solver of k^3 steps a row takes seconds beyond
};

void PrintTo(const RankCase& value, std::ostream* out) {
  *out << value.algorithm << " on " << value.engine;
}

class EveryRank : public testing::TestWithParam<RankCase> {};

warpfactor::Ratings few_ratings() {
  warpfactor::Ratings ratings;
  for (int u = 0; u < 6; ++u) {
    for (int i = 0; i < 5; ++i) {
      if ((u * 3 + i) % 4 != 0)
        ratings.add("u" + std::to_string(u), "i" + std::to_string(i), static_cast<float>(1 + (u + i) % 5));
    }
  }
  return ratings;
}

std::vector<int> tried_ranks(int most) {
  std::vector<int> ranks;
  for (int rank = 1; rank <= 17; ++rank) ranks.push_back(rank);
  for (const int rank : {31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 513, 1000, 2047, 4095, 4096}) {
    if (rank <= most) ranks.push_back(rank);
  }
  return ranks;
}

TEST_P(EveryRank, GivesAModelOrSaysItsLimit) {
  const warpfactor::Ratings ratings = few_ratings();
  for (const int rank : tried_ranks(GetParam().most)) {
    warpfactor::Settings settings{{"rank", rank}, {"algorithm", GetParam().algorithm}, {"engine", GetParam().engine}};
    settings.insert(GetParam().more.begin(), GetParam().more.end());
    try {
      const auto model = warpfactor::Model::train(ratings, settings);
      ASSERT_EQ(model.rank(), rank);
      for (int u = 0; u < 6; ++u) {
        for (int i = 0; i < 5; ++i) {
          ASSERT_TRUE(std::isfinite(model.predict("u" + std::to_string(u), "i" + std::to_string(i)))) << rank;
        }
      }
    } catch (const warpfactor::Error& error) {  // a decomposition has no more vectors than the matrix has rows
      ASSERT_THAT(std::string(error.what()), testing::HasSubstr("rank"));
      ASSERT_GT(rank, 5) << error.what();
      ASSERT_THAT(GetParam().algorithm, testing::AnyOf("svd", "pca")) << rank << ": " << error.what();
    }
  }
}

constexpr int kAnyRank = 4096, kCubic = 257;
const warpfactor::Settings kOneEpoch{{"epochs", 1}};
INSTANTIATE_TEST_SUITE_P(
    Host, EveryRank,
    testing::Values(RankCase{"sgd", "reference", kOneEpoch, kAnyRank}, RankCase{"sgd", "cpu", kOneEpoch, kAnyRank},
                    RankCase{"sgd", "reference", {{"epochs", 1}, {"batch-size", 4}}, kAnyRank},
                    RankCase{"sgd", "cpu", {{"epochs", 1}, {"batch-size", 4}}, kAnyRank},
                    RankCase{"sgd", "reference", {{"epochs", 1}, {"loss", "bpr"}}, kAnyRank},
                    RankCase{"sgd", "cpu", {{"epochs", 1}, {"loss", "bpr"}}, kAnyRank},
                    RankCase{"als", "reference", kOneEpoch, kCubic}, RankCase{"als", "cpu", kOneEpoch, kAnyRank},
                    RankCase{"ials", "reference", kOneEpoch, kCubic}, RankCase{"ials", "cpu", kOneEpoch, 1000},
                    RankCase{"nmf", "reference", kOneEpoch, kAnyRank}, RankCase{"nmf", "cpu", kOneEpoch, kAnyRank},
                    RankCase{"gd", "reference", kOneEpoch, kAnyRank}, RankCase{"gd", "cpu", kOneEpoch, kAnyRank},
                    RankCase{"ccd", "reference", kOneEpoch, kAnyRank}, RankCase{"ccd", "cpu", kOneEpoch, kAnyRank},
                    RankCase{"svd", "reference", {}, kAnyRank}, RankCase{"svd", "cpu", {}, kAnyRank},
                    RankCase{"pca", "reference", {}, kAnyRank}, RankCase{"pca", "cpu", {}, kAnyRank}));

TEST(RankLimit, IsSaid) {
  for (const int rank : {0, -1, 4097}) {
    try {
      warpfactor::Model::train(few_ratings(), {{"rank", rank}});
      FAIL() << rank;
    } catch (const warpfactor::Error& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("rank"), testing::HasSubstr("4096")));
    }
  }
}

TEST(BatchLimit, IsSaid) {
  try {
    warpfactor::Model::train(few_ratings(), {{"batch-size", 2147483648.0}});
    FAIL();
  } catch (const warpfactor::Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("batch-size"), testing::HasSubstr("2147483647")));
  }
}

TEST(LargeCounts, PagesAreLaidOutIn64Bits) {
  constexpr Position kRatings = Position{1} << 33, kSegments = Position{1} << 31;
  const PageShape page(kRatings, kSegments, 4);
  EXPECT_EQ(page.counts, Position{1} << 33);
  EXPECT_EQ(page.items, Position{1} << 34);
  EXPECT_EQ(page.values, (Position{1} << 34) + (Position{1} << 35));
  EXPECT_EQ(page.bytes, (Position{1} << 34) + (Position{1} << 36));
}

TEST(LargeCounts, MemoryIsPlannedIn64Bits) {
  const TrainingSize size{
      .n_users = kMaxRows, .n_items = kMaxRows, .rank = kMaxRank, .biases = true, .n_train = Position{1} << 40};
  const MemoryPlan plan = plan_memory(size, {}, [](const TrainingSize&, Position) { return Position{0}; });
  const Position factors = 2 * kMaxRows * kMaxRank * Position{sizeof(float)}, ratings = 12 * size.n_train;
  EXPECT_GE(plan.total(), factors + ratings);
  EXPECT_LT(plan.total(), 8 * (factors + ratings)) << "nothing has wrapped";
  for (const MemoryPlan::Part& part : plan.parts) EXPECT_GT(part.bytes, 0) << part.name;
}

}  // namespace
}  // namespace wf::test
