// A model's ranking metrics: all items are ranked for each user with relevant ratings.
#pragma once
#include "host/evaluate/ranking_metrics.hpp"
#include "host/ratings/item_sets.hpp"
#include "host/train/engine.hpp"

#include <optional>
#include <vector>

namespace wf {

struct RankingTask {
  std::vector<Position> cuts;       ///< the Ks
  RatingsView<Host> relevant;       ///< what should be ranked high; rows beyond the model's tables are unknown ids
  const ItemSets& seen;             ///< what is not ranked for a user
  HostBuffer<Position> popularity;  ///< training ratings of each item, [n_items]; empty: not known
  RowId padding = -1;               ///< a row that stands for no item, or -1
  std::optional<Position> sampled;  ///< rank among so many of the other items, drawn by (seed, user)
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all; they do not matter to the result
};

struct RankingEvaluation {
  RankingMetrics metrics;
  Position n_relevant = 0;       ///< pairs of the users that were measured, those of unknown items among them
  Position n_unknown_items = 0;  ///< of these
  Position n_seen = 0;           ///< relevant pairs that are left out, as their items are not ranked
  Position n_left_out = 0;       ///< users without a row, or with nothing relevant but what they have seen
};

/// By the scores that decide what recommend lists. Takes 64 MB of scores, or those of one user, and with the cpu engine
/// a copy of the items' factors.
RankingEvaluation evaluate_ranking(Engine& engine, const Model& model, RankingTask task);

}  // namespace wf
