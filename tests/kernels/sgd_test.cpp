// Per-rating SGD and row_adagrad: by hand, against the reference, and the same bits on every instruction set.
#include "host/cpu/cpu.hpp"
#include "host/reference/reference.hpp"
#include "tests/kernels/problems.hpp"
#if defined(WF_TEST_CUDA)
#include "tests/kernels/cuda_on_host.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::FloatNear;
using testing::Pointwise;

constexpr Position kUsers = 20, kItems = 15, kRatings = 300;

/// What a step may be asked for.
struct SgdCase {
  const char* name;
  SgdSettings settings;
  bool biases = true;
};

std::vector<SgdCase> sgd_cases() {
  const SgdSettings plain{.lr = 0.01F, .lambda_user = 0.05F, .lambda_item = 0.02F};
  const auto with = [](SgdSettings settings, const auto& change) {
    change(settings);
    return settings;
  };
  const SgdSettings adagrad = with(plain, [](SgdSettings& s) {
    s.adagrad = true;
    s.lr = 0.05F;
    s.bias_rate = 0.25F;
  });
  return {
      {"Sgd", plain},
      {"SgdWithoutBiases", plain, false},
      {"SgdL1", with(plain, [](SgdSettings& s) { s.l1_user = 0.1F, s.l1_item = 0.05F; })},
      {"SgdNonnegative", with(plain, [](SgdSettings& s) { s.nonnegative = true; })},
      {"SgdHuber", with(plain, [](SgdSettings& s) { s.loss = Loss::huber; })},
      {"SgdBceWithLogits", with(plain, [](SgdSettings& s) { s.loss = Loss::bce_with_logits; })},
      {"SgdKl", with(plain, [](SgdSettings& s) { s.loss = Loss::kl, s.nonnegative = true; })},
      {"SgdLogistic", with(plain, [](SgdSettings& s) { s.loss = Loss::logistic; })},
      {"SgdHinge", with(plain, [](SgdSettings& s) { s.loss = Loss::hinge; })},
      {"SgdSquaredHinge", with(plain, [](SgdSettings& s) { s.loss = Loss::squared_hinge; })},
      {"SgdL1OfItemsAlone", with(plain, [](SgdSettings& s) { s.l1_item = 0.1F; })},
      {"Adagrad", adagrad},
      {"AdagradWithoutBiases", adagrad, false},
      {"AdagradSlowOnly", with(adagrad, [](SgdSettings& s) { s.slow_only = true; })},
      {"AdagradL1", with(adagrad, [](SgdSettings& s) { s.l1_user = 0.1F, s.l1_item = 0.05F; })},
      {"AdagradSlowOnlyL1", with(adagrad, [](SgdSettings& s) { s.slow_only = true, s.l1_user = s.l1_item = 0.2F; })},
      {"AdagradNonnegative", with(adagrad, [](SgdSettings& s) { s.nonnegative = true; })},
      {"AdagradKl", with(adagrad, [](SgdSettings& s) { s.loss = Loss::kl, s.nonnegative = true; })},
      {"AdagradLogistic", with(adagrad, [](SgdSettings& s) { s.loss = Loss::logistic; })},
      {"AdagradSquaredHinge", with(adagrad, [](SgdSettings& s) { s.loss = Loss::squared_hinge; })},
      {"AdagradHuber", with(adagrad, [](SgdSettings& s) { s.loss = Loss::huber; })},
      {"AdagradThatLeavesLittle", with(adagrad, [](SgdSettings& s) { s.lambda_user = s.lambda_item = 12; })}};
}

/// Tables, records and penalties of one training.
class SgdRun {
 public:
  SgdRun(int rank, const SgdCase& c, int padding)
      : tables_(kUsers, kItems, rank, 23, 1 / std::sqrt(static_cast<float>(rank))),
        padding_(padding),
        settings_(c.settings),
        biases_(c.biases) {
    if (settings_.loss == Loss::kl) tables_.global_mean = 3;  // near 0 its slope grows faster than rounding may
    settings_.slow_share = 1 / static_cast<float>(slow_factors(rank));
    settings_.fast_share = rank > kSlowFactors ? 1 / static_cast<float>(rank - kSlowFactors) : 0;
  }

