// What two trainings have in common: everything, to the bit.
#pragma once
#include "host/api/train.hpp"

#include <string>

namespace wf::test {

/// Tables of the models. Records a failure for each that differs.
void expect_same_model(const Training& one, const Training& other);

/// Epochs, losses, and why it ended.
void expect_same_reports(const Training& one, const Training& other);

/// Trains `epochs` of them, on from the checkpoint at `path` where there is one, which must be of epoch `begun_at`, and
/// leaves one of the last.
Training train_between(const TrainSettings& settings, int begun_at, int epochs, TrainingSource source, Ranks& ranks,
                       const std::string& path);

}  // namespace wf::test
