#include "host/api/train.hpp"

#include "host/model/model_file.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/train/grid_rows.hpp"

#include <fmt/format.h>

#include <utility>

namespace wf {
namespace {

/// Of several ranks, which draw their rows themselves (host/train/ring_tables.hpp, host/train/shared_tables.hpp).
Model model_without_factors(Position n_users, Position n_items, const TrainConfig& config) {
  Model model = make_model(0, 0, config.rank, false);
  model.n_users = n_users;
  model.n_items = n_items;
  if (!config.biases) return model;
  model.tables.user_biases = HostBuffer<float>(n_users, 0.0F);
  model.tables.item_biases = HostBuffer<float>(n_items, 0.0F);
  return model;
}

void draw_factors(Model& model, const TrainConfig& config, const TrainingData& data) {
  if (!finds_spectrum(config.algorithm)) {  // svd and pca begin with nothing of the model
    initialise(model, config.init, config.seed, config.user_padding, config.item_padding, config.threads);
  }
  if (data.grid) zero_unrated_rows(model, data.grid->counts());
  if (config.nonnegative || config.algorithm == Algorithm::nmf) make_nonnegative(model);
}

}  // namespace

void check_device_options(const TrainSettings& settings, const Engine& engine) {
  if (settings.deterministic && settings.given.contains("device-plan")) {
    throw UsageError("--deterministic has a plan of its own, a warp for each block", "leave out --device-plan");
  }
  if (engine.memory()) return;
  for (const std::string option : {"device-memory", "device-plan", "storage", "als-precision"}) {
    const bool is_default = (option == "storage" && settings.config.storage == Storage::fp32) ||
                            (option == "als-precision" && settings.config.als_precision == Precision::fp32);
    if (!settings.given.contains(option) || is_default) continue;
    throw UsageError(fmt::format("--{} is for a device, and engine {} has none", option, engine.name()),
                     "leave it out, or take --engine cuda");
  }
}

void check_padding(const TrainConfig& config, const Dataset& ids) {
  const auto check = [](const char* option, RowId row, Position rows) {
    if (row >= rows) {
      throw UsageError(fmt::format("{} {} lies outside the table of {} rows", option, row, rows),
                       "rows count from 0, in the order of first appearance or, with --ids rows, as numbered");
    }
  };
  check("--user-padding-idx", config.user_padding, ids.users.size());
  check("--item-padding-idx", config.item_padding, ids.items.size());
}

Model new_model(const TrainSettings& settings, const TrainConfig& config, Dataset&& ids, TrainingData& data) {
  const bool is_shared = !data.ranks().is_alone();
  if (is_shared && !settings.init_from.empty()) {
    throw UsageError("--init-from begins with a whole model, and each process has a part",
                     "leave it out, or start one process");
  }
  Model model = is_shared ? model_without_factors(ids.users.size(), ids.items.size(), config)
                          : make_model(ids.users.size(), ids.items.size(), config.rank, config.biases);
  model.users = std::move(ids.users);
  model.items = std::move(ids.items);
  model.norm_limit = config.norm_limit;
  set_rating_facts(model, data.facts, config);
  if (!is_shared) draw_factors(model, config, data);
  if (config.bias_init == BiasInit::fitted) {
    model.tables.user_biases = std::move(data.baselines.fitted.user_bias);
    model.tables.item_biases = std::move(data.baselines.fitted.item_bias);
  }
  if (!settings.init_from.empty()) load_tables(model, settings.init_from);
  if (config.nonnegative && has_negative_factors(model)) {
    throw UsageError(fmt::format("--nonnegative and factors below 0 in {}", settings.init_from),
                     "leave one of them out");
  }
  return model;
}

TrainResult run_training(Engine& engine, Model& model, TrainingData& data, const TrainConfig& config,
                         const TrainCallbacks& callbacks) {
  if (data.grid) return engine.train_by_block(model, *data.grid, data.valid.view(), config, callbacks);
  if (data.lists) return engine.train_by_row(model, std::move(*data.lists), data.valid.view(), config, callbacks);
  return engine.train(model, std::move(data.train), data.valid.view(), config, callbacks);
}

Training train(const TrainSettings& settings, TrainingSource source, const TrainCallbacks& callbacks) {
  Training training;
  TrainConfig& config = training.config;
  config = resolve(settings);
  const ChosenEngine chosen = make_engine(config.engine, config.threads, settings.deterministic, config.device_plan);
  check_device_options(settings, *chosen.engine);
  check_padding(config, source.data);
  TrainingData data = prepare(config, *chosen.engine, source);
  scale_defaults(config, settings, scale_of(config, source.data, data));
  training.n_ratings = data.n_train();
  training.model = new_model(settings, config, std::move(source.data), data);
  training.result = run_training(*chosen.engine, training.model, data, config, callbacks);
  training.baselines = std::move(data.baselines);
  return training;
}

}  // namespace wf
