// Nonnegative factors: by hand, against the reference, and by what holds for every update.
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

template <class K>
class Nmf : public testing::Test {
 protected:
  K kernels_;
};

TYPED_TEST_SUITE(Nmf, KernelSetsUnderTest, KernelSetNames);

std::vector<NmfSettings> all_settings() {
  return {{NmfLoss::frobenius, Missing::unobserved, Solver::multiplicative},
          {NmfLoss::frobenius, Missing::zero, Solver::multiplicative},
          {NmfLoss::kl, Missing::unobserved, Solver::multiplicative},
          {NmfLoss::kl, Missing::zero, Solver::multiplicative},
          {NmfLoss::frobenius, Missing::unobserved, Solver::hals},
          {NmfLoss::frobenius, Missing::zero, Solver::hals}};
}
std::string text_of(const NmfSettings& settings) {
  return std::string(settings.solver == Solver::hals ? "hals" : "multiplicative") +
         (settings.loss == NmfLoss::kl ? ", kl" : ", frobenius") + (settings.counts_zeros() ? ", zeros" : "");
}

/// Tables >= 0 and lists of one problem.
struct Problem {
  Problem(const Ratings& ratings, Position users, Position items, int of_rank, std::uint64_t seed = 3)
      : n_users(users),
        n_items(items),
        rank(of_rank),
        user_factors(users, rank, seed),
        item_factors(items, rank, seed + 1) {
    ThreadPool pool(1);
    lists = list_both(pool, list_by_item(pool, RatingsInMemory(ratings.view()), items), users);
    for (Table* table : {&user_factors, &item_factors}) {
      for (Position r = 0; r < table->view().count; ++r) {
        for (int f = 0; f < rank; ++f) table->view().row(r)[f] = std::fabs(table->view().row(r)[f]);
      }
    }
  }

  template <class K>
  void update(K& kernels, const NmfSettings& settings, bool of_users) {
    Table& partners = of_users ? item_factors : user_factors;
    Table& own = of_users ? user_factors : item_factors;
    Table gram(rank, rank, 1), sums(1, rank, 2);
    Rows<const float, Host> shared;
    if (settings.counts_zeros() && settings.loss == NmfLoss::kl) {
      kernels.column_sums(partners.view(), {}, {sums.view().data, rank});
      shared = sums.view();
    } else if (settings.counts_zeros()) {
      kernels.gram(partners.view(), gram.view());
      shared = gram.view();
    }
    const RowListsView<Host> of = (of_users ? lists.user : lists.item).view();
    Table products(of.rows(), rank, 5);
    if (settings.takes_products()) kernels.multiply_rows(of, partners.view(), {}, products.view());
    kernels.nmf_rows(of, partners.view(), shared, products.view(), own.view(), settings);
  }

  ModelView<float, Host> model() { return {user_factors.view(), item_factors.view(), {}, {}, 0}; }
  double score_of(Position user, Position item) {
    return dot<double>(user_factors.view().row(user), item_factors.view().row(item), rank);
  }
  std::vector<float> values() const {
    std::vector<float> all = user_factors.values(), others = item_factors.values();
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }

  Position n_users, n_items;
  int rank;
  Table user_factors, item_factors;
  RatingLists lists;
};

/// What is minimised, by definition, cell by cell; and the sizes of what it is a sum of.
struct Objective {
  double value = 0, size = 0;
};
Objective objective(Problem& problem, const NmfSettings& settings) {
  Objective result;
  const auto add = [&](double score, double value) {
    const double ratio = value > 0 ? value * std::log(value / score) : 0;
    result.value += settings.loss == NmfLoss::kl ? ratio - value + score : (value - score) * (value - score);
    result.size += settings.loss == NmfLoss::kl ? std::fabs(ratio) + value + score : value * value + score * score;
  };
  const RowListsView<Host> of = problem.lists.user.view();
  for (Position user = 0; user < problem.n_users; ++user) {
    std::vector<bool> rated(static_cast<std::size_t>(problem.n_items));
    for (Position n = of.begin[user]; n < of.begin[user + 1]; ++n) {
      rated[static_cast<std::size_t>(of.partner[n])] = true;
      add(problem.score_of(user, of.partner[n]), of.value[n]);
    }
    for (Position item = 0; settings.counts_zeros() && item < problem.n_items; ++item) {
      if (!rated[static_cast<std::size_t>(item)]) add(problem.score_of(user, item), 0);
    }
  }
  return result;
}

