// What a ranking of all items is worth to one user.
#pragma once
#include "host/base/view.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace wf {

/// Sets of items, ascending and without duplicates, that share none.
struct UserItems {
  Span<const RowId, Host> relevant;  ///< what should be ranked high
  Span<const RowId, Host> excluded;  ///< what is not ranked at all
  Position n_unknown = 0;            ///< relevant ones that have no row: nobody finds them
};

struct UserRanking {
  std::vector<RowId> best;     ///< the highest scores, best first; ties by ascending row
  std::vector<Position> hits;  ///< places in `best`, from 1, of the relevant ones; ascending
  Position n_relevant = 0;     ///< the unknown ones among them
  /// The share of pairs of a ranked relevant item and a ranked other one that are in the right order, ties counting
  /// half: the area under the ROC curve of the whole ranking (Hanley, McNeil: Radiology 143, 1982). None without pairs.
  /// A score that is no number is below all others.
  std::optional<double> auc;
};

/// scores[n_items] of one user; `n` are listed in `best`. Time n_items * log(n + relevant).
UserRanking rank_user(Span<const float, Host> scores, const UserItems& items, Position n);

/// The same where only the relevant items and `others`, which are none of them, are ranked. Time (relevant + others) *
/// log(n + relevant).
UserRanking rank_among(Span<const float, Host> scores, const UserItems& items, Span<const RowId, Host> others,
                       Position n);

/// `n` of the items that are neither relevant nor excluded, a function of (seed, user); all where there are no more.
/// Time n * log(relevant + excluded).
std::vector<RowId> sampled_others(const UserItems& items, Position n_items, Position n, std::uint64_t seed, RowId user);

}  // namespace wf
