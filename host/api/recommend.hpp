// Top-N: the items with the highest scores for a user, without those to be left out.
#pragma once
#include "host/ratings/ratings.hpp"
#include "host/train/engine.hpp"

#include <unordered_map>
#include <vector>

namespace wf {

struct Recommendation {
  RowId item = 0;
  float score = 0;
};

/// The `n` highest of scores[n_items], highest first; ties by ascending item row, so the order is fixed. Items in
/// `excluded` (ascending rows, duplicates and rows beyond the scores allowed) are left out. Fewer than n when there are
/// no more. Time n_items * log n.
std::vector<Recommendation> top_items(Span<const float, Host> scores, Span<const RowId, Host> excluded, int n);

/// What some users have rated, by user.
class SeenItems {
 public:
  /// Keeps the items of `users` only: memory depends on them, not on all ratings.
  SeenItems(const RatingsView<Host>& ratings, const std::vector<RowId>& users);
  /// Ascending, without duplicates; empty for a user that was not asked for.
  const std::vector<RowId>& of(RowId user) const;

 private:
  std::unordered_map<RowId, std::vector<RowId>> items_;
  std::vector<RowId> none_;
};

}  // namespace wf
