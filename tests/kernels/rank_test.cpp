// Losses of pairs: which rows are drawn, a step by hand, against the reference, and the same bits however it is run.
#include "host/cpu/cpu.hpp"
#include "host/kernels/rank_rules.hpp"
#include "host/reference/reference.hpp"
#include "tests/kernels/problems.hpp"
#if defined(WF_TEST_CUDA)
#include "tests/kernels/cuda_on_host.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

constexpr Position kUsers = 30, kItems = 60, kRatings = 300;

PositiveLists lists_of(const Ratings& ratings, Loss loss, Position n_users, Position n_items) {
  ThreadPool pool(1);
  const RatingsView<Host> view = ratings.view();
  return anchors_items(loss) ? positive_lists(view.item, view.user, n_items, pool)
                             : positive_lists(view.user, view.item, n_users, pool);
}

std::vector<RowId> list_of(const PositiveLists& lists, Position row) {
  return {lists.partners.data() + lists.starts[row], lists.partners.data() + lists.starts[row + 1]};
}

TEST(PositiveLists, AreSortedAndHaveEachPartnerOnce) {
  const Ratings ratings = ratings_of({{2, 5, 1}, {0, 3, 1}, {2, 1, 1}, {2, 5, 4}, {0, 2, 1}});
  const PositiveLists by_user = lists_of(ratings, Loss::bpr, 4, 6);
  EXPECT_THAT(list_of(by_user, 0), ElementsAre(2, 3));
  EXPECT_THAT(list_of(by_user, 1), ElementsAre());
  EXPECT_THAT(list_of(by_user, 2), ElementsAre(1, 5));
  EXPECT_THAT(list_of(by_user, 3), ElementsAre());
  EXPECT_EQ(by_user.partners.size(), 4);
  EXPECT_THAT(list_of(lists_of(ratings, Loss::bpr_item, 4, 6), 5), ElementsAre(2));
}

TEST(Unrated, CountsThroughTheRangeAroundWhatIsRated) {
  const Ratings ratings = random_ratings(kRatings, kUsers, kItems, 3);
  const PositiveLists lists = lists_of(ratings, Loss::bpr, kUsers, kItems);
  for (const RowRange range : {RowRange{0, kItems}, RowRange{7, 31}, RowRange{59, kItems}, RowRange{5, 5}}) {
    for (RowId user = 0; user < kUsers; ++user) {
      const std::vector<RowId> rated = list_of(lists, user);
      std::vector<RowId> expected, actual;
      for (RowId item = range.begin; item < range.end; ++item) {
        if (!std::binary_search(rated.begin(), rated.end(), item)) expected.push_back(item);
      }
      const Unrated unrated(lists.view(), user, range);
      for (Position place = 0; place < unrated.count; ++place) actual.push_back(unrated[place]);
      EXPECT_EQ(actual, expected) << "user " << user << " in " << range.begin << " to " << range.end;
    }
  }
}

TEST(NegativeDraws, AreAFunctionOfSeedEpochBlockPlaceAndDraw) {
  const Ratings ratings = ratings_of({{0, 1, 1}});
  const PositiveLists lists = lists_of(ratings, Loss::bpr, 1, 1 << 20);
  const Unrated unrated(lists.view(), 0, {0, 1 << 20});
  const NegativeDraws draws{7, 3, 5};
  EXPECT_EQ(draws(unrated, 11, 2), (NegativeDraws{7, 3, 5}(unrated, 11, 2)));
  const std::set<RowId> all{draws(unrated, 11, 2),
                            draws(unrated, 11, 3),
                            draws(unrated, 11, 0),
                            draws(unrated, 12, 2),
                            NegativeDraws{8, 3, 5}(unrated, 11, 2),
                            NegativeDraws{7, 4, 5}(unrated, 11, 2),
                            NegativeDraws{7, 3, 6}(unrated, 11, 2)};
  EXPECT_EQ(all.size(), 7U);
}

