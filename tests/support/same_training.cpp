#include "tests/support/same_training.hpp"

#include "host/api/checkpoint_file.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

namespace wf::test {
namespace {

bool same_bits(const HostBuffer<float>& a, const HostBuffer<float>& b) {
  if (a.empty() || b.empty()) return a.size() == b.size();
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

}  // namespace

void expect_same_model(const Training& one, const Training& other) {
  EXPECT_TRUE(same_bits(one.model.tables.user_factors, other.model.tables.user_factors));
  EXPECT_TRUE(same_bits(one.model.tables.item_factors, other.model.tables.item_factors));
  EXPECT_TRUE(same_bits(one.model.tables.user_biases, other.model.tables.user_biases));
  EXPECT_TRUE(same_bits(one.model.tables.item_biases, other.model.tables.item_biases));
}

void expect_same_reports(const Training& one, const Training& other) {
  EXPECT_EQ(one.n_ratings, other.n_ratings);
  EXPECT_EQ(one.result.best_epoch, other.result.best_epoch);
  EXPECT_EQ(one.result.reason, other.result.reason);
  EXPECT_EQ(one.result.empty_rows, other.result.empty_rows);
  EXPECT_EQ(one.result.deficient_rows, other.result.deficient_rows);
  EXPECT_EQ(one.baselines.bias_rmse, other.baselines.bias_rmse);
  ASSERT_EQ(one.result.epochs.size(), other.result.epochs.size());
  for (std::size_t e = 0; e < one.result.epochs.size(); ++e) {
    EXPECT_EQ(one.result.epochs[e].train_loss, other.result.epochs[e].train_loss) << e;
    EXPECT_EQ(one.result.epochs[e].train_rmse, other.result.epochs[e].train_rmse) << e;
    EXPECT_EQ(one.result.epochs[e].valid_rmse, other.result.epochs[e].valid_rmse) << e;
    EXPECT_EQ(one.result.epochs[e].lr, other.result.epochs[e].lr) << e;
  }
}

Training train_between(const TrainSettings& settings, int begun_at, int epochs, TrainingSource source, Ranks& ranks,
                       const std::string& path) {
  TrainSettings part = settings;
  part.config.epochs = epochs;
  TrainCallbacks callbacks;
  callbacks.checkpoint_due = [](int, bool last) { return last; };
  callbacks.checkpoint = [&](const TrainingState& state) { write_checkpoint(path, {}, state, ranks); };
  TrainingState state;
  if (const FoundCheckpoint found = find_checkpoint(path, ranks); found.file) {
    state = found.file->state();
    callbacks.begin_from = &state;
  }
  EXPECT_EQ(state.epoch, begun_at);
  return train(part, std::move(source), callbacks);
}

}  // namespace wf::test
