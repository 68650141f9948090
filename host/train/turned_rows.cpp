#include "host/train/turned_rows.hpp"

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

TurnedSides turned_sides(const RatingLists& lists, const TrainConfig& config) {
  if (config.algorithm != Algorithm::ials || config.solver != Solver::cholesky) return {};
  const auto pays = [&](const RowLists& rows, const RowLists& partners, double lambda) {
    return lambda > 0 && turning_pays(rows.begin.span(), partners.rows(), config.rank);
  };
  return {pays(lists.user, lists.item, config.lambda_user), pays(lists.item, lists.user, config.lambda_item)};
}

}  // namespace wf