/// A rating for each of some pairs, all different; `zeros`: one in five is 0.
Ratings distinct_ratings(Position users, Position items, Position stride, bool zeros = false) {
  Ratings ratings;
  for (Position u = 0; u < users; ++u) {
    for (Position i = 0; i < items; ++i) {
      const std::uint32_t word = random_bits(9, Purpose::synthetic, static_cast<std::uint64_t>(u * items + i)).word[0];
      if (word % static_cast<std::uint32_t>(stride) != 0) continue;
      const auto value = static_cast<float>(word / 64 % 5);
      ratings.push_back(static_cast<RowId>(u), static_cast<RowId>(i), zeros ? value : value + 1);
    }
  }
  return ratings;
}

TYPED_TEST(Nmf, OneFactorByHand) {
  const auto updated = [&](const NmfSettings& settings) {
    Problem problem(ratings_of({{0, 0, 4}, {0, 1, 1}}), 1, 3, 1);
    problem.user_factors = Table{{1}};
    problem.item_factors = Table{{2}, {1}, {3}};
    problem.update(this->kernels_, settings, true);
    return problem.user_factors.values()[0];
  };
  const std::vector<NmfSettings> of = all_settings();
  EXPECT_FLOAT_EQ(updated(of[0]), 9.0F / 5);   // (4 * 2 + 1 * 1) / (2 * 2 + 1 * 1)
  EXPECT_FLOAT_EQ(updated(of[1]), 9.0F / 14);  // ... / (4 + 1 + 9)
  EXPECT_FLOAT_EQ(updated(of[2]), 5.0F / 3);   // (4 / 2 * 2 + 1 / 1 * 1) / (2 + 1)
  EXPECT_FLOAT_EQ(updated(of[3]), 5.0F / 6);   // ... / (2 + 1 + 3)
  EXPECT_FLOAT_EQ(updated(of[4]), 9.0F / 5);   // 1 + (9 - 5) / 5
  EXPECT_FLOAT_EQ(updated(of[5]), 9.0F / 14);  // 1 + (9 - 14) / 14
}

TYPED_TEST(Nmf, FactorsThatWouldPassZeroStopThere) {
  Problem problem(ratings_of({{0, 0, 1}}), 1, 1, 2);
  problem.user_factors = Table{{0.1F, 3}};
  problem.item_factors = Table{{1, 1}};
  problem.update(this->kernels_, all_settings()[4], true);
  // 0.1 + (1 - 3.1) < 0; then 3 + (1 - 3)
  EXPECT_THAT(problem.user_factors.values(), testing::ElementsAre(0, testing::FloatNear(1, 1e-6F)));
}

TYPED_TEST(Nmf, RowsWithoutRatingsAreZero) {
  for (const NmfSettings& settings : all_settings()) {
    Problem problem(ratings_of({{1, 0, 4}}), 3, 2, 5);
    problem.update(this->kernels_, settings, true);
    for (const Position row : {0, 2}) {
      for (int f = 0; f < 5; ++f) EXPECT_EQ(problem.user_factors.view().row(row)[f], 0) << text_of(settings);
    }
  }
}

