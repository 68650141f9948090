#include "host/api/recommend.hpp"

#include <algorithm>

namespace wf {
namespace {

bool better(const Recommendation& a, const Recommendation& b) {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

}  // namespace

std::vector<Recommendation> top_items(Span<const float, Host> scores, Span<const RowId, Host> excluded, int n) {
  std::vector<Recommendation> heap;  // the worst of the best on top
  if (n <= 0) return heap;
  const auto capacity = static_cast<std::size_t>(n);
  heap.reserve(std::min<std::size_t>(capacity, static_cast<std::size_t>(scores.size)));
  const RowId* next_excluded = excluded.begin();
  for (Position row = 0; row < scores.size; ++row) {
    while (next_excluded != excluded.end() && *next_excluded < row) ++next_excluded;
    if (next_excluded != excluded.end() && *next_excluded == row) continue;
    const Recommendation candidate{static_cast<RowId>(row), scores[row]};
    if (heap.size() == capacity) {
      if (!better(candidate, heap.front())) continue;
      std::pop_heap(heap.begin(), heap.end(), better);
      heap.pop_back();
    }
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end(), better);
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  return heap;
}

SeenItems::SeenItems(const RatingsView<Host>& ratings, const std::vector<RowId>& users) {
  for (const RowId user : users) items_[user];
  for (Position n = 0; n < ratings.size(); ++n) {
    if (const auto found = items_.find(ratings.user[n]); found != items_.end()) {
      found->second.push_back(ratings.item[n]);
    }
  }
  for (auto& [user, items] : items_) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
  }
}

const std::vector<RowId>& SeenItems::of(RowId user) const {
  const auto found = items_.find(user);
  return found == items_.end() ? none_ : found->second;
}

}  // namespace wf
