// DATA of train, opened: a text is read into memory, a page file stays on disk where it need not be.
#pragma once
#include "host/api/training_data.hpp"
#include "host/cli/data_files.hpp"
#include "host/ratings/item_sets.hpp"

#include <memory>
#include <string>

namespace wf::cli {

struct OpenedRatings {
  PageSource about;
  std::string valid_hash;  ///< of the bytes of --valid; empty: there is none
  TrainingSource source;
  std::unique_ptr<StoredItemSets>
      seen;  ///< of all ratings of DATA, whether or not they count, where the model keeps it
};

/// Reads DATA and --valid and prints what was found. `stays`: ratings of a page file need not be in memory; what
/// cannot be, and what waits for the end of the training, goes to `scratch_folder` (empty: no model is written).
/// Several ranks open it together, and get a part of the ratings each.
OpenedRatings open_ratings(Console& console, const TrainRequest& request, bool stays, std::string scratch_folder,
                           Ranks& ranks = Ranks::alone());

/// Where the ratings are, if --memory asks.
void print_room(Console& console, const TrainRequest& request, const BlockGrid& grid);

}  // namespace wf::cli
