#include "host/schedule/batches.hpp"

#include "host/schedule/rating_shuffle.hpp"

#include <algorithm>

namespace wf {
namespace {

constexpr Position kRatingsPerThread = 16384;  // about 200 us of shuffling: worth waking a thread for

}  // namespace

Batches::Batches(const RatingsView<Host>& ratings, Position batch_size, Shuffle order, std::uint64_t seed, int threads)
    : ratings_(ratings),
      batch_size_(std::min(batch_size, std::max<Position>(1, ratings.size()))),
      order_(order),
      seed_(seed),
      pool_(order == Shuffle::none ? 1 : useful_threads(threads, ratings.size() / kRatingsPerThread)) {
  if (order_ == Shuffle::none) return;
  shuffled_.user.resize(ratings.size());
  shuffled_.item.resize(ratings.size());
  shuffled_.value.resize(ratings.size());
}

void Batches::start_epoch(int epoch) {
  if (order_ == Shuffle::none) return;
  shuffle_ratings(pool_, ratings_, seed_, static_cast<std::uint32_t>(epoch), shuffled_);
}

Position Batches::count() const {
  return (ratings_.size() + batch_size_ - 1) / batch_size_;
}

RatingsView<Host> Batches::batch(Position b) const {
  const Position first = std::min(b * batch_size_, ratings_.size());
  const RatingsView<Host> all = order_ == Shuffle::none ? ratings_ : shuffled_.view();
  return all.part(first, std::min(batch_size_, all.size() - first));
}

}  // namespace wf
