// gd, ccd and nmf as an engine trains them: the objective, epoch by epoch, and where they end up beside als.
#include "host/api/engines.hpp"
#include "host/base/error.hpp"
#include "host/kernels/solve_rules.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace wf::test {
namespace {

constexpr Position kDescentUsers = 60, kDescentItems = 40;

class Descends : public testing::TestWithParam<const char*> {
 protected:
  static TrainConfig config(Algorithm algorithm) {
    TrainConfig config;
    config.algorithm = algorithm;
    config.rank = 5;
    config.lambda_user = 0.05;
    config.lambda_item = 0.08;
    config.lambda_bias = 2;
    config.patience = 1000;
    return config;
  }
  static Model start(const TrainConfig& config) {
    Model model = make_model(kDescentUsers, kDescentItems, config.rank, config.biases);
    initialise(model, config.init, 7, -1, -1);
    model.global_mean = 2.75F;
    if (config.algorithm == Algorithm::nmf) make_nonnegative(model);
    return model;
  }
  /// Of random pairs, a popular user and item among them: one planted factor, and noise.
  static Ratings ratings() {
    Ratings ratings = random_ratings(900, kDescentUsers, kDescentItems, 3, true);
    for (Position n = 0; n < ratings.size(); ++n) {
      const auto user = static_cast<float>(ratings.user[n]), item = static_cast<float>(ratings.item[n]);
      ratings.value[n] = 2.75F + 1.5F * std::sin(user) * std::cos(3 * item) + 0.1F * (ratings.value[n] - 2.75F);
    }
    return ratings;
  }

  /// `epochs` from the start on.
  static Model trained(TrainConfig config, int epochs, int threads = 2) {
    config.epochs = epochs;
    Model model = start(config);
    make_engine(GetParam(), threads).engine->train(model, ratings(), Ratings().view(), config, {});
    return model;
  }

