// How well a model ranks, over many users: each measure is the mean over the users, however many items each has.
#pragma once
#include "host/base/host_buffer.hpp"
#include "host/evaluate/user_ranking.hpp"

#include <optional>
#include <vector>

namespace wf {

/// Of one user's list cut after K items; R are the user's relevant items.
struct ListMeasures {
  double precision = 0;  ///< hits / K, also where the list is shorter
  double recall = 0;     ///< hits / R
  double hit_rate = 0;   ///< 1 with a hit, else 0
  double ndcg = 0;       ///< sum over the hits of 1 / log2(place + 1), by the same sum for places 1 .. min(K, R)
  double average_precision = 0;  ///< sum over the hits of the precision at their place, by min(K, R)
  double reciprocal_rank = 0;    ///< 1 / place of the first hit, 0 without one
};

/// `hits`: places of relevant items, from 1, ascending; `n_relevant` and `at` are above 0.
ListMeasures list_measures(const std::vector<Position>& hits, Position n_relevant, Position at);

/// The means of ListMeasures, and what the lists are like together.
struct RankingAt {
  Position at = 0;
  ListMeasures mean;
  double coverage = 0;  ///< the share of all items that are in anybody's list
  double gini = 0;      ///< of how often items are in lists, over all items: 0 all as often, towards 1 always the same
  /// Training ratings of an item: the mean over a list, then over the users with a list. None where they are not known.
  std::optional<double> popularity;
};

struct RankingMetrics {
  std::vector<RankingAt> at;  ///< in the order of the cuts
  std::optional<double> auc;  ///< the mean over the users that have one
  Position n_users = 0;
};

/// Adds up users, one by one: the same order, the same bits.
class RankingSums {
 public:
  /// `cuts`: the Ks, above 0. `popularity`: training ratings of each item, [n_items], or empty: not known. `padding`: a
  /// row that stands for no item, or -1.
  RankingSums(const std::vector<Position>& cuts, Position n_items, HostBuffer<Position> popularity, RowId padding = -1);

  /// A user with a relevant item. `best` is as long as the largest cut, or there are no more items.
  void add(const UserRanking& user);
  RankingMetrics metrics() const;

 private:
  struct Sums {
    Position at = 0;
    ListMeasures sum;
    double popularity = 0;
    Position lists = 0;           // that are not empty
    HostBuffer<Position> listed;  // [n_items]: lists that an item is in
  };
  RankingAt means_of(const Sums& sums) const;

  std::vector<Sums> sums_;
  HostBuffer<Position> popularity_;
  RowId padding_;
  double auc_ = 0;
  Position n_users_ = 0, n_auc_ = 0;
};

}  // namespace wf
