// Initial factors follow the law they are named for, and are a function of the seed.
// Bounds are five standard errors of the statistic, from the law's own moments: a right generator fails once in 1.7
// million seeds, and the seeds are fixed.
#include "host/model/model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace wf {
namespace {

constexpr int kInitUsers = 2000, kInitItems = 500, kInitRank = 50;
constexpr double kDraws = 1.0 * kInitUsers * kInitRank;

Model drawn(const InitConfig& init, std::uint64_t seed = 7, RowId user_padding = -1, RowId item_padding = -1) {
  Model model = make_model(kInitUsers, kInitItems, kInitRank, true);
  initialise(model, init, seed, user_padding, item_padding);
  return model;
}

std::vector<float> values(const HostBuffer<float>& table) {
  return {table.begin(), table.end()};
}

InitConfig of_kind(Init kind) {
  InitConfig init;
  init.kind = kind;
  init.scale = 1;
  return init;
}

double mean_power(const HostBuffer<float>& table, double center, int power) {
  double sum = 0;
  for (const float value : table) sum += std::pow(value - center, power);
  return sum / static_cast<double>(table.size());
}

/// Mean 0, variance sigma^2, and the third and fourth moments 0 and 3 sigma^4 of a normal law. The variances of the
/// sample moments are those of x, x^2, x^3, x^4: sigma^2 {1, 2 sigma^2, 15 sigma^4, 96 sigma^6} over n.
void expect_normal(const HostBuffer<float>& table, double sigma) {
  const double root_n = std::sqrt(static_cast<double>(table.size()));
  EXPECT_NEAR(mean_power(table, 0, 1) / sigma, 0, 5 / root_n);
  EXPECT_NEAR(mean_power(table, 0, 2) / std::pow(sigma, 2), 1, 5 * std::sqrt(2.0) / root_n);
  EXPECT_NEAR(mean_power(table, 0, 3) / std::pow(sigma, 3), 0, 5 * std::sqrt(15.0) / root_n);
  EXPECT_NEAR(mean_power(table, 0, 4) / std::pow(sigma, 4), 3, 5 * std::sqrt(96.0) / root_n);
}

/// Moments of U(low, high): mean, variance w^2 / 12; the variances of the sample's are w^2 / 12 and w^4 / 180. All
/// values lie inside, and both ends are come near to: (1 - 2e-4)^100000 < 3e-9.
void expect_uniform(const HostBuffer<float>& table, double low, double high) {
  const double root_n = std::sqrt(static_cast<double>(table.size()));
  const double width = high - low, center = (low + high) / 2;
  EXPECT_NEAR(mean_power(table, center, 1) / width, 0, 5 / std::sqrt(12.0) / root_n);
  EXPECT_NEAR(mean_power(table, center, 2) / (width * width), 1.0 / 12, 5 / std::sqrt(180.0) / root_n);
  const auto [least, most] = std::minmax_element(table.begin(), table.end());
  EXPECT_GE(*least, static_cast<float>(low));
  EXPECT_LE(*most, static_cast<float>(high));
  EXPECT_LT(*least, low + 2e-4 * width);
  EXPECT_GT(*most, high - 2e-4 * width);
}

TEST(Init, NormalIsStandardNormal) {
  const Model model = drawn(of_kind(Init::normal));
  expect_normal(model.tables.user_factors, 1);
  expect_normal(model.tables.item_factors, 1);
}

TEST(Init, ScaledHasVarianceOneOverRank) {
  expect_normal(drawn(of_kind(Init::scaled)).tables.user_factors, 1 / std::sqrt(kInitRank));
}

TEST(Init, UniformFillsItsRange) {
  InitConfig init = of_kind(Init::uniform);
  init.low = -0.25F;
  init.high = 0.75F;
  expect_uniform(drawn(init).tables.user_factors, -0.25, 0.75);
}

TEST(Init, ScaleMultipliesEveryDraw) {
  InitConfig init = of_kind(Init::normal);
  const Model whole = drawn(init);
  init.scale = 0.25F;
  const Model quarter = drawn(init);
  for (Position n = 0; n < whole.tables.user_factors.size(); ++n) {
    ASSERT_EQ(quarter.tables.user_factors[n], 0.25F * whole.tables.user_factors[n]);
  }
}

struct GainCase {
  Nonlinearity nonlinearity;
  float slope;
  double gain;  // torch.nn.init.calculate_gain
};

class Kaiming : public testing::TestWithParam<GainCase> {
 protected:
  static InitConfig config(Init kind, FanMode mode) {
    InitConfig init = of_kind(kind);
    init.fan_mode = mode;
    init.nonlinearity = GetParam().nonlinearity;
    init.negative_slope = GetParam().slope;
    return init;
  }
};

TEST_P(Kaiming, UniformReachesPyTorchsBound) {
  const Model in = drawn(config(Init::kaiming_uniform, FanMode::fan_in));
  const double bound = std::sqrt(3.0) * GetParam().gain;
  expect_uniform(in.tables.user_factors, -bound / std::sqrt(kInitRank), bound / std::sqrt(kInitRank));
  const Model out = drawn(config(Init::kaiming_uniform, FanMode::fan_out));
  expect_uniform(out.tables.user_factors, -bound / std::sqrt(kInitUsers), bound / std::sqrt(kInitUsers));
}

TEST_P(Kaiming, NormalHasPyTorchsDeviation) {
  const Model in = drawn(config(Init::kaiming_normal, FanMode::fan_in));
  expect_normal(in.tables.item_factors, GetParam().gain / std::sqrt(kInitRank));
  const Model out = drawn(config(Init::kaiming_normal, FanMode::fan_out));
  expect_normal(out.tables.item_factors, GetParam().gain / std::sqrt(kInitItems));
}

INSTANTIATE_TEST_SUITE_P(Gains, Kaiming,
                         testing::Values(GainCase{Nonlinearity::linear, 0, 1}, GainCase{Nonlinearity::sigmoid, 0, 1},
                                         GainCase{Nonlinearity::tanh, 0, 5.0 / 3},
                                         GainCase{Nonlinearity::relu, 0, 1.4142135623730951},
                                         GainCase{Nonlinearity::leaky_relu, 0, 1.4142135623730951},
                                         GainCase{Nonlinearity::leaky_relu, 0.5F, 1.2649110640673518},
                                         GainCase{Nonlinearity::selu, 0, 0.75}));

TEST(Init, IsAFunctionOfTheSeed) {
  const InitConfig init;
  EXPECT_EQ(values(drawn(init, 1).tables.user_factors), values(drawn(init, 1).tables.user_factors));
  EXPECT_NE(values(drawn(init, 1).tables.user_factors), values(drawn(init, 2).tables.user_factors));
}

TEST(Init, DoesNotDependOnTheNumberOfRows) {
  const Model large = drawn(of_kind(Init::normal));
  Model small = make_model(10, 10, kInitRank, false);
  initialise(small, of_kind(Init::normal), 7, -1, -1);
  for (Position n = 0; n < small.tables.user_factors.size(); ++n) {
    ASSERT_EQ(small.tables.user_factors[n], large.tables.user_factors[n]);
  }
}

TEST(Init, UsersAndItemsAreDrawnApart) {
  const Model model = drawn(of_kind(Init::normal));
  const Tables& t = model.tables;
  double products = 0;
  for (Position n = 0; n < t.item_factors.size(); ++n) products += t.user_factors[n] * t.item_factors[n];
  const auto draws = static_cast<double>(t.item_factors.size());
  EXPECT_NEAR(products / draws, 0, 5 / std::sqrt(draws));  // correlation
}

TEST(Init, NeighbouringDrawsAreUncorrelated) {
  const Model model = drawn(of_kind(Init::normal));
  const HostBuffer<float>& table = model.tables.user_factors;
  for (const int lag : {1, 2, kInitRank}) {
    double products = 0;
    for (Position n = lag; n < table.size(); ++n) products += table[n] * table[n - lag];
    EXPECT_NEAR(products / kDraws, 0, 5 / std::sqrt(kDraws)) << "lag " << lag;
  }
}

TEST(Init, ZeroesPaddingRowsAndBiasesAlone) {
  Model model = make_model(kInitUsers, kInitItems, kInitRank, true);
  std::fill(model.tables.user_biases.begin(), model.tables.user_biases.end(), 9.0F);
  std::fill(model.tables.item_biases.begin(), model.tables.item_biases.end(), 9.0F);
  initialise(model, of_kind(Init::normal), 7, 3, 0);
  const ModelView<float, Host> view = model.view();
  for (int f = 0; f < kInitRank; ++f) {
    EXPECT_EQ(view.user_factors.row(3)[f], 0);
    EXPECT_EQ(view.item_factors.row(0)[f], 0);
    EXPECT_NE(view.user_factors.row(2)[f], 0);
    EXPECT_NE(view.item_factors.row(1)[f], 0);
  }
  EXPECT_EQ(values(model.tables.user_biases), std::vector<float>(kInitUsers, 0.0F));
  EXPECT_EQ(values(model.tables.item_biases), std::vector<float>(kInitItems, 0.0F));

  const Model unpadded = drawn(of_kind(Init::normal));  // the other rows are drawn as without padding
  EXPECT_EQ(view.user_factors.row(4)[0], unpadded.view().user_factors.row(4)[0]);
}

TEST(Init, IsTheSameForAnyNumberOfThreads) {
  Model one = make_model(kInitUsers, kInitItems, kInitRank, true);
  Model three = make_model(kInitUsers, kInitItems, kInitRank, true);
  initialise(one, of_kind(Init::scaled), 7, 3, 0, 1);
  initialise(three, of_kind(Init::scaled), 7, 3, 0, 3);
  EXPECT_EQ(values(one.tables.user_factors), values(three.tables.user_factors));
  EXPECT_EQ(values(one.tables.item_factors), values(three.tables.item_factors));
}

}  // namespace
}  // namespace wf
