#include "host/ratings/data_facts.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace wf {
namespace {

double median_of(const std::vector<Position>& ascending) {
  const std::size_t n = ascending.size();
  return static_cast<double>(ascending[(n - 1) / 2] + ascending[n / 2]) / 2;
}

/// (2 sum_i i x_i) / (n sum_i x_i) - (n + 1) / n, of x_1 <= ... <= x_n.
double share_of_top(const std::vector<Position>& ascending, double sum, int percent) {
  const auto n = static_cast<Position>(ascending.size());
  const Position rows = std::max<Position>(1, (n * percent + 99) / 100);
  Position ratings = 0;
  for (auto count = ascending.end() - rows; count != ascending.end(); ++count) ratings += *count;
  return static_cast<double>(ratings) / sum;
}

/// Bars of one width; the largest value is in the last.
std::vector<Bar> equal_bars(Span<const float, Host> values, double least, double most) {
  constexpr auto kBars = static_cast<double>(kMostBars);
  std::vector<Bar> bars(kMostBars);
  for (std::size_t b = 0; b < kMostBars; ++b) {
    bars[b].low = least + (most - least) * static_cast<double>(b) / kBars;
    bars[b].width = (most - least) / kBars;
  }
  for (const float value : values) {
    const double place = (static_cast<double>(value) - least) / (most - least) * kBars;
    ++bars[std::min(static_cast<std::size_t>(place), kMostBars - 1)].count;
  }
  return bars;
}

Position duplicates_of(const RatingsView<Host>& ratings) {
  HostBuffer<std::uint64_t> pairs(ratings.size());
  for (Position n = 0; n < ratings.size(); ++n) {
    pairs[n] =
        std::uint64_t{static_cast<std::uint32_t>(ratings.user[n])} << 32 | static_cast<std::uint32_t>(ratings.item[n]);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs.end() - std::unique(pairs.begin(), pairs.end());
}

}  // namespace

double gini_of(const std::vector<Position>& ascending) {
  const auto n = static_cast<double>(ascending.size());
  double weighted = 0, sum = 0;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    weighted += static_cast<double>(i + 1) * static_cast<double>(ascending[i]);
    sum += static_cast<double>(ascending[i]);
  }
  return sum > 0 ? 2 * weighted / (n * sum) - (n + 1) / n : 0;
}

SideFacts side_facts(Span<const Position, Host> counts) {
  std::vector<Position> rated;
  for (const Position count : counts) {
    if (count > 0) rated.push_back(count);
  }
  SideFacts facts;
  if (rated.empty()) return facts;
  std::sort(rated.begin(), rated.end());
  facts.rows = static_cast<Position>(rated.size());
  facts.least = rated.front();
  facts.most = rated.back();
  double sum = 0;
  for (const Position count : rated) sum += static_cast<double>(count);
  facts.mean = sum / static_cast<double>(facts.rows);
  facts.median = median_of(rated);
  facts.cold = std::lower_bound(rated.begin(), rated.end(), kColdBelow) - rated.begin();
  facts.gini = gini_of(rated);
  for (std::size_t t = 0; t < kTopPercents.size(); ++t) facts.top[t] = share_of_top(rated, sum, kTopPercents[t]);
  return facts;
}

std::vector<Bar> histogram_of(Span<const float, Host> values) {
  std::map<float, Position> counts;
  for (const float value : values) {
    ++counts[value];
    if (counts.size() <= kMostBars) continue;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return equal_bars(values, static_cast<double>(*least), static_cast<double>(*most));
  }
  std::vector<Bar> bars;
  bars.reserve(counts.size());
  for (const auto& [value, count] : counts) bars.push_back({static_cast<double>(value), count, 0});
  return bars;
}

DataFacts data_facts(const RatingsView<Host>& ratings, Position n_users, Position n_items, int threads) {
  const RatingsInMemory source(ratings);
  ThreadPool pool(threads);
  const RowCounts counts = row_counts(source, n_users, n_items, pool);
  DataFacts facts;
  facts.values = facts_of(source, threads);
  facts.histogram = histogram_of(ratings.value);
  facts.users = side_facts(counts.user.span());
  facts.items = side_facts(counts.item.span());
  facts.duplicates = duplicates_of(ratings);
  if (ratings.size() == 0) return facts;
  facts.density = static_cast<double>(ratings.size() - facts.duplicates) /
                  (static_cast<double>(facts.users.rows) * static_cast<double>(facts.items.rows));
  return facts;
}

}  // namespace wf
