// The best of many scores: highest first, of equal ones the smaller row first.
#pragma once
#include "host/base/view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace wf {

struct Recommendation {
  RowId item = 0;
  float score = 0;
};

/// The one order of all lists: ties by ascending row.
inline bool better(const Recommendation& a, const Recommendation& b) {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/// Keeps the n best of what it is offered, in a heap with the worst of them on top. What it holds does not depend on
/// the order of the offers. A score that is no number has no place in an order: it is turned down.
class BestItems {
 public:
  explicit BestItems(Position n) : capacity_(static_cast<std::size_t>(std::max<Position>(n, 0))) {}

  /// A lower score would be turned down.
  float floor() const {
    if (capacity_ == 0) return std::numeric_limits<float>::infinity();
    return heap_.size() < capacity_ ? -std::numeric_limits<float>::infinity() : heap_.front().score;
  }
  void offer(const Recommendation& candidate) {
    if (std::isnan(candidate.score)) return;
    if (heap_.size() == capacity_) {
      if (capacity_ == 0 || !better(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
  /// All it holds, best first; it is empty then.
  std::vector<Recommendation> take() {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    return std::exchange(heap_, {});
  }

 private:
  std::size_t capacity_;
  std::vector<Recommendation> heap_;
};

/// f(row) for rows first .. end - 1 but those in `excluded`: ascending, duplicates and rows beyond the end allowed.
template <class F>
void for_rows_but(Position first, Position end, Span<const RowId, Host> excluded, const F& f) {
  const RowId* next = std::lower_bound(excluded.begin(), excluded.end(), first);
  for (Position row = first; row < end; ++row) {
    while (next != excluded.end() && *next < row) ++next;
    if (next != excluded.end() && *next == row) continue;
    f(row);
  }
}

/// The `n` highest scores of the rows that for_rows(f) calls f(row) for, highest first; ties by ascending row, so the
/// order is fixed. Scores that are NaN are left out. Fewer than n when there are no more. Time rows * log n.
template <class ForRows>
std::vector<Recommendation> top_items(Span<const float, Host> scores, Position n, const ForRows& for_rows) {
  BestItems best(n);
  for_rows([&](Position row) {
    if (scores[row] >= best.floor()) best.offer({static_cast<RowId>(row), scores[row]});
  });
  return best.take();
}

}  // namespace wf
