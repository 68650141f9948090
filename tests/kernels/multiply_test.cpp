// The matrix of all ratings times tables, tables times small ones, and sums of columns: by hand, by definition in
// double, and bit by bit.
#include "host/cpu/cpu.hpp"
#include "host/reference/reference.hpp"
#include "tests/kernels/kernel_sets.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace wf::test {
namespace {

using testing::ElementsAre;

template <class K>
class Multiply : public testing::Test {
 protected:
  K kernels_;
};

TYPED_TEST_SUITE(Multiply, KernelSetsUnderTest, KernelSetNames);

RatingLists lists_of(const Ratings& ratings, Position n_users, Position n_items) {
  ThreadPool pool(1);
  return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_items), n_users);
}

TYPED_TEST(Multiply, RatingsTimesATableByHand) {
  const RatingLists lists = lists_of(ratings_of({{0, 0, 4}, {0, 2, -1}, {2, 1, 3}}), 3, 3);
  Table table{{1, 2}, {3, 4}, {5, 6}}, out(3, 2, 1);
  this->kernels_.multiply_rows(lists.user.view(), table.view(), {}, out.view());
  EXPECT_THAT(out.values(), ElementsAre(-1, 2, 0, 0, 9, 12));
  std::vector<float> rows{2, 1, 0}, columns{1, 10};
  this->kernels_.multiply_rows(lists.user.view(), table.view(), {{}, {columns.data(), 2}}, out.view());
  EXPECT_THAT(out.values(), ElementsAre(-2, -8, -1, -10, 8, 2));
  this->kernels_.multiply_rows(lists.user.view(), table.view(), {{rows.data(), 3}, {columns.data(), 2}}, out.view());
  EXPECT_THAT(out.values(), ElementsAre(-3, -18, -1, -10, 9, 12));
}

/// Each row's largest error in units of its terms' sizes.
void expect_products(const RatingLists& lists, Table& table, Table& out, const std::string& what) {
  const RowListsView<Host> of = lists.user.view();
  for (Position row = 0; row < of.rows(); ++row) {
    for (int f = 0; f < table.view().rank; ++f) {
      double sum = 0, size = 0;
      for (Position n = of.begin[row]; n < of.begin[row + 1]; ++n) {
        const double term = static_cast<double>(of.value[n]) * table.view().row(of.partner[n])[f];
        sum += term;
        size += std::fabs(term);
      }
      // sums of at most 256 terms, which are added up in turn
      const double terms = 256 + static_cast<double>(of.count(row)) / 256;
      ASSERT_NEAR(out.view().row(row)[f], sum, rounding(std::min(terms, static_cast<double>(of.count(row))), size))
          << what << ", row " << row << " of " << of.count(row) << ", factor " << f;
    }
  }
}

TYPED_TEST(Multiply, RatingsTimesATableOfEveryRank) {
  std::vector<int> ranks = awkward_ranks();
  for (const int rank : {2, 8, 9, 15, 16, 17, 80, 127, 129, 144, 250}) ranks.push_back(rank);
  for (const int rank : ranks) {
    const RatingLists lists = lists_of(random_ratings(3000, 60, 45, 7, true), 61, 45);
    Table table(45, rank, 3), out(61, rank, 4);
    this->kernels_.multiply_rows(lists.user.view(), table.view(), {}, out.view());
    expect_products(lists, table, out, "rank " + std::to_string(rank));
  }
}

TYPED_TEST(Multiply, RowsOfManyRatingsAreAsExactAsOthers) {
  Ratings ratings;
  for (Position n = 0; n < 200'000; ++n) {
    const RandomBits bits = random_bits(1, Purpose::synthetic, static_cast<std::uint64_t>(n), 1);
    ratings.push_back(n % 500 == 0 ? 1 : 0, static_cast<RowId>(bits.word[0] % 5000), 4);
  }
  const RatingLists lists = lists_of(ratings, 3, 5000);
  for (const int rank : {1, 24}) {
    Table table(5000, rank, 3), out(3, rank, 4);
    for (Position r = 0; r < 5000; ++r) table.view().row(r)[0] = 1;  // all of one sign: nothing cancels
    this->kernels_.multiply_rows(lists.user.view(), table.view(), {}, out.view());
    expect_products(lists, table, out, "long row");
  }
}

TYPED_TEST(Multiply, TablesTimesSmallOnesOfEveryShape) {
  for (const Position rows : awkward_counts()) {
    for (const auto& [rank, columns] : {std::pair{1, 1}, {7, 3}, {16, 16}, {33, 40}, {64, 80}, {80, 64}, {5, 130}}) {
      Table left(rows, rank, 3), right(rank, columns, 5), out(rows, columns, 4);
      this->kernels_.multiply_table(left.view(), right.view(), out.view());
      for (Position r = 0; r < rows; ++r) {
        for (int c = 0; c < columns; ++c) {
          double sum = 0;
          for (int f = 0; f < rank; ++f) sum += static_cast<double>(left.view().row(r)[f]) * right.view().row(f)[c];
          ASSERT_NEAR(out.view().row(r)[c], sum, rounding(rank, rank))
              << rows << " x " << rank << " x " << columns << ": row " << r << ", column " << c;
        }
      }
    }
  }
}

