// verify: agreement passes, and an engine that is wrong in one number of one phase is caught there.
#include "host/api/verify.hpp"
#include "host/api/engines.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace wf::test {
namespace {

Ratings some_ratings(Position count) {
  Ratings ratings;
  for (Position n = 0; n < count; ++n) {
    const RandomBits bits = random_bits(9, Purpose::synthetic, static_cast<std::uint64_t>(n));
    ratings.push_back(static_cast<RowId>(bits.word[0] % 40), static_cast<RowId>(bits.word[1] % 30),
                      0.5F * static_cast<float>(1 + bits.word[2] % 10));
  }
  return ratings;
}

VerifyPlan small_plan() {
  VerifyPlan plan;
  plan.config.rank = 9;
  plan.config.batch_size = 50;
  plan.config.lr = 0.5;
  plan.steps = 4;
  return plan;
}

enum class Mistake { value, rows, silence };

/// The reference, but for one phase of step 2: `shift` is added to its first value, its rows are named backwards, or
/// it is not reported.
class WrongEngine : public Engine {
 public:
  WrongEngine(std::string phase, float shift, Mistake mistake = Mistake::value)
      : phase_(std::move(phase)), shift_(shift), mistake_(mistake) {}

  std::string name() const override { return "wrong"; }
  std::optional<DeviceMemory> memory() const override { return std::nullopt; }
  MemoryPlan plan(const TrainingSize&, const TrainConfig&) const override { return {}; }
  TrainResult train(Model& model, Ratings train, const RatingsView<Host>& valid, const TrainConfig& config,
                    const TrainCallbacks& callbacks) override {
    TrainCallbacks altered = callbacks;
    if (callbacks.phase) {
      altered.phase = [&](const PhaseValues& seen) {
        HostBuffer<float> values(seen.values.count * seen.values.rank);
        std::copy_n(seen.values.data, values.size(), values.data());
        std::vector<RowId> rows(seen.rows.begin(), seen.rows.end());
        if (seen.step == 2 && seen.phase == phase_) {
          if (mistake_ == Mistake::silence) return;
          if (mistake_ == Mistake::rows) std::reverse(rows.begin(), rows.end());
          if (mistake_ == Mistake::value) values[0] += shift_;
        }
        callbacks.phase({seen.step,
                         seen.phase,
                         {rows.data(), static_cast<Position>(rows.size())},
                         {values.data(), seen.values.count, seen.values.rank, seen.values.rank}});
      };
    }
    return engine_->train(model, std::move(train), valid, config, altered);
  }
  TrainResult train_by_block(Model& model, BlockGrid& grid, const RatingsView<Host>& valid, const TrainConfig& config,
                             const TrainCallbacks& callbacks) override {
    return engine_->train_by_block(model, grid, valid, config, callbacks);
  }
  TrainResult train_by_row(Model& model, RatingLists lists, const RatingsView<Host>& valid, const TrainConfig& config,
                           const TrainCallbacks& callbacks) override {
    return engine_->train_by_row(model, std::move(lists), valid, config, callbacks);
  }
  GridWish grid_wish() const override { return engine_->grid_wish(); }
  std::unique_ptr<Scorer> open(const Model& model) override { return engine_->open(model); }

 private:
  std::unique_ptr<Engine> engine_ = make_engine("reference", 1).engine;
  std::string phase_;
  float shift_;
  Mistake mistake_;
};

std::vector<ComparedPhase> verify_against_reference(Engine& engine, const VerifyPlan& plan = small_plan()) {
  const Ratings ratings = some_ratings(300);
  return verify(*make_engine("reference", 1).engine, engine, ratings.view(), plan);
}

TEST(Verify, TheCpuEngineAgrees) {
  for (const bool biases : {false, true}) {
    VerifyPlan plan = small_plan();
    plan.config.biases = biases;
    const auto engine = make_engine("cpu", 2).engine;
    const auto phases = verify_against_reference(*engine, plan);
    EXPECT_EQ(phases.size(), biases ? 20U : 14U);
    for (const ComparedPhase& phase : phases) {
      EXPECT_TRUE(phase.passed()) << phase.name << ": " << phase.largest_relative << " of " << phase.allowed;
      EXPECT_GT(phase.values, 0) << phase.name;
    }
  }
}

TEST(Verify, OneWrongNumberIsFoundWhereItIs) {
  for (const std::string name : {"slopes", "user gradients", "item gradients", "user factors", "item factors"}) {
    WrongEngine engine(name, 1e-2F);
    for (const ComparedPhase& phase : verify_against_reference(engine)) {
      EXPECT_EQ(phase.passed(), phase.name != name) << phase.name;
      if (phase.passed()) continue;
      EXPECT_EQ(phase.first_apart->step, 2);
      EXPECT_EQ(phase.first_apart->column, 0);
      EXPECT_NEAR(phase.first_apart->actual - phase.first_apart->expected, 1e-2, 1e-5);
      EXPECT_NEAR(phase.largest_absolute, 1e-2, 1e-5);
    }
  }
}

TEST(Verify, RightValuesOfOtherRowsFail) {
  WrongEngine engine("item gradients", 0, Mistake::rows);
  for (const ComparedPhase& phase : verify_against_reference(engine)) {
    EXPECT_EQ(phase.passed(), phase.name != "item gradients") << phase.name;
  }
}

TEST(Verify, APhaseThatIsNotReportedFails) {
  for (const std::string name : {"slopes", "item biases"}) {
    WrongEngine engine(name, 0, Mistake::silence);
    bool passed = true;
    for (const ComparedPhase& phase : verify_against_reference(engine)) passed = passed && phase.passed();
    EXPECT_FALSE(passed) << name;
  }
}

TEST(Verify, AdaptiveOptimizersAgree) {
  for (const Optimizer optimizer : {Optimizer::adagrad, Optimizer::sparse_adam}) {
    VerifyPlan plan = small_plan();
    plan.config.optimizer = optimizer;
    plan.config.lr = 0.01;
    const auto engine = make_engine("cpu", 2).engine;
    for (const ComparedPhase& phase : verify_against_reference(*engine, plan)) {
      EXPECT_TRUE(phase.passed()) << phase.name << ": " << phase.largest_relative << " of " << phase.allowed;
    }
  }
}

TEST(Verify, RefusesMoreStepsThanItCanKeep) {
  VerifyPlan plan = small_plan();
  plan.steps = 1000000;
  plan.config.rank = 1024;
  const auto engine = make_engine("cpu", 2).engine;
  EXPECT_THROW(verify_against_reference(*engine, plan), UsageError);
}

TEST(Verify, ANumberThatIsNoneFails) {
  WrongEngine engine("user factors", NAN);
  for (const ComparedPhase& phase : verify_against_reference(engine)) {
    EXPECT_EQ(phase.passed(), phase.name != "user factors") << phase.name;
  }
}

TEST(Verify, AToleranceIsObeyed) {
  VerifyPlan plan = small_plan();
  plan.tolerance = 1;
  WrongEngine engine("user factors", 1e-2F);
  for (const ComparedPhase& phase : verify_against_reference(engine, plan)) EXPECT_TRUE(phase.passed()) << phase.name;
}

TEST(Verify, AllowsMoreForLongerSumsAndLaterSteps) {
  EXPECT_LT(allowed_difference(10, 1), allowed_difference(100, 1));
  EXPECT_LT(allowed_difference(10, 1), allowed_difference(10, 9));
  EXPECT_DOUBLE_EQ(allowed_difference(1, 0), 0x1p-23);
}

}  // namespace
}  // namespace wf::test
