#include "host/schedule/batches.hpp"

#include "host/schedule/permutation.hpp"

#include <algorithm>
#include <numeric>

namespace wf {

Batches::Batches(const RatingsView<Host>& ratings, Position batch_size, Shuffle order, std::uint64_t seed)
    : ratings_(ratings), batch_size_(std::min(batch_size, std::max<Position>(1, ratings.size()))), seed_(seed) {
  if (order == Shuffle::none) return;
  order_.resize(ratings.size());
  gathered_.user.resize(batch_size_);
  gathered_.item.resize(batch_size_);
  gathered_.value.resize(batch_size_);
}

void Batches::start_epoch(int epoch) {
  if (order_.empty()) return;
  std::iota(order_.begin(), order_.end(), Position{0});
  shuffle(order_.data(), order_.size(), seed_, Purpose::shuffle, static_cast<std::uint32_t>(epoch));
}

Position Batches::count() const {
  return (ratings_.size() + batch_size_ - 1) / batch_size_;
}

RatingsView<Host> Batches::batch(Position b) {
  const Position first = b * batch_size_;
  const Position size = std::min(batch_size_, ratings_.size() - first);
  if (order_.empty()) return ratings_.part(first, size);
  constexpr Position kAhead = 16;  // ratings lie anywhere: ask for their cache lines early
  for (Position n = 0; n < size; ++n) {
    if (first + n + kAhead < order_.size()) {
      const Position ahead = order_[first + n + kAhead];
      __builtin_prefetch(&ratings_.user[ahead]);
      __builtin_prefetch(&ratings_.item[ahead]);
      __builtin_prefetch(&ratings_.value[ahead]);
    }
    const Position from = order_[first + n];
    gathered_.user[n] = ratings_.user[from];
    gathered_.item[n] = ratings_.item[from];
    gathered_.value[n] = ratings_.value[from];
  }
  return gathered_.view().part(0, size);
}

}  // namespace wf