  /// All ratings; everything that has changed.
  template <class Kernels>
  std::vector<float> result(Kernels& kernels) {
    const Ratings ratings = random_ratings(kRatings, kUsers, kItems, 5);
    const int rank = tables_.user_factors.view().rank;
    RecordTables4 rows(tables_, biases_, Kernels::padded_rank(rank), 1, padding_);
    for (Position r = 0; r < kUsers; ++r) rows.user_record(r)[kBiasShare] = 0.5F;
    for (Position r = 0; r < kItems; ++r) rows.item_record(r)[kBiasShare] = 0.25F;
    settle(kernels, rows);
    for (const Block& block : blocks_in_order(kRatings)) {
      kernels.sgd_update(rows.view(), ratings.view(), {&block, 1}, settings_, {});
    }
    settle(kernels, rows);
    rows.bring_back();
    std::vector<float> all = tables_.values();
    for (Position r = 0; r < kUsers; ++r) append_sums(all, rows.user_record(r));
    for (Position r = 0; r < kItems; ++r) append_sums(all, rows.item_record(r));
    return all;
  }

 private:
  template <class Kernels>
  void settle(Kernels& kernels, RecordTables4& rows) const {
    if (!settings_.adagrad) return;
    kernels.settle_rows(rows.view());
  }
  static void append_sums(std::vector<float>& all, const float* record) {  // the rest is the engine's own affair
    all.push_back(record[kSlowSum]);
    all.push_back(record[kFastSum]);
  }

  Tables4 tables_;
  int padding_;
  SgdSettings settings_;
  bool biases_;
};

class Sgd : public testing::TestWithParam<SgdCase> {};

/// Ranks with code of their own, their neighbours, and rows with and without room between them.
const std::vector<int> kRanks{1, 7, 8, 9, 31, 32, 33, 63, 64, 72, 100, 128, 200};

/// Behind a row; on the device rows are whole vectors.
#if defined(WF_TEST_CUDA)
const std::vector<int> kPaddings{0, 4};
#else
const std::vector<int> kPaddings{0, 3};
#endif

/// Each of 300 steps multiplies a rounding error by at most 1 + rate |p||q|, over a row's 20 steps below 2; sums of
/// squares up to 20 steps, of energies that cancel to a few times their rounding, and rates that divide by roots.
double error_bound(int rank) {
  return 4 * 2 * 20 * rounding(rank, 1);
}

TEST_P(Sgd, EqualsTheReference) {
  Reference reference;
#if defined(WF_TEST_CUDA)
  CudaOnHost<Order::racing> kernels;
#else
  Cpu kernels(2);
#endif
  for (const int rank : kRanks) {
    for (const int padding : kPaddings) {
      SCOPED_TRACE(std::to_string(rank) + " and " + std::to_string(padding));
      EXPECT_LE(largest_difference(SgdRun(rank, GetParam(), padding).result(kernels),
                                   SgdRun(rank, GetParam(), padding).result(reference)),
                error_bound(rank));
    }
  }
}

#if defined(WF_TEST_CUDA)
TEST_P(Sgd, OnTheDeviceHasTheBitsOfTheCpu) {
  if (!fuses(usable_simd().back())) GTEST_SKIP() << "this processor has no fused multiply-add";
  const Loss loss = GetParam().settings.loss;
  if (loss == Loss::bce_with_logits || loss == Loss::logistic) return;  // exp is another function there
  CudaOnHost<Order::repeatable> cuda;
  Cpu cpu(1);
  for (const int rank : kRanks) {
    EXPECT_EQ(SgdRun(rank, GetParam(), 0).result(cuda), SgdRun(rank, GetParam(), 0).result(cpu)) << rank;
  }
}
#else
TEST_P(Sgd, PortableCodeEqualsTheReference) {
  Reference reference;
  for (const int rank : kRanks) {
    Cpu kernels(1, Simd::portable);
    for (const int padding : {0, 3}) {
      EXPECT_LE(largest_difference(SgdRun(rank, GetParam(), padding).result(kernels),
                                   SgdRun(rank, GetParam(), padding).result(reference)),
                error_bound(rank));
    }
  }
}

