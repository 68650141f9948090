#include "host/ratings/k_core.hpp"

namespace wf {
namespace {

HostBuffer<Position> counts_of(Span<const RowId, Host> rows, Position n_rows) {
  HostBuffer<Position> counts(n_rows, 0);
  for (const RowId row : rows) ++counts[row];
  return counts;
}

/// One pass; false: everything stayed.
bool take_out(Dataset& data, const CoreLimits& limits) {
  Ratings& ratings = data.ratings;
  const HostBuffer<Position> of_user = counts_of(ratings.view().user, data.users.size());
  const HostBuffer<Position> of_item = counts_of(ratings.view().item, data.items.size());
  const Position before = ratings.size();
  const bool with_timestamps = !data.timestamps.empty();
  Position kept = 0;
  for (Position n = 0; n < before; ++n) {
    if (of_user[ratings.user[n]] < limits.user || of_item[ratings.item[n]] < limits.item) continue;
    ratings.user[kept] = ratings.user[n];
    ratings.item[kept] = ratings.item[n];
    ratings.value[kept] = ratings.value[n];
    if (with_timestamps) data.timestamps[kept] = data.timestamps[n];
    ++kept;
  }
  ratings.resize(kept);
  if (with_timestamps) data.timestamps.resize(kept);
  return kept < before;
}

}  // namespace

int keep_core(Dataset& data, const CoreLimits& limits) {
  if (limits.user <= 1 && limits.item <= 1) return 0;
  int passes = 0;
  while (take_out(data, limits)) ++passes;
  return passes;
}

}  // namespace wf
