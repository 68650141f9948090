// recommend: the best items for many users, by whatever engine.
#pragma once
#include "host/kernels/top_items.hpp"
#include "host/ratings/item_sets.hpp"
#include "host/train/engine.hpp"

#include <vector>

namespace wf {

/// Does an engine rank by ItemPanels (host/cpu/top_lists.hpp)? The others score whole rows.
bool ranks_by_panels(const Engine& engine);

/// Who is recommended what.
struct ListRequest {
  Span<const RowId, Host> users;  ///< rows of the model
  Span<const RowId, Host> items;  ///< those that may be recommended: rows of the model, ascending, each once
  const ItemSets& seen;           ///< those of them that a user's list leaves out
  Position n = 10;                ///< items of a list
  int threads = 0;                ///< 0: all; they do not matter to the result
};

/// lists[n]: the best items for users[n], best first, ties by ascending row; shorter where there are no more.
/// An item whose score is no number (infinite products that cancel) is in no list. Scores
/// are those that predict gives; which items are in a list is decided by an engine's own sums, which differ by
/// rounding. Memory: a copy of the items' factors and the lists, or with other engines than cpu the scores of 64 users.
std::vector<std::vector<Recommendation>> recommend(Engine& engine, const Model& model, const ListRequest& request);

}  // namespace wf
