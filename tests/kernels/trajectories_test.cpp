// Whole runs against recorded trajectories of the PyTorch module (scripts/golden.py): every case, on every engine.
// Tolerances, relative to the largest magnitude of each tensor: 2e-5; of each batch loss: 1e-5.
#include "host/api/engines.hpp"
#include "host/config/names.hpp"
#include "tests/support/npz.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

namespace wf::test {
namespace {

#if defined(WF_TEST_CUDA)
#define WF_ENGINES "cuda", "cuda_repeatable"
#else
#define WF_ENGINES "reference", "cpu"
#endif

constexpr double kTensorTolerance = 2e-5;
constexpr double kLossTolerance = 1e-5;

using Json = nlohmann::json;

template <class T>
T or_default(const Json& config, const char* key, T otherwise) {
  return config.at(key).is_null() ? otherwise : config.at(key).get<T>();
}

TrainConfig config_of(const Json& c) {
  TrainConfig config;
  config.rank = c.at("n_factors");
  config.batch_size = c.at("batch_size");
  config.epochs = c.at("epochs");
  config.loss = from_name<Loss>(c.at("loss").get<std::string>()).value();
  config.reduction = from_name<Reduction>(c.at("reduction").get<std::string>()).value();
  config.optimizer = from_name<Optimizer>(c.at("optimizer").get<std::string>()).value();
  config.gradients = c.at("sparse").get<bool>() ? Gradients::sparse : Gradients::dense;
  config.lr = c.at("lr");
  config.momentum = c.at("momentum");
  config.weight_decay = c.at("weight_decay");
  config.beta1 = c.at("betas").at(0);
  config.beta2 = c.at("betas").at(1);
  config.eps = c.at("eps");
  config.biases = c.at("biases");
  config.user_padding = or_default<RowId>(c, "user_padding_idx", -1);
  config.item_padding = or_default<RowId>(c, "item_padding_idx", -1);
  config.norm_limit = {or_default<float>(c, "max_norm", 0), c.at("norm_type").get<float>()};
  config.scale_grad_by_freq = c.at("scale_grad_by_freq");
  config.lambda_user = config.lambda_item = config.lambda_bias = 0;
  config.shuffle = Shuffle::none;
  return config;
}

HostBuffer<float> buffer_of(const Array& array) {
  HostBuffer<float> values;
  for (const double value : array.values) values.push_back(static_cast<float>(value));
  return values;
}

Model model_of(std::map<std::string, Array>& record, const Json& c, const std::string& prefix) {
  Model model = make_model(c.at("n_users"), c.at("n_items"), c.at("n_factors"), c.at("biases"));
  model.tables.user_factors = buffer_of(record.at(prefix + "user_factors.weight"));
  model.tables.item_factors = buffer_of(record.at(prefix + "item_factors.weight"));
  if (model.has_biases()) {
    model.tables.user_biases = buffer_of(record.at(prefix + "user_biases.weight"));
    model.tables.item_biases = buffer_of(record.at(prefix + "item_biases.weight"));
  }
  model.global_mean = c.at("global_mean");
  model.norm_limit = config_of(c).norm_limit;
  return model;
}

Ratings ratings_of(std::map<std::string, Array>& record) {
  Ratings ratings;
  for (std::size_t n = 0; n < record.at("users").values.size(); ++n) {
    ratings.push_back(static_cast<RowId>(record.at("users").values[n]),
                      static_cast<RowId>(record.at("items").values[n]),
                      static_cast<float>(record.at("ratings").values[n]));
  }
  return ratings;
}

/// The loss of a batch of one is the square of a difference d = score - rating of two numbers of size 5 at most.
/// PyTorch rounds the score to 2^-24 of its size, here 2^-22, so the loss is known to 2 |d| 2^-22 only: where d is
/// small that is more than 1e-5 of d^2. Longer batches average over such ratings and need no allowance.
double loss_tolerance(const Json& config, double expected) {
  const double relative = kLossTolerance * std::fabs(expected);
  return config.at("batch_size") == 1 ? relative + 2 * std::sqrt(std::fabs(expected)) * 0x1p-22 : relative;
}

/// Every value within tolerance * (largest magnitude of `expected`); NaN fails; the worst place is named.
template <class Values>
void expect_close(const Values& actual, const std::vector<double>& expected, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(static_cast<std::size_t>(actual.size()), expected.size()) << what;
  double largest = 0, worst = 0;
  std::size_t place = 0;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  for (std::size_t n = 0; n < expected.size(); ++n) {
    const double difference =
        std::fabs(static_cast<double>(*(actual.begin() + static_cast<std::ptrdiff_t>(n))) - expected[n]);
    if (!(difference <= worst)) {
      worst = difference;
      place = n;
    }
  }
  EXPECT_TRUE(worst <= tolerance * largest)
      << what << " differs by " << worst << " at " << place << ", allowed " << tolerance * largest;
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(WF_FIXTURES) + "/torch")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Trajectories : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Trajectories, RepeatPyTorch) {
  const auto& [engine_name, name] = GetParam();
  auto record = read_npz(std::string(WF_FIXTURES) + "/torch/" + name + ".npz");
  const Json c = Json::parse(record.at("config").text);
  Model model = model_of(record, c, "init.");
  std::vector<double> losses;
  TrainCallbacks callbacks;
  callbacks.batch_loss = [&](int, Position, double loss) { losses.push_back(loss); };

  const bool deterministic = engine_name == "cuda_repeatable";
  const std::unique_ptr<Engine> engine = make_engine(deterministic ? "cuda" : engine_name, 0, deterministic).engine;
  engine->train(model, ratings_of(record), {}, config_of(c), callbacks);

  const std::vector<double>& expected_losses = record.at("losses").values;
  ASSERT_EQ(losses.size(), expected_losses.size());
  for (std::size_t n = 0; n < losses.size(); ++n) {
    EXPECT_NEAR(losses[n], expected_losses[n], loss_tolerance(c, expected_losses[n])) << "batch " << n;
  }
  expect_close(model.tables.user_factors, record.at("final.user_factors.weight").values, kTensorTolerance,
               "user factors");
  expect_close(model.tables.item_factors, record.at("final.item_factors.weight").values, kTensorTolerance,
               "item factors");
  if (model.has_biases()) {
    expect_close(model.tables.user_biases, record.at("final.user_biases.weight").values, kTensorTolerance,
                 "user biases");
    expect_close(model.tables.item_biases, record.at("final.item_biases.weight").values, kTensorTolerance,
                 "item biases");
  }
  const Ratings ratings = ratings_of(record);
  HostBuffer<float> predictions(ratings.size());
  engine->open(model)->predict(ratings.user.span(), ratings.item.span(), predictions.span());
  expect_close(predictions, record.at("predictions").values, kTensorTolerance, "predictions");
}

INSTANTIATE_TEST_SUITE_P(Torch, Trajectories, testing::Combine(testing::Values(WF_ENGINES), testing::ValuesIn(cases())),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

TEST(TrajectoryFixtures, AreAllTwentyNine) {
  EXPECT_EQ(cases().size(), 29U);
}

}  // namespace
}  // namespace wf::test
