#include "host/schedule/block_sort.hpp"

#include <algorithm>
#include <utility>

namespace wf {
namespace {

using Rating = RatingTriple;

/// Stable, by row(rating), which lies in `range`.
template <class Row>
void counting_sort(std::vector<Rating>& ratings, std::vector<Rating>& sorted, const RowRange& range, const Row& row) {
  std::vector<std::uint32_t> next(static_cast<std::size_t>(range.end - range.begin) + 1, 0);
  const auto place = [&](const Rating& rating) { return static_cast<std::size_t>(row(rating) - range.begin); };
  for (const Rating& rating : ratings) ++next[place(rating) + 1];
  for (std::size_t p = 1; p < next.size(); ++p) next[p] += next[p - 1];
  sorted.resize(ratings.size());
  for (const Rating& rating : ratings) sorted[next[place(rating)]++] = rating;
  std::swap(ratings, sorted);
}

bool precedes(const Rating& a, const Rating& b) {
  if (a.user != b.user) return a.user < b.user;
  if (a.item != b.item) return a.item < b.item;
  return a.value < b.value;
}

}  // namespace

void sort_by_rows(std::vector<RatingTriple>& ratings, std::vector<RatingTriple>& scratch, const RowRange& users,
                  const RowRange& items) {
  const auto rows =
      static_cast<std::size_t>(users.end - users.begin) + static_cast<std::size_t>(items.end - items.begin);
  constexpr std::size_t kSparse = 4;  // tables of counts that are mostly empty cost more than comparing
  if (ratings.size() * kSparse < rows || ratings.size() > UINT32_MAX) {
    std::sort(ratings.begin(), ratings.end(), precedes);
    return;
  }
  counting_sort(ratings, scratch, items, [](const Rating& r) { return r.item; });
  counting_sort(ratings, scratch, users, [](const Rating& r) { return r.user; });
  for (auto pair = ratings.begin(); pair != ratings.end();) {  // pairs that were rated more than once: by value
    const auto same = [&](const Rating& r) { return r.user == pair->user && r.item == pair->item; };
    const auto next = std::find_if_not(pair + 1, ratings.end(), same);
    if (next - pair > 1) std::sort(pair, next, precedes);
    pair = next;
  }
}

}  // namespace wf
