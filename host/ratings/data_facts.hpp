// What a set of ratings is like: how many of whom, how evenly, how often twice.
#pragma once
#include "host/ratings/value_facts.hpp"

#include <array>
#include <vector>

namespace wf {

/// Rows with fewer ratings than this are cold: hardly anything can be learnt about them.
inline constexpr Position kColdBelow = 5;

/// How the ratings are spread over one side's rows, of those that have any.
struct SideFacts {
  Position rows = 0;  ///< with a rating
  Position least = 0, most = 0;
  double mean = 0, median = 0;
  Position cold = 0;  ///< rows with fewer than kColdBelow ratings
  double gini = 0;    ///< 0: all have as many; towards 1: one has all
  /// The share of the ratings that the most rated 1 %, 10 % and 20 % of the rows have, each at least one row.
  std::array<double, 3> top{};
};
inline constexpr std::array<int, 3> kTopPercents{1, 10, 20};

/// Ratings of one value, or from `low` on.
struct Bar {
  double low = 0;
  Position count = 0;
  double width = 0;  ///< 0: of one value
};

struct DataFacts {
  ValueFacts values;
  std::vector<Bar>
      histogram;  ///< a bar for each value, ascending; of more than kMostBars values, kMostBars equal widths
  SideFacts users, items;
  Position duplicates = 0;  ///< ratings of a pair beyond its first
  double density = 0;       ///< share of the pairs of rows with a rating that are rated
};
inline constexpr std::size_t kMostBars = 20;

/// The Gini coefficient of counts that ascend; 0 where all are 0.
double gini_of(const std::vector<Position>& ascending);

/// Of `counts`, the ratings of each row.
SideFacts side_facts(Span<const Position, Host> counts);

/// Bars for the values, which are finite.
std::vector<Bar> histogram_of(Span<const float, Host> values);

/// All of it. Takes 8 bytes a rating while it counts pairs. `threads` 0: all; they do not matter to the result.
DataFacts data_facts(const RatingsView<Host>& ratings, Position n_users, Position n_items, int threads = 0);

}  // namespace wf
