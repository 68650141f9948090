#include "host/schedule/row_ranges.hpp"

#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <numeric>

namespace wf {

RowRanges cut_rows(const HostBuffer<Position>& ratings, int count, std::uint64_t seed, Purpose purpose) {
  const Position n_rows = ratings.size();
  HostBuffer<RowId> order(n_rows);
  std::iota(order.begin(), order.end(), RowId{0});
  shuffle(order.data(), n_rows, seed, purpose);

  RowRanges result;
  result.range.resize(n_rows);
  result.renamed.resize(n_rows);
  result.starts = HostBuffer<RowId>(count + 1, 0);
  const Position total = std::max<Position>(1, std::accumulate(ratings.begin(), ratings.end(), Position{0}));
  Position before = 0;
  for (const RowId row : order) {
    const Position middle = before + ratings[row] / 2;
    const Position range = middle * count / total;  // below 2^63 up to 2^53 ratings: count <= kMaxGrid
    result.range[row] = static_cast<std::int16_t>(std::min<Position>(range, count - 1));
    before += ratings[row];
  }
  for (const std::int16_t range : result.range) ++result.starts[range + 1];
  for (int g = 0; g < count; ++g) result.starts[g + 1] += result.starts[g];
  HostBuffer<RowId> next = result.starts.clone();
  for (Position row = 0; row < n_rows; ++row) result.renamed[row] = next[result.range[row]]++;
  return result;
}

}  // namespace wf
