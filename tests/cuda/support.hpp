// Whole trainings on an engine, for comparing engines; and the device of the tests, which may be the interpreter.
#pragma once
#include "cuda/kernels/cuda_kernels.hpp"
#include "host/api/engines.hpp"
#include "tests/kernels/problems.hpp"

#include <gtest/gtest.h>

#if defined(WF_INTERPRETER)
#include "tests/simt/runtime.hpp"
#endif

namespace wf::test {

struct TrainingProblem {
  Ratings ratings;
  Position n_users = 40, n_items = 30;
  TrainConfig config;
};

/// Mini-batch SGD on the squared loss, three epochs, nothing drawn anew.
inline TrainingProblem batch_problem(int rank, Position batch_size, Position n_ratings = 600, bool hot = false) {
  TrainingProblem problem;
  problem.ratings = random_ratings(n_ratings, problem.n_users, problem.n_items, 5, hot);
  problem.config.rank = rank;
  problem.config.batch_size = batch_size;
  problem.config.epochs = 3;
  problem.config.lr = hot ? 0.05 : std::min(0.5, 0.01 * static_cast<double>(batch_size));
  problem.config.shuffle = Shuffle::none;
  problem.config.lambda_user = problem.config.lambda_item = problem.config.lambda_bias = 0;
  problem.config.init.scale = 1;
  return problem;
}

inline Model start_of(const TrainingProblem& problem) {
  const TrainConfig& config = problem.config;
  Model model = make_model(problem.n_users, problem.n_items, config.rank, config.biases);
  initialise(model, config.init, 3, config.user_padding, config.item_padding);
  model.norm_limit = config.norm_limit;
  model.global_mean = config.biases ? 3.0F : 0.0F;
  return model;
}

/// `engine`: a name of make_engine, "cuda_repeatable" or "cuda_tiles".
inline ChosenEngine engine_named(const std::string& engine, int threads = 2) {
  const bool repeatable = engine == "cuda_repeatable", tiles = engine == "cuda_tiles";
  return make_engine(repeatable || tiles ? "cuda" : engine, threads, repeatable,
                     tiles ? SgdPlan::tiles : SgdPlan::chunks);
}

inline Model trained(const std::string& engine, const TrainingProblem& problem) {
  Model model = start_of(problem);
  engine_named(engine).engine->train(model, problem.ratings.clone(), {}, problem.config, {});
  return model;
}

/// All weights of a model, side by side.
inline std::vector<float> weights(const Model& model) {
  std::vector<float> all;
  for (const HostBuffer<float>* table :
       {&model.tables.user_factors, &model.tables.item_factors, &model.tables.user_biases, &model.tables.item_biases}) {
    all.insert(all.end(), table->begin(), table->end());
  }
  return all;
}

/// The next launches of the interpreter take another schedule; a card chooses its own.
inline void use_schedule([[maybe_unused]] unsigned seed) {
#if defined(WF_INTERPRETER)
  simt::options().seed = seed;
#endif
}

/// The same for the multiprocessors of a device made from now on.
inline void use_multiprocessors([[maybe_unused]] int count) {
#if defined(WF_INTERPRETER)
  simt::options().sm_count = count;
#endif
}

}  // namespace wf::test
