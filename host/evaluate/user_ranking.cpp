#include "host/evaluate/user_ranking.hpp"

#include "host/base/philox.hpp"
#include "host/kernels/top_items.hpp"

#include <algorithm>
#include <iterator>

namespace wf {
namespace {

bool is_in(Span<const RowId, Host> ascending, RowId row) {
  return std::binary_search(ascending.begin(), ascending.end(), row);
}

std::optional<double> auc_of(Span<const float, Host> scores, const UserItems& items) {
  std::vector<float> relevant;
  for (const RowId item : items.relevant) relevant.push_back(scores[item]);
  std::sort(relevant.begin(), relevant.end());
  // twice the relevant items that a score is below, once those that it is equal to
  const auto above = [&](float score) {
    const auto [first, last] = std::equal_range(relevant.begin(), relevant.end(), score);
    return Position{relevant.end() - first} + Position{relevant.end() - last};
  };
  Position n_others = scores.size - items.relevant.size - items.excluded.size, sum = 0;
  if (relevant.empty() || n_others <= 0) return std::nullopt;
  for (const float score : scores) sum += above(score);
  for (const auto& without : {items.relevant, items.excluded}) {
    for (const RowId item : without) sum -= above(scores[item]);
  }
  return static_cast<double>(sum) / (2.0 * static_cast<double>(items.relevant.size) * static_cast<double>(n_others));
}

}  // namespace

UserRanking rank_user(Span<const float, Host> scores, const UserItems& items, Position n) {
  UserRanking ranking;
  ranking.n_relevant = items.relevant.size + items.n_unknown;
  for (const Recommendation& one : top_items(scores, items.excluded, n)) {
    ranking.best.push_back(one.item);
    if (is_in(items.relevant, one.item)) ranking.hits.push_back(static_cast<Position>(ranking.best.size()));
  }
  ranking.auc = auc_of(scores, items);
  return ranking;
}

std::vector<RowId> all_but_sample(const UserItems& items, Position n_items, Position n, std::uint64_t seed,
                                  RowId user) {
  std::vector<RowId> taken;  // neither drawn nor to be drawn
  std::merge(items.relevant.begin(), items.relevant.end(), items.excluded.begin(), items.excluded.end(),
             std::back_inserter(taken));
  std::vector<RowId> others;
  for_rows_but(0, n_items, {taken.data(), static_cast<Position>(taken.size())},
               [&](Position row) { others.push_back(static_cast<RowId>(row)); });
  // the first n of a shuffle by Fisher and Yates are drawn
  const auto count = static_cast<Position>(others.size());
  for (Position k = 0; k < std::min(n, count); ++k) {
    const RandomBits bits =
        random_bits(seed, Purpose::sampled_items, static_cast<std::uint64_t>(k), static_cast<std::uint32_t>(user));
    const auto other =
        static_cast<Position>(to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(count - k)));
    std::swap(others[static_cast<std::size_t>(k)], others[static_cast<std::size_t>(k + other)]);
  }
  std::vector<RowId> excluded(items.excluded.begin(), items.excluded.end());
  excluded.insert(excluded.end(), others.begin() + std::min(n, count), others.end());
  std::sort(excluded.begin(), excluded.end());
  return excluded;
}

}  // namespace wf
