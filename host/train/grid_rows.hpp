// The model's rows under the names that the block grid gives them, and back.
#pragma once
#include "host/model/model.hpp"
#include "host/schedule/block_grid.hpp"

namespace wf {

/// The grid that a configuration asks for; of a size that nobody has set, one whose blocks fit `room` where the size
/// may follow from the machine.
BlockGrid make_grid(ThreadPool& pool, const RatingSource& ratings, Position n_users, Position n_items,
                    const TrainConfig& config, GridWish wish, const RatingRoom& room = {});

enum class Naming { to_grid, from_grid };

/// Moves the rows of a table, `rank` values each. `new_names`: the grid's of that side.
void rename_rows(HostBuffer<float>& values, int rank, Span<const RowId, Host> new_names, Naming naming);

/// Moves all rows of the tables.
void rename_rows(Tables& tables, const Model& shape, const BlockGrid& grid, Naming naming);

RowCounts counts_by_new_names(const BlockGrid& grid);

}  // namespace wf