TEST(NegativeDraws, ComeToAllUnratedRowsAlike) {
  const Ratings ratings = ratings_of({{0, 1, 1}, {0, 4, 1}});
  const PositiveLists lists = lists_of(ratings, Loss::bpr, 1, 6);
  const Unrated unrated(lists.view(), 0, {0, 6});
  std::vector<int> drawn(6, 0);
  constexpr int kDraws = 4000;
  for (int n = 0; n < kDraws; ++n) ++drawn[static_cast<std::size_t>(NegativeDraws{1, 1, 0}(unrated, n, 0))];
  EXPECT_EQ(drawn[1] + drawn[4], 0);
  for (const int item : {0, 2, 3, 5}) {  // 1000 with a deviation of 27: five of them
    EXPECT_NEAR(drawn[static_cast<std::size_t>(item)], kDraws / 4, 137) << item;
  }
}

TEST(PairLosses, SlopesAreTheDerivativesOfTheValues) {
  for (const Loss loss : {Loss::bpr, Loss::bpr_item, Loss::warp}) {
    for (const double difference : {-30.0, -1.5, 0.0, 0.7, 1.3, 30.0}) {
      const double h = 1e-6;
      const double numeric = (pair_loss(loss, difference + h).value - pair_loss(loss, difference - h).value) / (2 * h);
      EXPECT_NEAR(pair_loss(loss, difference).slope, numeric, 1e-6) << static_cast<int>(loss) << ' ' << difference;
    }
  }
}

TEST(RankWeight, IsTheHarmonicNumberOfTheEstimatedRank) {
  double harmonic = 0;
  for (int rank = 1; rank <= 1000; ++rank) {
    harmonic += 1.0 / rank;
    EXPECT_NEAR(rank_weight(rank, 1), harmonic, 0.0062 * harmonic) << rank;
  }
  EXPECT_EQ(rank_weight(100, 7), rank_weight(14, 1)) << "100 / 7, rounded down";
  EXPECT_EQ(rank_weight(3, 10), rank_weight(1, 1)) << "never below the first rank";
}

/// What a step may be asked for.
struct RankCase {
  const char* name;
  SgdSettings settings;
  bool biases = true;
};

std::vector<RankCase> rank_cases() {
  const auto with = [](SgdSettings settings, const auto& change) {
    change(settings);
    return settings;
  };
  const SgdSettings bpr{
      .loss = Loss::bpr, .lr = 0.05F, .lambda_user = 0.05F, .lambda_item = 0.02F, .seed = 9, .epoch = 2};
  const SgdSettings adagrad = with(bpr, [](SgdSettings& s) { s.adagrad = true, s.bias_rate = 0.25F; });
  const SgdSettings warp = with(bpr, [](SgdSettings& s) { s.loss = Loss::warp, s.negatives = 5, s.lr = 0.02F; });
  return {
      {"Bpr", bpr},
      {"BprWithoutBiases", bpr, false},
      {"BprItem", with(bpr, [](SgdSettings& s) { s.loss = Loss::bpr_item; })},
      {"BprL1", with(bpr, [](SgdSettings& s) { s.l1_user = 0.1F, s.l1_item = 0.05F; })},
      {"BprNonnegative", with(bpr, [](SgdSettings& s) { s.nonnegative = true; })},
      {"BprAdagrad", adagrad},
      {"BprItemAdagrad", with(adagrad, [](SgdSettings& s) { s.loss = Loss::bpr_item; })},
      {"BprAdagradSlowOnly", with(adagrad, [](SgdSettings& s) { s.slow_only = true; })},
      {"BprAdagradL1", with(adagrad, [](SgdSettings& s) { s.l1_user = 0.1F, s.l1_item = 0.05F; })},
      {"Warp", warp},
      {"WarpAdagrad", with(warp, [](SgdSettings& s) { s.adagrad = true, s.bias_rate = 0.25F; })},
  };
}