TYPED_TEST(Nmf, UpdatesAreThoseOfTheReferenceForEveryRank) {
  for (const NmfSettings& settings : all_settings()) {
    for (const int rank : {1, 7, 8, 16, 17, 33, 64, 100, 130, 200}) {
      Problem actual(distinct_ratings(30, 45, 2, true), 30, 45, rank),
          expected(distinct_ratings(30, 45, 2, true), 30, 45, rank);
      actual.update(this->kernels_, settings, true);
      Reference reference;
      expected.update(reference, settings, true);
      // Sums of at most 45 terms of one sign, their quotient and scores of `rank` terms: a relative error. hals moves
      // by differences of such sums, which are no larger than rank * their quotients, and one move leads to the next
      double largest = 0;
      for (const float value : expected.values()) largest = std::max(largest, std::fabs(static_cast<double>(value)));
      const double growth = settings.solver == Solver::hals ? rank : 1;
      EXPECT_LE(largest_difference(actual.values(), expected.values()), growth * rounding(45 + 2 * rank, largest))
          << text_of(settings) << ", rank " << rank;
    }
  }
}

TYPED_TEST(Nmf, TheObjectiveNeverRisesAndFactorsStayAtZeroOrAbove) {
  for (const NmfSettings& settings : all_settings()) {
    for (const int rank : {3, 12}) {
      Problem problem(distinct_ratings(40, 30, 3), 40, 30, rank);
      double before = objective(problem, settings).value;
      const double start = before;
      for (int half = 0; half < 60; ++half) {
        problem.update(this->kernels_, settings, half % 2 == 0);
        const Objective now = objective(problem, settings);
        // a factor's rounding changes a score by 2^-23 of it at most, and at a minimum errors of steps count squared
        EXPECT_LE(now.value, before + 4 * 0x1p-24 * now.size) << text_of(settings) << ", half-sweep " << half;
        before = now.value;
        for (const float value : problem.values()) ASSERT_GE(value, 0);
      }
      EXPECT_LT(before, 0.9 * start) << text_of(settings) << ": random ratings keep most of it";
    }
  }
}

TYPED_TEST(Nmf, ErrorsByHandAndByTheReference) {
  for (const NmfSettings& settings : all_settings()) {
    Problem problem(distinct_ratings(40, 30, 3, true), 40, 30, 9);
    Reference reference;
    reference.list_errors(problem.lists.user.view(), problem.model(), settings);
    this->kernels_.list_errors(problem.lists.user.view(), problem.model(), settings);
    const ErrorSums expected = reference.take_errors(), actual = this->kernels_.take_errors();
    EXPECT_EQ(actual.count, expected.count);
    const double size = objective(problem, settings).size;
    EXPECT_NEAR(actual.loss, expected.loss, rounding(9, 4 * size)) << text_of(settings);
    EXPECT_NEAR(actual.squared, expected.squared, rounding(9, 4 * size)) << text_of(settings);
    if (settings.counts_zeros()) {  // but for the sum over all cells
      double all = 0;
      for (Position user = 0; user < 40; ++user) {
        for (Position item = 0; item < 30; ++item) {
          const double score = problem.score_of(user, item);
          all += settings.loss == NmfLoss::kl ? score : score * score;
        }
      }
      EXPECT_NEAR(actual.loss + all, objective(problem, settings).value, rounding(9, 4 * (size + all)));
    } else {
      EXPECT_NEAR(actual.loss, objective(problem, settings).value, rounding(9, 4 * size)) << text_of(settings);
    }
  }
}

// ------------------------------------------------------------------------------------------------ not of the device

#if !defined(WF_TEST_CUDA)
/// 3000 half-sweeps are nothing for an interpreter of kernels: there, updates are those of the reference.
TYPED_TEST(Nmf, FactorsOfANonnegativeMatrixAreFound) {
  Ratings ratings;  // of rank 3, every cell
  for (RowId u = 0; u < 30; ++u) {
    for (RowId i = 0; i < 25; ++i) {
      ratings.push_back(u, i, static_cast<float>((u % 3 == 0) * (i % 4) + (u % 5) * (i % 2) + (u % 2) * (i % 7 == 0)));
    }
  }
  for (const NmfSettings& settings : all_settings()) {
    Problem problem(ratings, 30, 25, 5);
    for (int half = 0; half < 3000; ++half) problem.update(this->kernels_, settings, half % 2 == 0);
    const Objective found = objective(problem, settings);
    EXPECT_LT(found.value, 1e-3 * found.size) << text_of(settings);
  }
}