TYPED_TEST(Multiply, ColumnSumsWithAndWithoutWeights) {
  for (const Position rows : {Position{0}, Position{1}, Position{33}, Position{5000}}) {
    for (const int rank : {1, 7, 64, 130}) {
      Table table(rows, rank, 3);
      std::vector<float> weights(static_cast<std::size_t>(rows)), sums(static_cast<std::size_t>(rank), NAN);
      for (std::size_t r = 0; r < weights.size(); ++r) weights[r] = static_cast<float>(r % 5);
      for (const bool weighted : {false, true}) {
        this->kernels_.column_sums(table.view(),
                                   weighted ? Span<const float, Host>{weights.data(), rows} : Span<const float, Host>{},
                                   {sums.data(), rank});
        for (int f = 0; f < rank; ++f) {
          double sum = 0;
          for (Position r = 0; r < rows; ++r) {
            sum +=
                (weighted ? static_cast<double>(weights[static_cast<std::size_t>(r)]) : 1.0) * table.view().row(r)[f];
          }
          // terms of at most 4, rounded when all are added and, on a device, in float within blocks of them
          EXPECT_NEAR(sums[static_cast<std::size_t>(f)], sum, rounding(64, 4.0 * static_cast<double>(rows))) << rows;
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------ of the cpu alone

#if !defined(WF_TEST_CUDA)
std::vector<float> all_products(Cpu& kernels) {
  const Position items = 9000;  // more than the cpu goes through at once
  const RatingLists lists = lists_of(random_ratings(400'000, 50, items, 7, true), 50, items);
  std::vector<float> all, sums(40);
  Table of_items(items, 40, 3), of_users(50, 40, 4), small(40, 40, 5), turned(items, 40, 6);
  const auto keep = [&](const std::vector<float>& part) { all.insert(all.end(), part.begin(), part.end()); };
  kernels.multiply_rows(lists.user.view(), of_items.view(), {}, of_users.view());
  keep(of_users.values());
  kernels.multiply_rows(lists.item.view(), of_users.view(), {}, of_items.view());
  keep(of_items.values());
  kernels.multiply_table(of_items.view(), small.view(), turned.view());
  keep(turned.values());
  kernels.column_sums(of_items.view(), {}, {sums.data(), 40});
  keep(sums);
  return all;
}

TEST(MultiplyOnCpu, AnyNumberOfThreadsGivesTheSameBits) {
  Cpu one(1), two(2), five(5);
  const std::vector<float> expected = all_products(one);
  EXPECT_EQ(all_products(two), expected);
  EXPECT_EQ(all_products(five), expected);
}

TEST(MultiplyOnCpu, InstructionSetsThatFuseGiveTheSameBits) {
  std::vector<float> expected;
  for (const Simd simd : usable_simd()) {
    if (!fuses(simd)) continue;
    Cpu kernels(2, simd);
    const std::vector<float> actual = all_products(kernels);
    if (expected.empty()) expected = actual;
    EXPECT_EQ(actual, expected) << name_of(simd);
  }
  if (expected.empty()) GTEST_SKIP() << "this processor has no fused multiply-add";
}

/// Three ranges of a table, the last one in part; strips of every width; rows without, with one and with many ratings.
TEST(MultiplyOnCpu, LargeTablesAreGoneThroughByRange) {
  const Position users = 43, items = 2 * ListLoops::kRangeRows + 100;
  Ratings ratings = random_ratings(40'000, 40, static_cast<RowId>(items), 7, true);
  ratings.push_back(40, static_cast<RowId>(items) - 1, 3);
  ratings.push_back(41, 0, 2);
  const RatingLists lists = lists_of(ratings, users, items);
  for (const Simd simd : usable_simd()) {
    Cpu kernels(2, simd);
    for (const int rank : {16, 17, 31, 32, 33, 48, 64, 80, 100}) {
      Table table(items, rank, 3), out(users, rank, 4);
      kernels.multiply_rows(lists.user.view(), table.view(), {}, out.view());
      expect_products(lists, table, out, std::string(name_of(simd)) + ", rank " + std::to_string(rank));
    }
  }
}

TEST(MultiplyOnCpu, EveryInstructionSetMultiplies) {
  for (const Simd simd : usable_simd()) {
    Cpu kernels(2, simd);
    for (const int rank : {1, 7, 24, 100}) {
      const RatingLists lists = lists_of(random_ratings(3000, 60, 45, 7, true), 61, 45);
      Table table(45, rank, 3), out(61, rank, 4);
      kernels.multiply_rows(lists.user.view(), table.view(), {}, out.view());
      expect_products(lists, table, out, std::string(name_of(simd)));
    }
  }
}
#endif

}  // namespace
}  // namespace wf::test
