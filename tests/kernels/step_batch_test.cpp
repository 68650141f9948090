// A batch stepped as a whole has the bits of the ops one by one, on every instruction set and number of threads.
#include "host/config/names.hpp"
#include "host/cpu/cpu.hpp"
#include "tests/kernels/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace wf::test {
namespace {

constexpr Position kUsers = 300, kItems = 200, kRatings = 5000;

/// Everything that a batch needs, from the same numbers each time.
class Problem {
 public:
  Problem(int rank, const RuleSettings& rule, Loss loss)
      : loss_(loss),
        rule_(rule),
        tables_(kUsers, kItems, rank, 17, 0.3F),
        batch_(random_ratings(kRatings, kUsers, kItems, 9, true)),  // rows of more than kSumChunk ratings, too
        slopes_(kRatings),
        user_gradients_(kUsers, rank, 1),
        item_gradients_(kItems, rank, 1),
        first_{Table(kUsers, rank, 0, 0), Table(kItems, rank, 0, 0)},
        second_{Table(kUsers, rank, 0, 0), Table(kItems, rank, 0, 0)} {}

  BatchStep<Host> step(const BatchGroups<Host>& groups) {
    const auto options = [this](std::vector<float>& penalties) {
      return GradientOptions<Host>{true, {penalties.data(), static_cast<Position>(penalties.size())}, 0.01F};
    };
    return {tables_.view(),
            batch_.view(),
            loss_,
            0.25F,
            slopes_.span(),
            rule_,
            1,
            {groups.user, options(user_penalties_), 3, state(0)},
            {groups.item, options(item_penalties_), -1, state(1)},
            item_gradients_.view()};
  }

  std::vector<float> whole(Cpu& kernels) {
    kernels.start_batches(kUsers, kItems);
    kernels.step_batch(step(kernels.group_batch(batch_.view(), {})));
    return results(kernels);
  }
  /// A step without ratings first, which groups the batch beside nothing.
  std::vector<float> whole_after_another(Cpu& kernels) {
    kernels.start_batches(kUsers, kItems);
    BatchStep<Host> nothing = step(kernels.group_batch({}, batch_.view()));
    nothing.batch = {};
    kernels.step_batch(nothing);
    kernels.step_batch(step(kernels.group_batch(batch_.view(), {})));
    return results(kernels);
  }
  std::vector<float> by_ops(Cpu& kernels) {
    const BatchStep<Host> s = step(kernels.group_rows(batch_.view(), kUsers, kItems));
    const Rows<float, Host> users = s.model.user_factors, items = s.model.item_factors;
    kernels.loss_slopes(s.model, s.batch, s.loss, s.scale, s.slopes);
    kernels.row_gradients(s.user.groups, s.slopes, s.batch.item, items, users, s.user.options, user_gradients_.view());
    kernels.row_gradients(s.item.groups, s.slopes, s.batch.user, users, items, s.item.options, item_gradients_.view());
    kernels.optimizer_step(rule_, 1, users, s.user.groups.rows, user_gradients_.view(), s.user.padding, s.user.state);
    kernels.optimizer_step(rule_, 1, items, s.item.groups.rows, item_gradients_.view(), s.item.padding, s.item.state);
    return results(kernels);
  }

  /// Of the errors too, which are doubles whose order of adding may differ: rounded.
  std::vector<float> results(Cpu& kernels) const {
    std::vector<float> all = tables_.values();
    all.insert(all.end(), slopes_.begin(), slopes_.end());
    for (const Table* state : {&first_[0], &first_[1], &second_[0], &second_[1]}) {
      const std::vector<float> values = state->values();
      all.insert(all.end(), values.begin(), values.end());
    }
    const ErrorSums sums = kernels.take_errors();
    EXPECT_EQ(sums.count, kRatings);
    all.push_back(static_cast<float>(sums.loss));
    all.push_back(static_cast<float>(sums.absolute));
    return all;
  }

