// One side of the block grid: its rows cut at random into ranges of equal counts of ratings.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/base/philox.hpp"
#include "host/base/view.hpp"
#include "host/schedule/block.hpp"

#include <algorithm>

namespace wf {

/// Rows are renamed so that those of a range are neighbours in memory.
struct RowRanges {
  HostBuffer<std::int16_t> range;  ///< [rows] by old name: 0 .. count - 1
  HostBuffer<RowId> renamed;       ///< [rows] old name -> new name
  HostBuffer<RowId> starts;        ///< [count + 1] range g has the new names starts[g] .. starts[g + 1] - 1

  int count() const { return static_cast<int>(starts.size()) - 1; }
  /// A row beyond the table, an unknown id, keeps its name and belongs to the last range.
  RowId new_name(RowId row) const { return is_known(row) ? renamed[row] : row; }
  Position range_of(RowId row) const { return is_known(row) ? range[row] : count() - 1; }
  /// Of a new name.
  int range_of_new(RowId row) const {
    if (count() <= 1 || row < 0) return count() > 1 ? count() - 1 : 0;
    const auto* const end = std::upper_bound(starts.begin() + 1, starts.end(), row);
    return std::min(static_cast<int>(end - starts.begin()) - 1, count() - 1);
  }
  RowRange new_names(Position g) const { return {starts[g], starts[g + 1]}; }

 private:
  bool is_known(RowId row) const { return static_cast<std::uint32_t>(row) < renamed.size(); }
};

/// Rows in an order drawn from (seed, purpose), cut where the running count of ratings passes a multiple of n / count:
/// a range has its share of the ratings, give or take the half of one row's. Inside a range rows keep their order.
/// `ratings` of every row.
RowRanges cut_rows(const HostBuffer<Position>& ratings, int count, std::uint64_t seed, Purpose purpose);

}  // namespace wf
