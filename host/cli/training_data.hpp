// From the ratings of a file to what an engine trains on: the split, the order, and what is known before the first
// epoch.
#pragma once
#include "host/cli/data_files.hpp"
#include "host/evaluate/baselines.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/schedule/row_lists.hpp"
#include "host/train/engine.hpp"

#include <memory>
#include <optional>
#include <string>

namespace wf::cli {

/// DATA as a run goes through it: a text is read into memory, a page file stays on disk where it need not be.
struct OpenedData {
  PageSource about;
  Dataset data;                           ///< ids; ratings where they were read
  std::unique_ptr<RatingSource> ratings;  ///< of `data`, or of the page file
};
/// `stays`: ratings of a page file need not be in memory.
OpenedData open_data(Console& console, const TrainRequest& request, bool stays);

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
  Ratings valid;                     ///< by the grid's names where there is one
  ValueFacts facts;                  ///< of the training ratings
  double largest_share = 0;          ///< of mini-batches: of the training ratings, in the row that has most
  Baselines baselines;

  Position n_train() const { return grid ? grid->n_ratings() : lists ? lists->size() : train.size(); }
};

/// Splits DATA, prints how, and lays it out for the engine; its ratings are gone then, its ids stay.
TrainingData prepare(Console& console, const TrainRequest& request, const TrainConfig& config, const Engine& engine,
                     OpenedData& opened, const std::string& scratch_folder);

}  // namespace wf::cli