 private:
  OptimizerState<Host> state(std::size_t side) { return {first_[side].view(), second_[side].view(), {}}; }

  Loss loss_;
  RuleSettings rule_;
  Tables4 tables_;
  Ratings batch_;
  HostBuffer<float> slopes_;
  Table user_gradients_, item_gradients_;
  Table first_[2], second_[2];
  std::vector<float> user_penalties_ = std::vector<float>(kUsers, 0.5F);
  std::vector<float> item_penalties_ = std::vector<float>(kItems, 0.25F);
};

TEST(StepBatch, HasTheBitsOfTheOpsOnEveryInstructionSetAndNumberOfThreads) {
  const RuleSettings sgd{.rule = Rule::sgd, .lr = 0.01, .weight_decay = 0.1};
  for (const int rank : {1, 7, 8, 16, 31, 32, 33, 64, 100, 128}) {
    Cpu plain(1, Simd::portable);
    const std::vector<float> expected = Problem(rank, sgd, Loss::mse).by_ops(plain);
    for (const Simd simd : usable_simd()) {
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(testing::Message() << "rank " << rank << ", " << name_of(simd) << ", " << threads << " threads");
        Cpu kernels(threads, simd);
        EXPECT_EQ(Problem(rank, sgd, Loss::mse).whole(kernels), expected);
        EXPECT_EQ(Problem(rank, sgd, Loss::mse).by_ops(kernels), expected);
      }
    }
  }
}

TEST(StepBatch, KnowsEveryRuleAndLoss) {
  for (const Rule rule : {Rule::sgd, Rule::momentum, Rule::adagrad, Rule::adam, Rule::sparse_adam}) {
    for (const auto& [word, loss] : Names<Loss>::table) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(rule) << ", loss " << static_cast<int>(loss));
      const RuleSettings settings{.rule = rule, .lr = 0.01, .momentum = 0.9};
      Cpu plain(1, Simd::portable), fastest(2);
      EXPECT_EQ(Problem(33, settings, loss).whole(fastest), Problem(33, settings, loss).by_ops(plain));
    }
  }
}

TEST(GroupBatch, GroupsEachBatchAsIfItWereAlone) {
  const Ratings ratings = random_ratings(2500, 70, 60, 3, true);
  const auto part = [&](Position b) { return ratings.view().part(b * 1000, b == 2 ? 500 : 1000); };
  Cpu kernels(2);
  kernels.start_batches(70, 60);
  for (Position b = 0; b < 3; ++b) {
    const RatingsView<Host> batch = part(b);
    const RowGroups<Host> groups = kernels.group_batch(batch, b < 2 ? part(b + 1) : RatingsView<Host>{}).item;
    RowGrouper grouper;
    EXPECT_EQ(groups.rows.size, grouper.group(batch.item, 60).rows.size);
    ASSERT_EQ(groups.starts[groups.rows.size], batch.size());
    for (Position g = 0; g < groups.rows.size; ++g) {
      const Position count = groups.starts[g + 1] - groups.starts[g];
      EXPECT_EQ(g<groups.repeated, count> 1);
      const Span<const RowId, Host> members = groups.members.part(groups.starts[g], count);
      EXPECT_TRUE(std::is_sorted(members.begin(), members.end()));
      for (const RowId member : members) {
        EXPECT_EQ(batch.item[member], groups.rows[g]);
        EXPECT_EQ(groups.group_of_row[groups.rows[g]], g);
      }
    }
  }
}

TEST(StepBatch, GroupsTheNextBatchOnTheWay) {
  const RuleSettings sgd{.rule = Rule::sgd, .lr = 0.01};
  Problem alone(16, sgd, Loss::mse), announced(16, sgd, Loss::mse);
  Cpu kernels(2);
  const std::vector<float> expected = alone.whole(kernels);
  EXPECT_EQ(announced.whole_after_another(kernels), expected);
}

}  // namespace
}  // namespace wf::test
