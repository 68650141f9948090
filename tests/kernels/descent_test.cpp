// The ops of gradient and coordinate descent: by hand, against the reference, and by what a step promises.
#include "host/cpu/cpu.hpp"
#include "host/kernels/descent_rules.hpp"
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
class Descent : public testing::Test {
 protected:
  K kernels_;
};

TYPED_TEST_SUITE(Descent, KernelSetsUnderTest, KernelSetNames);

RatingLists lists_of(const Ratings& ratings, Position n_users, Position n_items) {
  ThreadPool pool(1);
  return list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), n_items), n_users);
}

Span<float, Host> span_of(std::vector<float>& values) {
  return {values.data(), static_cast<Position>(values.size())};
}
Span<const float, Host> constants_of(const std::vector<float>& values) {
  return {values.data(), static_cast<Position>(values.size())};
}

TYPED_TEST(Descent, RestsAreRatingsWithoutTheirScores) {
  for (const int rank : {1, 7, 16, 33, 100}) {
    for (const bool biases : {false, true}) {
      const RatingLists lists = lists_of(random_ratings(3000, 40, 50, 3, true), 41, 50);
      Tables4 tables(41, 50, rank, 5);
      const ModelView<const float, Host> model = tables.view(biases);
      for (const RowSide side : {RowSide::user, RowSide::item}) {
        const RowListsView<Host> of = (side == RowSide::user ? lists.user : lists.item).view();
        std::vector<float> rests(3000, NAN);
        this->kernels_.list_rests(of, model, side, span_of(rests));
        for (Position row = 0; row < of.rows(); ++row) {
          for (Position n = of.begin[row]; n < of.begin[row + 1]; ++n) {
            const auto own = static_cast<RowId>(row);
            const double one = side == RowSide::user ? score<double>(model, {}, own, of.partner[n])
                                                     : score<double>(model, {}, of.partner[n], own);
            // products of at most a quarter, biases and the mean, and a rating of at most 5
            ASSERT_NEAR(rests[static_cast<std::size_t>(n)], of.value[n] - one, rounding(rank + 4, 0.25 * rank + 7))
                << "rank " << rank;
          }
        }
      }
    }
  }
}

TYPED_TEST(Descent, PenaltiesByHand) {
  const RatingLists lists = lists_of(ratings_of({{0, 0, 4}, {0, 1, 1}, {2, 1, 3}}), 3, 2);
  Table own{{1, 2}, {3, 4}, {5, -1}}, gradients{{10, 10}, {10, 10}, {10, 10}};
  SolveSettings settings;
  settings.lambda = 0.5;
  this->kernels_.penalise_rows(lists.user.view(), own.view(), settings, gradients.view());
  EXPECT_THAT(gradients.values(), ElementsAre(-9, -8, -10, -10, -7.5, -10.5));  // counts 2, 0, 1
  this->kernels_.row_penalties(lists.user.view(), own.view(), settings);
  EXPECT_DOUBLE_EQ(this->kernels_.take_errors().loss, 0.5 * (2 * 5 + 26));
  settings.scaling = RegScaling::none;
  this->kernels_.row_penalties(lists.user.view(), own.view(), settings);
  EXPECT_DOUBLE_EQ(this->kernels_.take_errors().loss, 0.5 * (5 + 25 + 26));
}

TYPED_TEST(Descent, RowsMoveAndColumnsAreCopied) {
  Table from{{1, 2}, {3, 4}, {5, 6}}, along{{1, 0}, {0, 1}, {-1, -1}}, to(3, 2, 1);
  this->kernels_.move_rows(from.view(), along.view(), 0.5F, to.view());
  EXPECT_THAT(to.values(), ElementsAre(1.5F, 2, 3, 4.5F, 4.5F, 5.5F));
  this->kernels_.move_rows(from.view(), along.view(), -1, from.view());
  EXPECT_THAT(from.values(), ElementsAre(0, 2, 3, 3, 6, 7));
  std::vector<float> column(3);
  const Rows<float, Host> second{from.view().data + 1, 3, 1, from.view().pitch}, narrow{column.data(), 3, 1, 1};
  this->kernels_.move_rows(second, {}, 0, narrow);
  EXPECT_THAT(column, ElementsAre(2, 3, 7));
}

