#include "host/train/turned_rows.hpp"

#include "host/schedule/row_sharing.hpp"

namespace wf {

bool turning_pays(Span<const Position, Host> begin, Position n_partners, int rank) {
  const double k = rank;
  double saved = 0, rows = 0;
  for (Position row = 0; row + 1 < begin.size; ++row) {
    const auto n = static_cast<double>(begin[row + 1] - begin[row]);
    if (n == 0) continue;
    ++rows;
    if (n >= k) continue;
    // halves of symmetric matrices, their factors, and 3 n k for what is gathered and summed by rating
    const double own = n * k * k / 2 + k * k * k / 6;
    const double dual = n * n * k / 2 + n * n * n / 6 + 3 * n * k;
    saved += std::max(own - dual, 0.0);
  }
  // of the eigenvectors 9 k^3 operations: on one thread, where rows are solved on many, and at a tenth of their speed
  const double basis = 180 * k * k * k;
  return saved > (static_cast<double>(n_partners) + rows) * k * k + basis;
}

namespace {

HostBuffer<Position> begins(const HostBuffer<Position>& counts) {
  HostBuffer<Position> begin(counts.size() + 1, 0);
  for (Position row = 0; row < counts.size(); ++row) begin[row + 1] = begin[row] + counts[row];
  return begin;
}

}  // namespace

TurnedSides turned_sides(const RatingLists& lists, const TrainConfig& config) {
  if (config.algorithm != Algorithm::ials || config.solver != Solver::cholesky) return {};
  const auto pays = [&](const HostBuffer<Position>& begin, const HostBuffer<Position>& of_partners, double lambda) {
    return lambda > 0 && turning_pays(begin.span(), of_partners.size() - 1, config.rank);
  };
  const auto sides = [&](const HostBuffer<Position>& user, const HostBuffer<Position>& item) {
    return TurnedSides{pays(user, item, config.lambda_user), pays(item, user, config.lambda_item)};
  };
  if (!lists.sharing) return sides(lists.user.begin, lists.item.begin);
  const RowCounts& counts = lists.sharing->counts;  // what pays is a function of all rows
  return sides(begins(counts.user), begins(counts.item));
}

}  // namespace wf
