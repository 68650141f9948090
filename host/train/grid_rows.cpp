#include "host/train/grid_rows.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

void rename_rows(HostBuffer<float>& values, int rank, Span<const RowId, Host> new_names, Naming naming) {
  if (values.empty() || new_names.empty()) return;
  HostBuffer<float> moved(values.size());
  for (Position row = 0; row < new_names.size; ++row) {
    const Position other = new_names[row];
    const Position from = naming == Naming::to_grid ? row : other;
    const Position to = naming == Naming::to_grid ? other : row;
    std::copy_n(values.data() + from * rank, rank, moved.data() + to * rank);
  }
  values = std::move(moved);
}

HostBuffer<RowId> renamed(Span<const RowId, Host> rows, Span<const RowId, Host> new_names) {
  HostBuffer<RowId> result(rows.size);
  for (Position n = 0; n < rows.size; ++n) {
    const RowId row = rows[n];
    result[n] = row >= 0 && row < new_names.size ? new_names[row] : row;
  }
  return result;
}

}  // namespace

BlockGrid make_grid(Ratings ratings, const Model& shape, const TrainConfig& config, int least_ranges) {
  const int size = config.grid > 0
                       ? config.grid
                       : default_grid_size(ratings.size(), shape.n_users, shape.n_items, shape.rank, least_ranges);
  ThreadPool pool(config.threads);
  return {pool, std::move(ratings), shape.n_users, shape.n_items, size, config.shuffle, config.seed};
}

void rename_rows(Tables& tables, const Model& shape, const BlockGrid& grid, Naming naming) {
  rename_rows(tables.user_factors, shape.rank, grid.new_users(), naming);
  rename_rows(tables.item_factors, shape.rank, grid.new_items(), naming);
  rename_rows(tables.user_biases, 1, grid.new_users(), naming);
  rename_rows(tables.item_biases, 1, grid.new_items(), naming);
}

Ratings renamed(const RatingsView<Host>& ratings, const BlockGrid& grid) {
  Ratings copy{renamed(ratings.user, grid.new_users()), renamed(ratings.item, grid.new_items()), {}};
  copy.value.resize(ratings.size());
  std::copy(ratings.value.begin(), ratings.value.end(), copy.value.begin());
  return copy;
}

}  // namespace wf
