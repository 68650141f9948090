// From ratings to what an engine trains on: the split, the order, and what is known before the first epoch.
#pragma once
#include "host/evaluate/baselines.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/row_lists.hpp"
#include "host/settings/train_settings.hpp"
#include "host/train/engine.hpp"

#include <memory>
#include <optional>
#include <string>

namespace wf {

/// Ratings as a run goes through them: in memory, or of a page file that stays on disk where it need not be read.
struct TrainingSource {
  Dataset data;                           ///< ids; ratings where they are in memory
  std::unique_ptr<RatingSource> ratings;  ///< of `data`, or of the page file
  std::optional<Ratings> valid;           ///< with rows of the same ids; nullopt: a part of the ratings validates
  Position memory = 0;                    ///< bytes that the run may take; 0: what it takes
  std::string scratch_folder;             ///< for ratings that `memory` has no room for
};

/// Leaves out what does not count for a loss of pairs.
void keep_positives(const TrainConfig& config, Ratings& ratings);

struct Baselines {
  std::optional<double> mean_rmse, bias_rmse;  ///< of the validation part
  BiasBaseline fitted;                         ///< by the ids' rows; what biases begin with
};

/// Ratings to train and validate on, with rows of the same tables.
struct TrainingData {
  Ratings train;                     ///< for mini-batches: as read
  std::optional<BlockGrid> grid;     ///< for a step a rating, instead
  std::optional<RatingLists> lists;  ///< for algorithms that work row by row, instead
  Ratings valid;                     ///< by the grid's names where there is one; of several ranks, by their tables'
  ValueFacts facts;                  ///< of the training ratings
  double largest_share = 0;          ///< of mini-batches: of the training ratings, in the row that has most
  Baselines baselines;

  Position n_train() const { return grid ? grid->n_all_ratings() : lists ? lists->n_all_ratings() : train.size(); }
  /// Several where rows and ratings are shared out.
  Ranks& ranks() const { return grid ? grid->ranks() : lists ? lists->ranks() : Ranks::alone(); }
};

/// Splits the ratings and lays them out for the engine; they are gone from `source` then, the ids stay. Throws
/// UsageError where nothing is left to train on, or `memory` is too little.
TrainingData prepare(const TrainConfig& config, const Engine& engine, TrainingSource& source);

/// What scale_defaults needs to know of them.
RatingScale scale_of(const TrainConfig& config, const Dataset& ids, const TrainingData& data);

}  // namespace wf