  /// In double, by definition.
  static double objective(const Model& model, const TrainConfig& config) {
    const ModelView<const float, Host> view = model.view();
    HostBuffer<Position> user_counts(kDescentUsers, 0), item_counts(kDescentItems, 0);
    double sum = 0;
    for (const auto& [user, item, value] : triples_of(ratings().view())) {
      const double error = static_cast<double>(value) - score<double>(view, {}, user, item);
      sum += error * error;
      ++user_counts[user];
      ++item_counts[item];
    }
    const auto penalty = [&](const Rows<const float, Host>& rows, const HostBuffer<Position>& counts, double lambda) {
      for (Position row = 0; row < rows.count; ++row) {
        sum += lambda * static_cast<double>(counts[row]) * dot<double>(rows.row(row), rows.row(row), rows.rank);
      }
    };
    penalty(view.user_factors, user_counts, config.lambda_user);
    penalty(view.item_factors, item_counts, config.lambda_item);
    const HostBuffer<Position> ones(std::max(kDescentUsers, kDescentItems), 1);
    penalty(view.user_biases, ones, config.lambda_bias);
    penalty(view.item_biases, ones, config.lambda_bias);
    return sum;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, Descends, testing::Values("reference", "cpu"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(Descends, TheObjectiveNeverRises) {
  for (const Algorithm algorithm : {Algorithm::gd, Algorithm::ccd}) {
    for (const bool biases : {false, true}) {
      TrainConfig of = config(algorithm);
      of.biases = biases;
      const double first = objective(start(of), of);
      double before = first;
      for (int epochs = 1; epochs <= 15; ++epochs) {
        const double now = objective(trained(of, epochs), of);
        // numbers are rounded to 2^-24, and so are scores of ratings up to 5, whose errors they change
        EXPECT_LE(now, before * (1 + rounding(of.rank, 8))) << static_cast<int>(algorithm) << ", epoch " << epochs;
        before = now;
      }
      EXPECT_LT(before,
                (algorithm == Algorithm::gd ? 0.95 : 0.8) * first);  // rows of many ratings keep gd's steps short
    }
  }
}

TEST_P(Descends, BothEndWhereAlsEndsWithLittleRoomForAnother) {
  TrainConfig of = config(Algorithm::als);
  of.rank = 1;  // one minimum but for its sign
  of.lambda_user = of.lambda_item = 0.02;
  const double expected = objective(trained(of, 400), of);
  of.algorithm = Algorithm::ccd;
  EXPECT_NEAR(objective(trained(of, 400), of), expected, 1e-4 * expected);
  of.algorithm = Algorithm::gd;
  EXPECT_NEAR(objective(trained(of, 3000), of), expected, 1e-2 * expected);
}

TEST_P(Descends, ReportedErrorsAreThoseOfTheModelAfterTheEpoch) {
  for (const Algorithm algorithm : {Algorithm::gd, Algorithm::ccd}) {
    TrainConfig of = config(algorithm);
    of.epochs = 3;
    Model model = start(of);
    const TrainResult result = make_engine(GetParam(), 2).engine->train(model, ratings(), Ratings().view(), of, {});
    ErrorSums sums;
    const ModelView<const float, Host> view = model.view();
    for (const auto& [user, item, value] : triples_of(ratings().view())) {
      add_list_error(sums, SolveSettings{}, score<double>(view, {}, user, item), static_cast<double>(value));
    }
    EXPECT_EQ(result.epochs.size(), 3U);
    EXPECT_NEAR(result.epochs.back().train_rmse, sums.rmse(), 1e-5);
  }
}

TEST_P(Descends, NmfRefusesWhatIsBelowZero) {
  TrainConfig of = config(Algorithm::nmf);
  of.solver = Solver::multiplicative;
  of.biases = false;
  of.epochs = 1;
  Model model = start(of);
  const auto engine = make_engine(GetParam(), 2).engine;
  Ratings below = ratings();
  below.value[5] = -1;
  EXPECT_THROW(engine->train(model, std::move(below), Ratings().view(), of, {}), UsageError);
  Model negative = start(of);
  negative.tables.item_factors[3] = -0.5F;
  EXPECT_THROW(engine->train(negative, ratings(), Ratings().view(), of, {}), UsageError);
}

TEST_P(Descends, NmfOfAllCellsCountsWhatIsNamedTwiceAsOneCell) {
  TrainConfig of = config(Algorithm::nmf);
  of.solver = Solver::multiplicative;
  of.missing = Missing::zero;
  of.biases = false;
  of.epochs = 5;
  const auto loss_of = [&](const Ratings& given) {
    Model model = start(of);
    const TrainResult result = make_engine(GetParam(), 2).engine->train(model, given.clone(), Ratings().view(), of, {});
    return result.epochs.back().train_loss;
  };
  const Ratings once = ratings_of({{0, 0, 5}, {1, 2, 2}, {3, 1, 4}});
  const Ratings twice = ratings_of({{0, 0, 2}, {1, 2, 2}, {3, 1, 4}, {0, 0, 3}});
  EXPECT_DOUBLE_EQ(loss_of(once), loss_of(twice));
}

TEST_P(Descends, NmfOfAllCellsReportsTheMeanOverAllCells) {
  for (const NmfLoss loss : {NmfLoss::frobenius, NmfLoss::kl}) {
    TrainConfig of = config(Algorithm::nmf);
    of.solver = Solver::multiplicative;
    of.nmf_loss = loss;
    of.missing = Missing::zero;
    of.biases = false;
    of.epochs = 3;
    Model model = start(of);
    const TrainResult result = make_engine(GetParam(), 2).engine->train(model, ratings(), Ratings().view(), of, {});
    const ModelView<const float, Host> view = model.view();
    std::map<std::pair<RowId, RowId>, double> cells;
    for (const auto& [user, item, value] : triples_of(ratings().view()))
      cells[{user, item}] += static_cast<double>(value);
    double sum = 0, size = 0;
    for (Position u = 0; u < model.n_users; ++u) {
      for (Position i = 0; i < model.n_items; ++i) {
        const auto user = static_cast<RowId>(u), item = static_cast<RowId>(i);
        const auto found = cells.find({user, item});
        const double value = found == cells.end() ? 0 : found->second;
        const double one = score<double>(view, {}, user, item);
        if (loss == NmfLoss::frobenius) {
          sum += (value - one) * (value - one);
          size += value * value + one * one;
        } else {
          sum += (value > 0 ? value * std::log(value / one) : 0) - value + one;
          size += value + one;
        }
      }
    }
    const auto n_cells = static_cast<double>(model.n_users * model.n_items);
    // of sums in float of terms of one sign, and their difference
    EXPECT_NEAR(result.epochs.back().train_loss, sum / n_cells, 1e-5 * size / n_cells);
    if (loss == NmfLoss::frobenius) {
      EXPECT_NEAR(result.epochs.back().train_rmse, std::sqrt(sum / n_cells), 1e-4);
    } else {
      EXPECT_TRUE(std::isnan(result.epochs.back().train_rmse));
    }
  }
}

}  // namespace
}  // namespace wf::test
