#include "host/evaluate/ranking_metrics.hpp"

#include "host/ratings/data_facts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

double gain(Position place) {
  return 1 / std::log2(static_cast<double>(place) + 1);
}

void add_to(ListMeasures& sum, const ListMeasures& one) {
  sum.precision += one.precision;
  sum.recall += one.recall;
  sum.hit_rate += one.hit_rate;
  sum.ndcg += one.ndcg;
  sum.average_precision += one.average_precision;
  sum.reciprocal_rank += one.reciprocal_rank;
}

ListMeasures divided(const ListMeasures& sum, double by) {
  return {sum.precision / by,         sum.recall / by,         sum.hit_rate / by, sum.ndcg / by,
          sum.average_precision / by, sum.reciprocal_rank / by};
}

}  // namespace

ListMeasures list_measures(const std::vector<Position>& hits, Position n_relevant, Position at) {
  ListMeasures of;
  Position n_hits = 0;
  for (const Position place : hits) {
    if (place > at) break;
    ++n_hits;
    of.ndcg += gain(place);
    of.average_precision += static_cast<double>(n_hits) / static_cast<double>(place);
  }
  if (n_hits == 0) return of;
  const Position most = std::min(at, n_relevant);
  double ideal = 0;
  for (Position place = 1; place <= most; ++place) ideal += gain(place);
  of.precision = static_cast<double>(n_hits) / static_cast<double>(at);
  of.recall = static_cast<double>(n_hits) / static_cast<double>(n_relevant);
  of.hit_rate = 1;
  of.ndcg /= ideal;
  of.average_precision /= static_cast<double>(most);
  of.reciprocal_rank = 1 / static_cast<double>(hits.front());
  return of;
}

RankingSums::RankingSums(const std::vector<Position>& cuts, Position n_items, HostBuffer<Position> popularity,
                         RowId padding)
    : popularity_(std::move(popularity)), padding_(padding) {
  for (const Position at : cuts) sums_.push_back({at, {}, 0, 0, HostBuffer<Position>(n_items, 0)});
}

void RankingSums::add(const UserRanking& user) {
  ++n_users_;
  if (user.auc) {
    auc_ += *user.auc;
    ++n_auc_;
  }
  for (Sums& sums : sums_) {
    add_to(sums.sum, list_measures(user.hits, user.n_relevant, sums.at));
    const Position length = std::min(sums.at, static_cast<Position>(user.best.size()));
    if (length == 0) continue;
    Position ratings = 0;
    for (Position n = 0; n < length; ++n) {
      const RowId item = user.best[static_cast<std::size_t>(n)];
      ++sums.listed[item];
      if (!popularity_.empty()) ratings += popularity_[item];
    }
    sums.popularity += static_cast<double>(ratings) / static_cast<double>(length);
    ++sums.lists;
  }
}

RankingAt RankingSums::means_of(const Sums& sums) const {
  RankingAt result;
  result.at = sums.at;
  if (n_users_ > 0) result.mean = divided(sums.sum, static_cast<double>(n_users_));
  if (sums.lists == 0) return result;
  if (!popularity_.empty()) result.popularity = sums.popularity / static_cast<double>(sums.lists);
  std::vector<Position> listed(sums.listed.begin(), sums.listed.end());
  if (padding_ >= 0) listed.erase(listed.begin() + padding_);
  std::sort(listed.begin(), listed.end());
  const auto first = std::upper_bound(listed.begin(), listed.end(), 0);
  result.coverage = static_cast<double>(listed.end() - first) / static_cast<double>(listed.size());
  result.gini = gini_of(listed);
  return result;
}

RankingMetrics RankingSums::metrics() const {
  RankingMetrics result;
  for (const Sums& sums : sums_) result.at.push_back(means_of(sums));
  if (n_auc_ > 0) result.auc = auc_ / static_cast<double>(n_auc_);
  result.n_users = n_users_;
  return result;
}

}  // namespace wf
