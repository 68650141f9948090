#include "host/train/grid_rows.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace wf {
namespace {

/// Ranges with which a block of a scratch file can be ordered in `memory`, if none has more than twice its share.
int ranges_for(Position n_ratings, Position memory) {
  const double blocks = 2.0 * kOrderingBytes * static_cast<double>(n_ratings) / static_cast<double>(memory);
  return static_cast<int>(std::min(std::ceil(std::sqrt(blocks)), static_cast<double>(kMaxGrid)));
}

}  // namespace

BlockGrid make_grid(ThreadPool& pool, const RatingSource& ratings, Position n_users, Position n_items,
                    const TrainConfig& config, GridWish wish, const RatingRoom& room) {
  if (!room.holds(ratings.size()) && wish.of_machine) {  // else it is a function of the data
    wish.least_ranges = std::max(wish.least_ranges, ranges_for(ratings.total(), room.memory));
  }
  const int size =
      config.grid > 0 ? config.grid : default_grid_size(ratings.total(), n_users, n_items, config.rank, wish);
  return {pool, ratings, {n_users, n_items, size, config.shuffle, config.seed, wish.in_block}, room};
}

// In place, along the cycles of the permutation: a second copy of a table may not fit.
void rename_rows(HostBuffer<float>& values, int rank, Span<const RowId, Host> new_names, Naming naming) {
  if (values.empty()) return;
  const auto row = [&](Position r) { return values.data() + r * rank; };
  HostBuffer<float> held(rank);
  std::vector<bool> moved(static_cast<std::size_t>(new_names.size), false);
  for (Position start = 0; start < new_names.size; ++start) {
    if (moved[static_cast<std::size_t>(start)]) continue;
    std::copy_n(row(start), rank, held.begin());
    Position at = start;
    for (Position next = new_names[at]; next != start; at = next, next = new_names[at]) {
      moved[static_cast<std::size_t>(next)] = true;
      if (naming == Naming::to_grid) std::swap_ranges(held.begin(), held.end(), row(next));
      if (naming == Naming::from_grid) std::copy_n(row(next), rank, row(at));
    }
    std::copy_n(held.begin(), rank, row(naming == Naming::to_grid ? start : at));
  }
}

void rename_rows(Tables& tables, const Model& shape, const BlockGrid& grid, Naming naming) {
  rename_rows(tables.user_factors, shape.rank, grid.new_users(), naming);
  rename_rows(tables.item_factors, shape.rank, grid.new_items(), naming);
  rename_rows(tables.user_biases, 1, grid.new_users(), naming);
  rename_rows(tables.item_biases, 1, grid.new_items(), naming);
}

RowCounts counts_by_new_names(const BlockGrid& grid) {
  const auto renamed = [](const HostBuffer<Position>& counts, Span<const RowId, Host> new_names) {
    HostBuffer<Position> result = counts.clone();
    for (Position row = 0; row < new_names.size; ++row) result[new_names[row]] = counts[row];
    return result;
  };
  return {renamed(grid.counts().user, grid.new_users()), renamed(grid.counts().item, grid.new_items())};
}

}  // namespace wf