Ratings with_a_long_row() {
  Ratings ratings = random_ratings(40'000, 60, 80, 7, true);
  for (Position n = 0; n < 40'000; ++n) ratings.push_back(60, static_cast<RowId>(n % 80), static_cast<float>(n % 5));
  return ratings;
}

TEST(NmfOnCpu, ALongRowMovesLikeAnyOther) {
  for (const NmfSettings& settings : all_settings()) {
    if (settings.takes_products()) continue;  // whose rows are not gone through
    Problem actual(with_a_long_row(), 61, 80, 17), expected(with_a_long_row(), 61, 80, 17);
    for (Problem* problem : {&actual, &expected}) {
      for (const Rows<float, Host>& table : {problem->user_factors.view(), problem->item_factors.view()}) {
        for (Position r = 0; r < table.count; ++r) {
          for (int f = 0; f < 17; ++f) table.row(r)[f] = static_cast<float>(1 + (r * 17 + f * f) % 3);
        }
      }
    }
    Cpu kernels(2);
    Reference reference;
    actual.update(kernels, settings, true);
    expected.update(reference, settings, true);
    double largest = 0;
    for (const float value : expected.values()) largest = std::max(largest, std::fabs(static_cast<double>(value)));
    // Sums of whole numbers are exact, but for kl's quotients: of those, sums of 256, of 32 of those, and of 5 parts.
    // What is left is as above
    const double growth = settings.solver == Solver::hals ? 17 : 1;
    const double terms = settings.loss == NmfLoss::kl ? 256 + 32 + 5 : 0;
    EXPECT_LE(largest_difference(actual.values(), expected.values()), growth * rounding(terms + 2 * 17, largest))
        << text_of(settings);
  }
}

std::vector<float> all_updated(Cpu& kernels, const NmfSettings& settings) {
  Problem problem(with_a_long_row(), 61, 80, 40);
  problem.update(kernels, settings, true);
  problem.update(kernels, settings, false);
  return problem.values();
}

TEST(NmfOnCpu, AnyNumberOfThreadsGivesTheSameBits) {
  for (const NmfSettings& settings : all_settings()) {
    Cpu one(1), two(2), five(5);
    const std::vector<float> expected = all_updated(one, settings);
    EXPECT_EQ(all_updated(two, settings), expected);
    EXPECT_EQ(all_updated(five, settings), expected);
  }
}

TEST(NmfOnCpu, InstructionSetsThatFuseGiveTheSameBits) {
  for (const NmfSettings& settings : all_settings()) {
    std::vector<float> expected;
    for (const Simd simd : usable_simd()) {
      if (!fuses(simd)) continue;
      Cpu kernels(2, simd);
      const std::vector<float> actual = all_updated(kernels, settings);
      if (expected.empty()) expected = actual;
      EXPECT_EQ(actual, expected) << name_of(simd) << ", " << text_of(settings);
    }
  }
}

TEST(NmfOnCpu, EveryInstructionSetLowersTheObjective) {
  for (const Simd simd : usable_simd()) {
    for (const NmfSettings& settings : all_settings()) {
      Cpu kernels(2, simd);
      Problem problem(distinct_ratings(40, 30, 3), 40, 30, 12);
      const double start = objective(problem, settings).value;
      for (int half = 0; half < 10; ++half) problem.update(kernels, settings, half % 2 == 0);
      EXPECT_LT(objective(problem, settings).value, start) << name_of(simd) << ", " << text_of(settings);
    }
  }
}
#endif

}  // namespace
}  // namespace wf::test