/// Tables, records and penalties of one training.
class RankRun {
 public:
  RankRun(int rank, const RankCase& c, int padding)
      : tables_(kUsers, kItems, rank, 23, 1 / std::sqrt(static_cast<float>(rank))),
        padding_(padding),
        settings_(c.settings),
        biases_(c.biases) {
    settings_.slow_share = 1 / static_cast<float>(slow_factors(rank));
    settings_.fast_share = rank > kSlowFactors ? 1 / static_cast<float>(rank - kSlowFactors) : 0;
  }

  /// All ratings; everything that has changed, and the sums.
  template <class Kernels>
  std::vector<float> result(Kernels& kernels) {
    const Ratings ratings = random_ratings(kRatings, kUsers, kItems, 5);
    const PositiveLists positives = lists_of(ratings, settings_.loss, kUsers, kItems);
    const HostBuffer<float> user_penalties(kUsers, 0.01F), item_penalties(kItems, 0.02F);
    RecordTables4 rows(tables_, biases_, Kernels::padded_rank(tables_.user_factors.view().rank), 1, padding_);
    for (Position r = 0; r < kUsers; ++r) rows.user_record(r)[kBiasShare] = 0.5F;
    for (Position r = 0; r < kItems; ++r) rows.item_record(r)[kBiasShare] = 0.25F;
    for (Block block : blocks_in_order(kRatings)) {
      block.users = {0, kUsers};
      block.items = {0, kItems};
      block.item_range = static_cast<int>(block.begin % kMaxGrid);  // draws differ from block to block
      kernels.rank_update(rows.view(), ratings.view(), {&block, 1}, settings_,
                          {user_penalties.span(), item_penalties.span(), {}, {}}, positives.view());
    }
    rows.bring_back();
    std::vector<float> all = tables_.values();
    for (Position r = 0; r < kUsers; ++r) append_sums(all, rows.user_record(r));
    for (Position r = 0; r < kItems; ++r) append_sums(all, rows.item_record(r));
    const ErrorSums sums = kernels.take_errors();
    all.push_back(static_cast<float>(sums.loss) / kRatings);
    all.push_back(static_cast<float>(sums.absolute));
    all.push_back(static_cast<float>(sums.count));
    return all;
  }

 private:
  static void append_sums(std::vector<float>& all, const float* record) {
    all.push_back(record[kSlowSum]);
    all.push_back(record[kFastSum]);
  }

  Tables4 tables_;
  int padding_;
  SgdSettings settings_;
  bool biases_;
};

class Rank : public testing::TestWithParam<RankCase> {};

/// Ranks with code of their own, on the cpu and on the device, and their neighbours.
const std::vector<int> kRanks{1, 7, 8, 9, 31, 32, 33, 64, 72, 100, 128, 200};

/// As in sgd_test.cpp; a row has 20 to 30 steps, and a weight of up to 5 with warp.
double error_bound(int rank) {
  return 4 * 5 * 2 * 20 * rounding(rank, 1);
}

TEST_P(Rank, EqualsTheReference) {
  Reference reference;
#if defined(WF_TEST_CUDA)
  CudaOnHost<Order::racing> racing;
  CudaOnHost<Order::repeatable> kernels;
#else
  Cpu kernels(2);
#endif
  for (const int rank : kRanks) {
    for (const int padding : {0, 3}) {
      SCOPED_TRACE(std::to_string(rank) + " and " + std::to_string(padding));
      const std::vector<float> expected = RankRun(rank, GetParam(), padding).result(reference);
      EXPECT_LE(largest_difference(RankRun(rank, GetParam(), padding).result(kernels), expected), error_bound(rank));
#if defined(WF_TEST_CUDA)
      EXPECT_LE(largest_difference(RankRun(rank, GetParam(), padding).result(racing), expected), error_bound(rank));
#endif
    }
  }
}

#if !defined(WF_TEST_CUDA)
TEST_P(Rank, PortableCodeEqualsTheReference) {
  Reference reference;
  Cpu kernels(1, Simd::portable);
  for (const int rank : kRanks) {
    EXPECT_LE(largest_difference(RankRun(rank, GetParam(), 0).result(kernels),
                                 RankRun(rank, GetParam(), 0).result(reference)),
              error_bound(rank));
  }
}

