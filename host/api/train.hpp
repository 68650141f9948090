// A training, in its stages and as a whole: settings and ratings in, a model out.
#pragma once
#include "host/api/engines.hpp"
#include "host/api/training_data.hpp"

namespace wf {

/// Throws UsageError for settings of a device where the engine has none.
void check_device_options(const TrainSettings& settings, const Engine& engine);

/// Throws UsageError for padding rows outside the tables.
void check_padding(const TrainConfig& config, const Dataset& ids);

/// The model before its first epoch, which takes the ids over, and of `data` the biases that were fitted.
Model new_model(const TrainSettings& settings, const TrainConfig& config, Dataset&& ids, TrainingData& data);

/// Trains the model on what was laid out for the engine; of `data`, the validation part and the baselines stay. Errors
/// are those of Engine::train.
TrainResult run_training(Engine& engine, Model& model, TrainingData& data, const TrainConfig& config,
                         const TrainCallbacks& callbacks);

struct Training {
  TrainConfig config;  ///< with all that was settled
  Model model;
  TrainResult result;
  Baselines baselines;
  Position n_ratings = 0;  ///< trained on
};

/// All of it. The model has no record of where its ratings are from (host/api/record.hpp).
Training train(const TrainSettings& settings, TrainingSource source, const TrainCallbacks& callbacks = {});

}  // namespace wf
