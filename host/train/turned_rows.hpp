// Implicit least squares in the basis of the partners' eigenvectors, once for all kernel sets. There the Gram matrix of
// all partners is diagonal, so that a row with fewer ratings than factors can be solved for a weight per rating.
#pragma once
#include "host/base/symmetric_eigen.hpp"
#include "host/config/config.hpp"
#include "host/kernels/contract.hpp"
#include "host/schedule/row_lists.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {

/// Do rows with these lists, begin[rows + 1], take fewer operations there, counting the turns of all partners into that
/// basis and of the solutions out of it?
bool turning_pays(Span<const Position, Host> begin, Position n_partners, int rank);

/// Which sides of a training are solved there.
struct TurnedSides {
  bool users = false, items = false;
};
TurnedSides turned_sides(const RatingLists& lists, const TrainConfig& config);

inline constexpr Position kTurnedChunk = 16384;  ///< rows that are turned back together

/// Rows of their factors that TurnedRows keeps for them.
inline Position turned_rows(const TurnedSides& sides, Position n_users, Position n_items) {
  return (sides.users ? n_items + kTurnedChunk : 0) + (sides.items ? n_users + kTurnedChunk : 0);
}

template <KernelSet K>
class TurnedRows {
 public:
  using Space = typename K::Space;

  TurnedRows(K& kernels, Position n_partners, int rank)
      : kernels_(kernels),
        rank_(rank),
        partners_(kernels.template room<float>(checked_product(n_partners, rank))),
        solved_(kernels.template room<float>(checked_product(kTurnedChunk, rank))) {}

  /// solve_rows by another way, with `gram` [rank x rank] of the partners. Needs a penalty above 0 and no biases.
  /// Returns whether it was done: not where the Gram matrix has no eigenvectors, as it is not finite.
  bool solve(const RowListsView<Space>& lists, const SolveSides<Space>& sides, Span<const float, Space> gram,
             SolveSettings settings) {
    HostBuffer<float> matrix(gram.size);
    kernels_.fetch(gram, matrix.span());
    if (!std::all_of(matrix.begin(), matrix.end(), [](float value) { return std::isfinite(value); })) return false;
    HostBuffer<double> wide(gram.size);
    std::copy(matrix.begin(), matrix.end(), wide.begin());
    const SymmetricEigen eigen = symmetric_eigen(std::move(wide), rank_);
    HostBuffer<float> into(gram.size), out_of(gram.size), diagonal(gram.size, 0);
    for (int n = 0; n < rank_; ++n) {
      diagonal[Position{n} * rank_ + n] = static_cast<float>(std::max(eigen.values[n], 0.0));
      for (int f = 0; f < rank_; ++f) {
        const auto value = static_cast<float>(eigen.vectors[Position{n} * rank_ + f]);
        out_of[Position{n} * rank_ + f] = into[Position{f} * rank_ + n] = value;
      }
    }
    const auto by_into = kernels_.borrow(std::as_const(into).span());
    const auto by_out_of = kernels_.borrow(std::as_const(out_of).span());
    const auto by_diagonal = kernels_.borrow(std::as_const(diagonal).span());
    const Rows<float, Space> turned{partners_.data(), sides.partner_factors.count, rank_, rank_};
    kernels_.multiply_table(sides.partner_factors, square(by_into.span()), turned);
    settings.diagonal_gram = true;
    kernels_.solve_rows(lists, {turned, {}, sides.factors, {}}, square(by_diagonal.span()), settings);
    turn_back(sides.factors, square(by_out_of.span()));
    return true;
  }

 private:
  Rows<const float, Space> square(Span<const float, Space> values) const { return {values.data, rank_, rank_, rank_}; }

  void turn_back(const Rows<float, Space>& table, const Rows<const float, Space>& by) {
    for (Position first = 0; first < table.count; first += kTurnedChunk) {
      const Position count = std::min(kTurnedChunk, table.count - first);
      const Rows<float, Space> rows{table.row(first), count, table.rank, table.pitch};
      const Rows<float, Space> room{solved_.data(), count, rank_, rank_};
      kernels_.multiply_table(rows, by, room);
      kernels_.move_rows(room, {}, 0, rows);
    }
  }

  K& kernels_;
  int rank_;
  typename K::template Buffer<float> partners_, solved_;
};

}  // namespace wf