TYPED_TEST(Descent, AColumnByHand) {
  const RatingLists lists = lists_of(ratings_of({{0, 0, 4}, {0, 1, 1}, {2, 1, 3}}), 3, 2);
  std::vector<float> rests{4, 1, 3}, pending_own{1, 1, 2}, pending_change{1, -1}, partner{2, 1}, own{1, 5, 1},
      change(3, NAN);
  SolveSettings settings;
  settings.lambda = 1;
  this->kernels_.descend_column(
      lists.user.view(), span_of(rests),
      {constants_of(pending_own), constants_of(pending_change), constants_of(partner), span_of(own), span_of(change)},
      settings);
  // row 0: rests 3, 2; slope 8 - 2 * 1, curvature 5 + 2. Row 1: no rating. Row 2: rest 5; slope 5 - 1, curvature 1 + 1
  EXPECT_THAT(own, ElementsAre(testing::FloatEq(1 + 6.0F / 7), 0, 3));
  EXPECT_THAT(change, ElementsAre(testing::FloatNear(6.0F / 7, 1e-6F), -5, 2));
  EXPECT_THAT(rests, ElementsAre(testing::FloatNear(3 - 12.0F / 7, 1e-6F), testing::FloatNear(2 - 6.0F / 7, 1e-6F), 3));
}

/// A column of some problem, with rows of half of 20 000 ratings and of `longest`, on any kernel set.
struct Column {
  explicit Column(std::uint64_t seed, Position longest = 0)
      : lists(lists_of(with_long_row(random_ratings(20'000, 49, 300, seed, true), longest), 51, 300)),
        rests(drawn(20'000 + longest, 1)),
        pending_own(drawn(51, 2)),
        pending_change(drawn(300, 3)),
        partner(drawn(300, 4)),
        own(drawn(51, 5)),
        change(51, NAN) {}

  static Ratings with_long_row(Ratings ratings, Position longest) {
    for (Position n = 0; n < longest; ++n) ratings.push_back(49, static_cast<RowId>(n % 300), 1);
    return ratings;
  }
  static std::vector<float> drawn(Position count, std::uint64_t seed) { return Table(count, 1, seed).values(); }

  template <class K>
  void descend(K& kernels, double lambda) {
    SolveSettings settings;
    settings.lambda = lambda;
    kernels.descend_column(
        lists.user.view(), span_of(rests),
        {constants_of(pending_own), constants_of(pending_change), constants_of(partner), span_of(own), span_of(change)},
        settings);
  }
  std::vector<float> all() const {
    std::vector<float> values = rests;
    values.insert(values.end(), own.begin(), own.end());
    values.insert(values.end(), change.begin(), change.end());
    return values;
  }

  RatingLists lists;
  std::vector<float> rests, pending_own, pending_change, partner, own, change;
};

TYPED_TEST(Descent, ColumnsAreThoseOfTheReference) {
  for (const double lambda : {0.0, 0.1}) {
    Column actual(7), expected(7);
    Reference reference;
    actual.descend(this->kernels_, lambda);
    expected.descend(reference, lambda);
    // sums in double: rests are rounded twice, numbers once
    EXPECT_LE(largest_difference(actual.all(), expected.all()), rounding(4, 4));
  }
}

TYPED_TEST(Descent, AfterAStepTheSlopeIsThePenaltys) {
  Column column(8);
  column.descend(this->kernels_, 0.1);
  const RowListsView<Host> of = column.lists.user.view();
  for (Position row = 0; row < of.rows(); ++row) {
    double slope = 0, size = 0;
    for (Position n = of.begin[row]; n < of.begin[row + 1]; ++n) {
      const double term = static_cast<double>(column.rests[static_cast<std::size_t>(n)]) *
                          column.partner[static_cast<std::size_t>(of.partner[n])];
      slope += term;
      size += std::fabs(term) + 2;  // rests of about 2 were rounded when they changed
    }
    const double ridge = 0.1 * static_cast<double>(of.count(row));
    EXPECT_NEAR(slope, ridge * column.own[static_cast<std::size_t>(row)], rounding(4, size + ridge)) << row;
  }
}

#if !defined(WF_TEST_CUDA)
TEST(DescentOnCpu, ALongRowMovesLikeAnyOther) {
  Column actual(7, 100'000), expected(7, 100'000);
  Cpu kernels(2);
  Reference reference;
  actual.descend(kernels, 0.1);
  expected.descend(reference, 0.1);
  EXPECT_LE(largest_difference(actual.all(), expected.all()), rounding(4, 4));
}

TEST(DescentOnCpu, AnyNumberOfThreadsGivesTheSameBits) {
  const auto descended_by = [](int threads) {
    Cpu kernels(threads);
    Column column(9, 100'000);
    column.descend(kernels, 0.1);
    std::vector<float> all = column.all();
    Tables4 tables(51, 300, 20, 5);
    kernels.list_rests(column.lists.user.view(), tables.view(), RowSide::user, span_of(column.rests));
    all.insert(all.end(), column.rests.begin(), column.rests.end());
    return all;
  };
  const std::vector<float> expected = descended_by(1);
  EXPECT_EQ(descended_by(2), expected);
  EXPECT_EQ(descended_by(5), expected);
}
#endif

}  // namespace
}  // namespace wf::test
