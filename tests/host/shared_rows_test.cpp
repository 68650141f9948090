// Least squares by several ranks, on threads: the model of one process, bit for bit, and what goes over the network.
#include "host/api/train.hpp"
#include "host/base/philox.hpp"
#include "host/cpu/cpu.hpp"
#include "host/train/alternating.hpp"
#include "host/train/shared_tables.hpp"
#include "tests/host/model_support.hpp"
#include "tests/support/same_training.hpp"
#include "tests/support/thread_ranks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace wf {
namespace {

using test::expect_same_model;
using test::expect_same_reports;
using test::on_ranks;
using test::train_between;
using testing_support::FreshFolder;

struct Drawn {
  RowId users = 400, items = 150;
  Position ratings = 3000;
};

/// Popular rows come first, as in many files; some pairs are there twice, some rows not at all.
Ratings drawn_ratings(const Drawn& of) {
  Ratings ratings;
  for (Position i = 0; i < of.ratings; ++i) {
    const RandomBits bits = random_bits(17, Purpose::synthetic, static_cast<std::uint64_t>(i));
    const double u = bits.word[0] / 4294967296.0, v = bits.word[1] / 4294967296.0;
    ratings.push_back(static_cast<RowId>(u * u * of.users), static_cast<RowId>(v * v * of.items),
                      static_cast<float>(bits.word[2] % 9) / 2 + 0.5F);
  }
  return ratings;
}

/// This rank's part of the ratings as they are read: uneven ones, and none for the second of three.
TrainingSource part_of_source(const Ratings& all, Ranks& ranks, const Drawn& of) {
  const auto cut = [&](int rank) {
    if (ranks.size() == 3 && rank == 1) rank = 2;
    return all.size() * rank * rank / (Position{ranks.size()} * ranks.size());
  };
  TrainingSource source;
  source.data.users = IdMap::rows(of.users);
  source.data.items = IdMap::rows(of.items);
  for (Position n = cut(ranks.rank()); n < cut(ranks.rank() + 1); ++n) {
    source.data.ratings.push_back(all.user[n], all.item[n], all.value[n]);
  }
  source.ratings = std::make_unique<RatingsInMemory>(source.data.ratings.view(), ranks);
  return source;
}

struct SharedCase {
  std::string name;
  Algorithm algorithm = Algorithm::als;
  Solver solver = Solver::cholesky;
  bool biases = true;
  int rank = 12;
  double valid_frac = 0.2;
  double lambda = 0.05;
  int epochs = 3;
  Convention convention = Convention::hu;
  Drawn drawn{};
};

TrainSettings shared_settings(const SharedCase& of, int threads) {
  TrainSettings settings;
  TrainConfig& config = settings.config;
  config.engine = "cpu";
  config.algorithm = of.algorithm;
  config.solver = of.solver;
  config.block = 5;
  config.rank = of.rank;
  config.epochs = of.epochs;
  config.patience = 2;
  if (of.algorithm == Algorithm::als) config.biases = of.biases;
  config.valid_frac = of.valid_frac;
  config.convention = of.convention;
  config.lambda_user = config.lambda_item = of.lambda;
  config.threads = threads;
  for (const char* given : {"epochs", "lambda-user", "lambda-item", "solver"}) {
    settings.given.insert(given);
  }
  settings.deterministic = true;
  return settings;
}

/// A file that validates names a user and an item that nobody has rated: as one process scores them, whoever has them.
TEST(SharedRows, UnknownIdsAreScoredAsByOneProcess) {
  for (const Drawn& of : {Drawn{2, 3, 12}, Drawn{40, 30, 400}}) {
    const Ratings all = drawn_ratings(of);
    const auto source = [&](Ranks& ranks) {
      TrainingSource part = part_of_source(all, ranks, of);
      part.valid.emplace();
      if (ranks.rank() == ranks.size() / 2) {
        part.valid->push_back(of.users, 0, 5);
        part.valid->push_back(of.users + 1, 1, 1);
        part.valid->push_back(0, of.items, 2);
        part.valid->push_back(of.users, of.items + 1, 3);
        part.valid->push_back(1, 1, 2);
      }
      return part;
    };
    const TrainSettings settings = shared_settings({.rank = 3, .valid_frac = 0}, 1);
    const Training expected = train(settings, source(Ranks::alone()));
    EXPECT_GT(expected.result.epochs.back().valid_rmse.value(), 0);
    for (const int size : {2, 3, 7}) {
      on_ranks(size, [&](Ranks& ranks) {
        const Training found = train(settings, source(ranks));
        expect_same_reports(expected, found);
        if (ranks.rank() == 0) expect_same_model(expected, found);
      });
    }
  }
}

class SharedRowsOf : public testing::TestWithParam<SharedCase> {};

TEST_P(SharedRowsOf, HaveTheBitsOfOneProcess) {
  const SharedCase& of = GetParam();
  const Ratings all = drawn_ratings(of.drawn);
  const Training expected = train(shared_settings(of, 1), part_of_source(all, Ranks::alone(), of.drawn));
  if (of.name == "BestIsNotTheLast") {
    EXPECT_EQ(expected.result.reason, StopReason::early);
    EXPECT_LT(expected.result.best_epoch, static_cast<int>(expected.result.epochs.size()));
  }
  EXPECT_EQ(of.name == "Deficient", expected.result.deficient_rows > 0);
  EXPECT_EQ(expected.result.epochs.back().valid_rmse.has_value(), of.algorithm == Algorithm::als && of.valid_frac > 0);
  const Training by_two = train(shared_settings(of, 2), part_of_source(all, Ranks::alone(), of.drawn));
  expect_same_model(expected, by_two);
  expect_same_reports(expected, by_two);
  for (const int size : {1, 2, 3, 4, 7}) {
    SCOPED_TRACE(std::to_string(size) + " ranks");
    on_ranks(size, [&](Ranks& ranks) {
      const Training found = train(shared_settings(of, 1 + ranks.rank() % 2), part_of_source(all, ranks, of.drawn));
      expect_same_reports(expected, found);
      if (ranks.rank() == 0) {
        expect_same_model(expected, found);
      } else {
        EXPECT_TRUE(found.model.tables.user_factors.empty());
        EXPECT_TRUE(found.model.tables.item_biases.empty());
      }
    });
  }
}

TEST_P(SharedRowsOf, GoOnWithAnotherNumberOfRanks) {
  const SharedCase& of = GetParam();
  const Ratings all = drawn_ratings(of.drawn);
  const TrainSettings settings = shared_settings(of, 1);
  const Training expected = train(settings, part_of_source(all, Ranks::alone(), of.drawn));
  const int epochs = static_cast<int>(expected.result.epochs.size());
  for (const std::vector<int>& sizes : std::vector<std::vector<int>>{{3, 1}, {1, 4}, {2, 7}}) {
    SCOPED_TRACE(testing::PrintToString(sizes));
    const FreshFolder folder;
    const auto go_on = [&](int size, int begun_at, int until) {
      on_ranks(size, [&](Ranks& ranks) {
        Ranks& theirs = size == 1 ? Ranks::alone() : ranks;
        const Training found =
            train_between(settings, begun_at, until, part_of_source(all, theirs, of.drawn), theirs, folder.file("c"));
        if (until < epochs) return;
        expect_same_reports(expected, found);
        if (ranks.rank() == 0) expect_same_model(expected, found);
      });
    };
    go_on(sizes[0], 0, epochs / 2);
    go_on(sizes[1], epochs / 2, of.epochs);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SharedRowsOf,
    testing::Values(
        SharedCase{"Explicit"}, SharedCase{.name = "WithoutBiases", .biases = false, .rank = 20, .valid_frac = 0},
        SharedCase{.name = "ExplicitByGradients", .solver = Solver::cg},
        SharedCase{.name = "BestIsNotTheLast", .rank = 30, .lambda = 0.001, .epochs = 40},
        SharedCase{.name = "Deficient", .biases = false, .rank = 9, .lambda = 0},
        SharedCase{.name = "Implicit", .algorithm = Algorithm::ials},
        SharedCase{.name = "ImplicitByGradients", .algorithm = Algorithm::ials, .solver = Solver::cg},
        SharedCase{.name = "ImplicitByBlocks", .algorithm = Algorithm::ials, .solver = Solver::subspace},
        SharedCase{.name = "ImplicitOfOnes", .algorithm = Algorithm::ials, .rank = 33, .convention = Convention::ials},
        // rows of few ratings are solved in the basis of the Gram matrix's eigenvectors
        SharedCase{.name = "Turned", .algorithm = Algorithm::ials, .rank = 16, .drawn = {3000, 40, 9000}},
        // an item of more ratings than one worker takes
        SharedCase{.name = "LongRow", .rank = 5, .epochs = 2, .drawn = {9000, 3, 60'000}},
        SharedCase{.name = "OneUser", .rank = 4, .drawn = {1, 30, 60}},
        SharedCase{.name = "OneUserImplicit", .algorithm = Algorithm::ials, .rank = 4, .drawn = {1, 30, 60}},
        SharedCase{.name = "FewerRowsThanRanks", .algorithm = Algorithm::ials, .rank = 4, .drawn = {3, 2, 40}},
        SharedCase{.name = "FewerRowsThanRanksExplicit", .rank = 4, .valid_frac = 0.5, .drawn = {3, 4, 40}}),
    [](const auto& test) { return test.param.name; });

SharedRatings shared_by(Ranks& ranks, const Ratings& all, const Drawn& of, int rank, bool whole_pieces) {
  ThreadPool pool(1);
  const TrainingSource source = part_of_source(all, ranks, of);
  const Ratings none;
  return share_by_row(pool, *source.ratings, RatingsInMemory(none.view(), ranks), of.users, of.items, rank,
                      whole_pieces);
}

/// Whether short rows are solved in the basis of the Gram matrix's eigenvectors, as in the case "Turned": no rank alone
/// has rows enough for it to pay.
TEST(SharedRows, WhatPaysIsDecidedByAllRows) {
  const Drawn of{3000, 40, 9000};
  const Ratings all = drawn_ratings(of);
  TrainConfig config;
  config.algorithm = Algorithm::ials;
  config.rank = 16;
  config.lambda_user = config.lambda_item = 0.05;
  for (const int size : {1, 20}) {
    on_ranks(size, [&](Ranks& ranks) {
      RatingLists lists = shared_by(ranks, all, of, config.rank, true).lists;
      EXPECT_TRUE(turned_sides(lists, config).users);
      EXPECT_FALSE(turned_sides(lists, config).items);
      lists.sharing = nullptr;
      EXPECT_EQ(turned_sides(lists, config).users, size == 1);
    });
  }
}

/// Cuts lie where the running cost passes a share, give or take the half of a row's.
TEST(SharedRows, RanksHaveAboutEqualCosts) {
  const Drawn of{500, 300, 20'000};
  const Ratings all = drawn_ratings(of);
  constexpr int kRank = 20;
  for (const int size : {2, 3, 4}) {
    on_ranks(size, [&](Ranks& ranks) {
      const SharedRatings mine = shared_by(ranks, all, of, kRank, false);
      const RowSharing& sharing = *mine.lists.sharing;
      const auto expect_share = [&](const SharedRows& rows, const HostBuffer<Position>& counts) {
        Position total = 0, largest = 0, own = 0;
        for (Position row = 0; row < counts.size(); ++row) {
          const Position cost = counts[row] + kRank / 2;
          total += cost;
          largest = std::max(largest, cost);
          const RowRange range = rows.all_of(ranks.rank());
          if (row >= range.begin && row < range.end) own += cost;
        }
        EXPECT_NEAR(static_cast<double>(own), static_cast<double>(total) / size, static_cast<double>(largest));
        EXPECT_LT(largest, total / size / 4);  // the bound says something
      };
      expect_share(sharing.users, sharing.counts.user);
      expect_share(sharing.items, sharing.counts.item);
    });
  }
}

/// Two kinds of users and items that have nothing to do with each other.
TEST(SharedRows, ATableHasOnlyTheRowsThatItsRankFindsOrNeeds) {
  constexpr RowId kUsers = 600, kItems = 200;
  Ratings all;
  for (Position i = 0; i < 6000; ++i) {
    const RandomBits bits = random_bits(5, Purpose::synthetic, static_cast<std::uint64_t>(i));
    const auto half = static_cast<RowId>(i % 2);
    all.push_back(half * kUsers / 2 + static_cast<RowId>(bits.word[0] % (kUsers / 2)),
                  half * kItems / 2 + static_cast<RowId>(bits.word[1] % (kItems / 2)), 1);
  }
  on_ranks(2, [&](Ranks& ranks) {
    const SharedRatings mine = shared_by(ranks, all, {kUsers, kItems, 0}, 8, false);
    const RowSharing& sharing = *mine.lists.sharing;
    EXPECT_EQ(sharing.n_ratings, 6000);
    EXPECT_EQ(ranks.sum(mine.lists.user.size()), 6000);
    EXPECT_EQ(ranks.sum(mine.lists.item.size()), 6000);
    // the cut is beside the middle by chance, by a row or some: those need the other half's
    EXPECT_LE(sharing.users.n_here(), kUsers * 6 / 10);
    EXPECT_LE(sharing.items.n_here(), kItems * 9 / 10);
    const Model tables = model_of_rank(make_model(0, 0, 8, false), sharing, TrainConfig{});
    EXPECT_EQ(tables.tables.user_factors.size(), sharing.users.n_here() * 8);
  });
}

/// What docs/scaling.md says: each rank sends each of its rows once to every other rank that needs it, k factors and a
/// bias.
TEST(SharedRows, WhatARankSendsIsWhatOthersNeed) {
  const Drawn of{500, 300, 1500};
  const Ratings all = drawn_ratings(of);
  constexpr int kRank = 12, kEpochs = 3;
  for (const bool implicit : {false, true}) {
    for (const int size : {1, 2, 5}) {
      on_ranks(size, [&](Ranks& ranks) {
        SharedRatings mine = shared_by(ranks, all, of, kRank, implicit);
        const std::shared_ptr<const RowSharing> sharing = mine.lists.sharing;
        const auto owner = [&](const SharedRows& rows, RowId row) {
          int r = 0;
          while (row >= rows.all_of(r).end) ++r;
          return r;
        };
        std::set<std::pair<int, RowId>> users, items;  // a rank, and a row of mine that it needs
        for (Position n = 0; n < all.size(); ++n) {
          const int of_user = owner(sharing->users, all.user[n]), of_item = owner(sharing->items, all.item[n]);
          if (of_user == of_item) continue;
          if (of_user == ranks.rank()) users.insert({of_item, all.user[n]});
          if (of_item == ranks.rank()) items.insert({of_user, all.item[n]});
        }
        const auto add_pieces = [&](const SharedRows& rows, Position n_rows, std::set<std::pair<int, RowId>>& needed) {
          for (RowId row = 0; row < n_rows; ++row) {
            const auto first = static_cast<RowId>(row / kGramRows * kGramRows);
            const int whose = owner(rows, first);
            if (owner(rows, row) == ranks.rank() && whose != ranks.rank()) needed.insert({whose, row});
          }
        };
        if (implicit) {
          add_pieces(sharing->users, of.users, users);
          add_pieces(sharing->items, of.items, items);
        }
        TrainConfig config;
        config.algorithm = implicit ? Algorithm::ials : Algorithm::als;
        config.rank = kRank;
        config.lambda_user = config.lambda_item = 0.1;
        config.threads = 1;
        const bool biases = !implicit;
        Model shape = make_model(0, 0, kRank, false);
        shape.n_users = of.users;
        shape.n_items = of.items;
        if (biases) {
          shape.tables.user_biases = HostBuffer<float>(of.users, 0.0F);
          shape.tables.item_biases = HostBuffer<float>(of.items, 0.0F);
        }
        Model model = model_of_rank(shape, *sharing, config);
        Cpu cpu(1);
        Alternating<Cpu> method(cpu, model.view(), std::move(mine.lists), config);
        for (int epoch = 0; epoch < kEpochs; ++epoch) method.run_epoch([](double) { return true; });
        const auto rows = static_cast<Position>(users.size() + items.size());
        EXPECT_EQ(method.bytes_sent(), kEpochs * 4 * (kRank + (biases ? 1 : 0)) * rows);
        EXPECT_EQ(size > 1, rows > 0);
      });
    }
  }
}

/// Pieces of a table, which ranks have between them as they come, some none.
TEST(SharedRows, AGramMatrixHasTheSameBitsWhoeverHasThePieces) {
  constexpr Position kRows = 1000;
  constexpr int kRank = 19;
  HostBuffer<float> table(kRows * kRank);
  for (Position n = 0; n < table.size(); ++n) {
    const std::uint32_t word = random_bits(3, Purpose::synthetic, static_cast<std::uint64_t>(n)).word[0];
    table[n] = (static_cast<float>(word) / 4294967296.0F - 0.5F) * static_cast<float>(1 << (n % kRank));
  }
  const auto rows_of = [&](Position first, Position count) {
    return Rows<const float, Host>{table.data() + first * kRank, count, kRank, kRank};
  };
  HostBuffer<float> expected(kRank * kRank);
  Cpu(1).gram(rows_of(0, kRows), {expected.data(), kRank, kRank, kRank});
  for (int f = 0; f < kRank; ++f) {  // the largest columns are 2^18 of the smallest: each has its own precision
    for (int g = 0; g < kRank; ++g) {
      double sum = 0, size = 0;
      for (Position r = 0; r < kRows; ++r) {
        const double product = static_cast<double>(table[r * kRank + f]) * static_cast<double>(table[r * kRank + g]);
        sum += product;
        size += std::fabs(product);
      }
      EXPECT_NEAR(static_cast<double>(expected[f * kRank + g]), sum, size * kGramRows * 0x1p-24) << f << ", " << g;
    }
  }
  for (const int size : {1, 2, 3, 7, 20}) {
    on_ranks(size, [&](Ranks& ranks) {
      constexpr Position kPieces = (kRows + kGramRows - 1) / kGramRows;
      const Position first = std::min(kPieces * ranks.rank() / size * kGramRows, kRows);
      const Position end = std::min(kPieces * (ranks.rank() + 1) / size * kGramRows, kRows);
      HostBuffer<float> sums(kRank * kRank);
      Cpu cpu(1 + ranks.rank() % 3);
      cpu.gram(rows_of(first, end - first), kRows, ranks, {sums.data(), kRank, kRank, kRank});
      EXPECT_TRUE(std::equal(sums.begin(), sums.end(), expected.begin()));
    });
  }
}

TEST(SharedRows, AGramMatrixOfWhatIsNotFiniteIsNot) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30F}) {
    HostBuffer<float> table(300 * 2, 1.0F);
    table[420] = bad;
    HostBuffer<float> sums(4, 0.0F);
    Cpu(2).gram({table.data(), 300, 2, 2}, {sums.data(), 2, 2, 2});
    EXPECT_FALSE(std::isfinite(sums[0])) << bad;
  }
}

TEST(SharedRows, OtherAlgorithmsByRowAreRefused) {
  const Drawn of;
  const Ratings all = drawn_ratings(of);
  const auto f = [&](Ranks& ranks) {
    train(shared_settings({.name = "", .algorithm = Algorithm::ccd}, 1), part_of_source(all, ranks, of));
  };
  EXPECT_THROW(on_ranks(2, f), UsageError);
}

}  // namespace
}  // namespace wf
