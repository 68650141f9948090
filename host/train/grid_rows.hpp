// The model's rows under the names that the block grid gives them, and back.
#pragma once
#include "host/model/model.hpp"
#include "host/schedule/block_grid.hpp"

namespace wf {

/// The grid that a configuration asks for; `least_ranges`: of a default grid.
BlockGrid make_grid(Ratings ratings, const Model& shape, const TrainConfig& config, int least_ranges);

enum class Naming { to_grid, from_grid };

/// Moves all rows of the tables.
void rename_rows(Tables& tables, const Model& shape, const BlockGrid& grid, Naming naming);

/// A copy by the grid's names. Rows beyond the tables keep theirs: they are unknown ids.
Ratings renamed(const RatingsView<Host>& ratings, const BlockGrid& grid);

}  // namespace wf
