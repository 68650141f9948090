// DATA of train, opened: a text is read into memory, a page file stays on disk where it need not be.
#pragma once
#include "host/api/training_data.hpp"
#include "host/cli/data_files.hpp"
#include "host/ratings/item_sets.hpp"

namespace wf::cli {

struct OpenedRatings {
  PageSource about;
  std::string valid_hash;  ///< of the bytes of --valid; empty: there is none
  TrainingSource source;
  ItemSets seen;  ///< with --save-seen: of all ratings of DATA, whether or not they count
};

/// Reads DATA and --valid and prints what was found. `stays`: ratings of a page file need not be in memory.
OpenedRatings open_ratings(Console& console, const TrainRequest& request, bool stays);

/// Where the ratings are, if --memory asks.
void print_room(Console& console, const TrainRequest& request, const BlockGrid& grid);

}  // namespace wf::cli
