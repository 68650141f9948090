// Counts beyond 32 bits at their size. Pages that nobody writes take no memory: tables and ratings of zeros are as
// large as they say and lie in some megabytes, but for the pages of the rows under test. 10^8 ids take what they take.
#include "host/cpu/cpu.hpp"
#include "host/ratings/id_map.hpp"
#include "host/reference/reference.hpp"

#include <gtest/gtest.h>

#include <string>

namespace wf {
namespace {

constexpr Position kTwoTo31 = Position{1} << 31, kTwoTo32 = Position{1} << 32;

template <class K>
class Large : public testing::Test {
 protected:
  K kernels_;
};
using HostKernels = testing::Types<Reference, Cpu>;
TYPED_TEST_SUITE(Large, HostKernels);

/// Zeros, but for the last row.
HostBuffer<float> table_with_last_row(Position rows, int rank, float value) {
  HostBuffer<float> table = HostBuffer<float>::zeros(rows * rank);
  std::fill(table.end() - rank, table.end(), value);
  return table;
}

TYPED_TEST(Large, RowsBeyondTwoTo32FactorsAreReadAndWritten) {
  for (const int rank : {1, 3, 64, kMaxRank}) {
    const Position rows = std::min(kMaxRows, kTwoTo32 / rank + 9);
    const auto last = static_cast<RowId>(rows - 1);
    HostBuffer<float> users = table_with_last_row(rows, rank, 0.5F), item(rank, 2);
    const ModelView<float, Host> model{{users.data(), rows, rank, rank}, {item.data(), 1, rank, rank}, {}, {}, 0};
    const RowId zero = 0;
    float score = -1;
    this->kernels_.predict(model, {}, {&last, 1}, {&zero, 1}, {&score, 1});
    EXPECT_EQ(score, static_cast<float>(rank)) << rank;
    this->kernels_.predict(model, {}, {&zero, 1}, {&zero, 1}, {&score, 1});
    EXPECT_EQ(score, 0) << rank;

    this->kernels_.renormalise_rows(model.user_factors, {&last, 1}, {.max_norm = 0.25F, .norm_type = 1});
    EXPECT_NEAR(users[rows * rank - 1], 0.25F / static_cast<float>(rank), 1e-6) << rank;
    EXPECT_EQ(users[0], 0);

    const float value = 3;
    this->kernels_.take_errors();
    this->kernels_.rating_errors(model, {}, {{&last, 1}, {&zero, 1}, {&value, 1}});
    EXPECT_EQ(this->kernels_.take_errors().count, 1);
  }
}

TYPED_TEST(Large, MoreThanTwoTo31RatingsAreAllCounted) {
  constexpr Position kRatings = kTwoTo31 + 1000;
  const HostBuffer<RowId> rows = HostBuffer<RowId>::zeros(kRatings);
  HostBuffer<float> values = HostBuffer<float>::zeros(kRatings);
  values[kRatings - 1] = 3;
  HostBuffer<float> factor(1, 0);
  const ModelView<float, Host> model{{factor.data(), 1, 1, 1}, {factor.data(), 1, 1, 1}, {}, {}, 0};
  this->kernels_.take_errors();
  this->kernels_.rating_errors(model, {}, {rows.span(), rows.span(), values.span()});
  const ErrorSums sums = this->kernels_.take_errors();
  EXPECT_EQ(sums.count, kRatings);
  EXPECT_EQ(sums.squared, 9);
}

TEST(LargeIds, AHundredMillionTextsAreFoundAgain) {
  constexpr int kIds = 100'000'000;
  IdMap ids;
  ids.fix_strings();
  for (int n = 0; n < kIds; ++n) ids.insert("u" + std::to_string(n));
  ASSERT_EQ(ids.size(), kIds);
  for (int n = 0; n < kIds; n += 999'983) {
    const std::string id = "u" + std::to_string(n);
    ASSERT_EQ(ids.find(id), n);
    ASSERT_EQ(ids.text(n), id);
    ASSERT_EQ(ids.insert(id), n);
  }
  EXPECT_FALSE(ids.find("u" + std::to_string(kIds)));
}

}  // namespace
}  // namespace wf