TEST_P(Sgd, HasTheSameBitsOnEveryInstructionSetThatFuses) {
  for (const int rank : kRanks) {
    Cpu fastest(1);
    const std::vector<float> expected = SgdRun(rank, GetParam(), 0).result(fastest);
    for (const Simd simd : usable_simd()) {
      if (!fuses(simd)) continue;
      for (const int padding : {0, 3}) {  // with a pitch of its own a rank takes the code for any rank
        Cpu kernels(1, simd);
        EXPECT_EQ(SgdRun(rank, GetParam(), padding).result(kernels), expected) << rank << ' ' << name_of(simd);
      }
    }
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Cases, Sgd, testing::ValuesIn(sgd_cases()), [](const auto& test) { return test.param.name; });

TEST(RowAdagrad, MovesOneRatingAsComputedByHand) {  // <p, q> = 1, err = 3, all factors are slow
  Cpu kernels(1);
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{1, 2}};
  tables.item_factors = Table{{3, -1}};
  const Ratings ratings = ratings_of({{0, 0, 4}});
  const Block block{0, 1};
  RecordTables4 rows(tables, false, Cpu::padded_rank(2));
  const float* user = rows.user_record(0);
  const float* item = rows.item_record(0);
  rows.user_record(0)[kSlowSum] = 4;
  kernels.settle_rows(rows.view());
  EXPECT_FLOAT_EQ(user[kSlowLength], 5);
  EXPECT_FLOAT_EQ(item[kSlowLength], 10);
  kernels.sgd_update(rows.view(), ratings.view(), {&block, 1},
                     {.lr = 0.2F, .adagrad = true, .slow_share = 0.5F, .lambda_user = 0.5F, .lambda_item = 0.5F}, {});
  // gradients err q - lambda p = (8.5, -4) and err p - lambda q = (1.5, 6.5); rates 0.2 / 2 and 0.2 / 1
  EXPECT_FLOAT_EQ(user[kSlowSum], 4 + (8.5F * 8.5F + 16) / 2);
  EXPECT_FLOAT_EQ(item[kSlowSum], 1 + (1.5F * 1.5F + 6.5F * 6.5F) / 2);
  EXPECT_FLOAT_EQ(user[kSlowLength], 1.85F * 1.85F + 1.6F * 1.6F);  // kept up without a look at the row
  EXPECT_FLOAT_EQ(item[kSlowLength], 3.3F * 3.3F + 0.3F * 0.3F);
  EXPECT_FLOAT_EQ(user[kSlowScale], 0.95F);  // 1 - rate lambda
  EXPECT_FLOAT_EQ(item[kSlowScale], 0.9F);
  kernels.settle_rows(rows.view());
  rows.bring_back();
  EXPECT_THAT(tables.user_factors.values(), Pointwise(FloatNear(1e-6F), {1.85F, 1.60F}));
  EXPECT_THAT(tables.item_factors.values(), Pointwise(FloatNear(1e-6F), {3.3F, 0.3F}));
  EXPECT_EQ(user[kSlowScale], 1);
}

TEST(RowAdagrad, NeverDecaysARowByMoreThanAll) {
  Cpu kernels(1);
  Tables4 tables(1, 1, 2, 0);
  tables.user_factors = Table{{1, 2}};
  tables.item_factors = Table{{0, 0}};
  const Ratings ratings = ratings_of({{0, 0, 0}});
  const Block block{0, 1};
  RecordTables4 rows(tables, false, Cpu::padded_rank(2));
  kernels.settle_rows(rows.view());
  kernels.sgd_update(rows.view(), ratings.view(), {&block, 1}, {.lr = 1, .adagrad = true, .lambda_user = 3}, {});
  EXPECT_EQ(rows.user_record(0)[kSlowScale], kLeastKeep) << "not yet below what goes into the row at once";
  kernels.sgd_update(rows.view(), ratings.view(), {&block, 1}, {.lr = 1, .adagrad = true, .lambda_user = 3}, {});
  EXPECT_EQ(rows.user_record(0)[kSlowScale], 1) << "it went into the row";
  rows.bring_back();
  EXPECT_THAT(tables.user_factors.values(), Pointwise(FloatNear(1e-12F), {0x1p-20F, 0x1p-19F}));
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST(PerRatingSgd, TakesFactorsTooSmallToBeFastForZeros) {
  volatile float tiny = 1e-39F;
  const float least = std::numeric_limits<float>::min();
  for (const Simd simd : usable_simd()) {
    Cpu kernels(1, simd);
    Tables4 tables(1, 1, 2, 0);
    tables.user_factors = Table{{tiny, least}};
    tables.item_factors = Table{{0, 0}};
    const Ratings ratings = ratings_of({{0, 0, 4}});
    update_by_rating(kernels, tables, ratings, {{0, 1}}, {.lr = 0.5F, .lambda_user = 1}, false);
    EXPECT_EQ(tables.user_factors.values(), (std::vector<float>{0, 0})) << name_of(simd);
    EXPECT_GT(tiny / 2, 0) << "and only for as long as it steps";
  }
}
#endif

TEST(Projection, ShrinksTowardsZeroAndThenCutsOff) {
  EXPECT_FLOAT_EQ(projected(0.5F, 0.2F, false), 0.3F);
  EXPECT_FLOAT_EQ(projected(-0.5F, 0.2F, false), -0.3F);
  EXPECT_FLOAT_EQ(projected(0.1F, 0.2F, false), 0);
  EXPECT_FLOAT_EQ(projected(-0.5F, 0, true), 0);
}

}  // namespace
}  // namespace wf::test