TEST_P(Rank, HasTheSameBitsOnEveryInstructionSetThatFuses) {
  for (const int rank : kRanks) {
    Cpu fastest(1);
    const std::vector<float> expected = RankRun(rank, GetParam(), 0).result(fastest);
    for (const Simd simd : usable_simd()) {
      if (!fuses(simd)) continue;
      for (const int padding : {0, 3}) {  // with a pitch of its own a rank takes the code for any rank
        Cpu kernels(1, simd);
        EXPECT_EQ(RankRun(rank, GetParam(), padding).result(kernels), expected) << rank << ' ' << name_of(simd);
      }
    }
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Cases, Rank, testing::ValuesIn(rank_cases()),
                         [](const auto& test) { return test.param.name; });

template <class Kernels>
class RankUpdate : public testing::Test {
 protected:
  /// A user who has rated item 0 of two, so that item 1 is the negative: <p, q - r> = 1 * 1 + 2 * 0.5 = 2.
  std::vector<float> step(const SgdSettings& settings, bool biases, float bias_of_negative = 1.5F) {
    Tables4 tables(1, 2, 2, 0);
    tables.user_factors = Table{{1, 2}};
    tables.item_factors = Table{{2, 0.5F}, {1, 0}};
    tables.item_biases = Table{{0.5F}, {bias_of_negative}};
    const Ratings ratings = ratings_of({{0, 0, 1}});
    const PositiveLists positives = lists_of(ratings, settings.loss, 1, 2);
    const Block block{.begin = 0, .end = 1, .users = {0, 1}, .items = {0, 2}};
    RecordTables4 rows(tables, biases, Kernels::padded_rank(2));
    kernels_.rank_update(rows.view(), ratings.view(), {&block, 1}, settings, {}, positives.view());
    rows.bring_back();
    sums_ = kernels_.take_errors();
    std::vector<float> all = tables.user_factors.values();
    for (const float value : tables.item_factors.values()) all.push_back(value);
    for (const float value : tables.item_biases.values()) all.push_back(value);
    return all;
  }

  Kernels kernels_;
  ErrorSums sums_;
};

#if defined(WF_TEST_CUDA)
using Engines = testing::Types<CudaOnHost<Order::racing>, CudaOnHost<Order::repeatable>>;
#else
using Engines = testing::Types<Reference, Cpu>;
#endif
TYPED_TEST_SUITE(RankUpdate, Engines);

TYPED_TEST(RankUpdate, StepsATripleOfBprAsComputedByHand) {
  const SgdSettings settings{.loss = Loss::bpr, .lr = 0.5F, .lambda_user = 0.1F, .lambda_item = 0.2F};
  // difference 2 + 0.5 - 1.5 = 1; err = 1 / (1 + e) / 2
  const float take = 0.5F / (1 + std::exp(1.0F)) / 2;
  const float p0 = 0.95F + take, p1 = 1.9F + 0.5F * take;
  EXPECT_THAT(this->step(settings, true),
              Pointwise(FloatNear(1e-6F),
                        {p0, p1, 1.8F + take, 0.45F + 2 * take, 0.9F - take, -2 * take, 0.5F + take, 1.5F - take}));
  EXPECT_NEAR(this->sums_.loss, std::log(1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(this->sums_.absolute, 0) << "the order is right";
  EXPECT_EQ(this->sums_.count, 1);
}

TYPED_TEST(RankUpdate, StepsATripleOfWarpAsComputedByHand) {
  const SgdSettings settings{.loss = Loss::warp, .lr = 0.5F, .negatives = 3};
  const std::vector<float> before{1, 2, 2, 0.5F, 1, 0, 0.5F, 1.5F};
  EXPECT_THAT(this->step(settings, false), Pointwise(FloatNear(0), before)) << "a difference of 2 violates no margin";
  EXPECT_EQ(this->sums_.loss, 0);
  EXPECT_EQ(this->sums_.count, 1);
  SgdSettings tight = settings;
  tight.negatives = 1;
  EXPECT_THAT(this->step(tight, true), Pointwise(FloatNear(0), before)) << "nor does one of 1";
  // one of 0.75 does: all three draws are of the one item that there is, whose rank is the first
  const float weight = rank_weight(1, 1), take = 0.5F * weight / 2;
  EXPECT_THAT(this->step(settings, true, 1.75F),
              Pointwise(FloatNear(1e-6F), {1 + take, 2 + 0.5F * take, 2 + take, 0.5F + 2 * take, 1 - take, -2 * take,
                                           0.5F + take, 1.75F - take}));
  EXPECT_NEAR(this->sums_.loss, 0.25F * weight, 1e-6);
}

TYPED_TEST(RankUpdate, SkipsAndCountsWhoeverHasEverything) {
  Tables4 tables(2, 2, 9, 4);
  const std::vector<float> before = tables.values();
  const Ratings ratings = ratings_of({{0, 0, 1}, {0, 1, 1}, {1, 1, 1}});
  const PositiveLists positives = lists_of(ratings, Loss::bpr, 2, 2);
  const SgdSettings settings{.loss = Loss::bpr, .lr = 0.5F};
  const auto update = [&](Position end, RowRange items) {
    const Block block{.begin = 0, .end = end, .users = {0, 2}, .items = items};
    RecordTables4 rows(tables, true, TypeParam::padded_rank(9));
    this->kernels_.rank_update(rows.view(), ratings.view(), {&block, 1}, settings, {}, positives.view());
    rows.bring_back();
    return this->kernels_.take_errors();
  };
  ErrorSums sums = update(2, {0, 2});
  EXPECT_EQ(sums.skipped, 2) << "user 0 has both items";
  EXPECT_EQ(sums.count, 0);
  EXPECT_EQ(tables.values(), before);
  sums = update(3, {0, 2});
  EXPECT_EQ(sums.skipped, 2);
  EXPECT_EQ(sums.count, 1) << "user 1 has one";
  EXPECT_NE(tables.values(), before);
  sums = update(3, {1, 2});
  EXPECT_EQ(sums.skipped, 3) << "and nothing else in a range of one item";
}

TYPED_TEST(RankUpdate, IsRepeatableOnAnyNumberOfBlocksAtATime) {
  constexpr int kRange = 20;  // users 0 .. 9 with items 0 .. 19, ...
  Ratings ratings;
  std::vector<Block> blocks;
  for (int g = 0; g < 3; ++g) {
    const Position begin = ratings.size();
    const Ratings part = random_ratings(30, 10, kRange, 40 + static_cast<std::uint64_t>(g));
    for (Position n = 0; n < part.size(); ++n) {
      ratings.push_back(part.user[n] + 10 * g, part.item[n] + kRange * g, 1);
    }
    blocks.push_back({begin, ratings.size(), g, g, {10 * g, 10 * g + 10}, {kRange * g, kRange * g + kRange}});
  }
  const PositiveLists positives = lists_of(ratings, Loss::bpr, kUsers, kItems);
  const SgdSettings settings{.loss = Loss::bpr, .lr = 0.1F, .seed = 3, .ratings = ratings.size(), .ranges = 3};
  const auto values = [&](const std::vector<std::vector<Block>>& calls) {
    Tables4 tables(kUsers, kItems, 33, 8);
    RecordTables4 rows(tables, true, TypeParam::padded_rank(33));
    for (const std::vector<Block>& call : calls) {
      this->kernels_.rank_update(rows.view(), ratings.view(), {call.data(), static_cast<Position>(call.size())},
                                 settings, {}, positives.view());
    }
    rows.bring_back();
    return tables.values();
  };
  const std::vector<float> together = values({blocks});
  EXPECT_EQ(together, values({{blocks[0]}, {blocks[1]}, {blocks[2]}}));
  EXPECT_EQ(together, values({{blocks[2], blocks[0]}, {blocks[1]}}));
}

}  // namespace
}  // namespace wf::test
