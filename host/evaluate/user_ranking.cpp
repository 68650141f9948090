#include "host/evaluate/user_ranking.hpp"

#include "host/base/philox.hpp"
#include "host/kernels/rank_rules.hpp"
#include "host/kernels/top_items.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <unordered_map>

namespace wf {
namespace {

bool is_in(Span<const RowId, Host> ascending, RowId row) {
  return std::binary_search(ascending.begin(), ascending.end(), row);
}

/// Where a score stands in an order: what is no number is below all others.
float standing(float score) {
  return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
}

/// for_ranked(f): f(item) for all that are ranked.
template <class ForRanked>
std::optional<double> auc_of(Span<const float, Host> scores, const UserItems& items, const ForRanked& for_ranked) {
  std::vector<float> relevant;
  for (const RowId item : items.relevant) relevant.push_back(standing(scores[item]));
  std::sort(relevant.begin(), relevant.end());
  // twice the relevant items that a score is below, once those that it is equal to
  const auto above = [&](float score) {
    const auto [first, last] = std::equal_range(relevant.begin(), relevant.end(), score);
    return Position{relevant.end() - first} + Position{relevant.end() - last};
  };
  Position n_others = -items.relevant.size, sum = 0;
  for_ranked([&](Position item) {
    ++n_others;
    sum += above(standing(scores[item]));
  });
  for (const float score : relevant) sum -= above(score);
  if (relevant.empty() || n_others == 0) return std::nullopt;
  return static_cast<double>(sum) / (2.0 * static_cast<double>(items.relevant.size) * static_cast<double>(n_others));
}

template <class ForRanked>
UserRanking ranking_of(Span<const float, Host> scores, const UserItems& items, Position n,
                       const ForRanked& for_ranked) {
  UserRanking ranking;
  ranking.n_relevant = items.relevant.size + items.n_unknown;
  for (const Recommendation& one : top_items(scores, n, for_ranked)) {
    ranking.best.push_back(one.item);
    if (is_in(items.relevant, one.item)) ranking.hits.push_back(static_cast<Position>(ranking.best.size()));
  }
  ranking.auc = auc_of(scores, items, for_ranked);
  return ranking;
}

}  // namespace

UserRanking rank_user(Span<const float, Host> scores, const UserItems& items, Position n) {
  return ranking_of(scores, items, n, [&](const auto& f) { for_rows_but(0, scores.size, items.excluded, f); });
}

UserRanking rank_among(Span<const float, Host> scores, const UserItems& items, Span<const RowId, Host> others,
                       Position n) {
  return ranking_of(scores, items, n, [&](const auto& f) {
    for (const RowId item : items.relevant) f(item);
    for (const RowId item : others) f(item);
  });
}

std::vector<RowId> sampled_others(const UserItems& items, Position n_items, Position n, std::uint64_t seed,
                                  RowId user) {
  std::vector<RowId> taken;  // not to be drawn
  std::merge(items.relevant.begin(), items.relevant.end(), items.excluded.begin(), items.excluded.end(),
             std::back_inserter(taken));
  const auto n_taken = static_cast<Position>(taken.size());
  const Unrated others(taken.data(), n_taken, 0, n_items - n_taken);
  // the first n of a shuffle by Fisher and Yates, of which only the places that are not their own are kept
  std::unordered_map<Position, Position> moved;
  const auto at = [&](Position place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<RowId> drawn;
  for (Position k = 0; k < std::min(n, others.count); ++k) {
    const RandomBits bits =
        random_bits(seed, Purpose::sampled_items, static_cast<std::uint64_t>(k), static_cast<std::uint32_t>(user));
    const auto left = static_cast<std::uint64_t>(others.count - k);
    const Position place = k + static_cast<Position>(to_index(bits.word[0], bits.word[1], left));
    drawn.push_back(others[at(place)]);
    moved[place] = at(k);
  }
  return drawn;
}

}  // namespace wf
