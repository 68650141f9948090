#include "host/schedule/rating_store.hpp"

#include <algorithm>

namespace wf {
namespace {

constexpr Position kColumnBytes = 4;
constexpr Position kPart = 1 << 16;

}  // namespace

RatingStore::RatingStore(Position size, const std::string& folder, Ranks& ranks) : size_(size), ranks_(&ranks) {
  if (!folder.empty()) {
    file_ = std::make_unique<ScratchFile>(folder, checked_product(size, kRatingBytes));
    return;
  }
  ratings_.resize(size);
}

void RatingStore::put(Position at, const RatingsView<Host>& ratings) {
  const Position count = ratings.size();
  if (in_memory()) {
    std::copy_n(ratings.user.data, count, ratings_.user.data() + at);
    std::copy_n(ratings.item.data, count, ratings_.item.data() + at);
    std::copy_n(ratings.value.data, count, ratings_.value.data() + at);
    return;
  }
  file_->write_at(kColumnBytes * at, ratings.user.data, kColumnBytes * count);
  file_->write_at(kColumnBytes * (size_ + at), ratings.item.data, kColumnBytes * count);
  file_->write_at(kColumnBytes * (2 * size_ + at), ratings.value.data, kColumnBytes * count);
}

void RatingStore::get(Position at, Position count, Ratings& into, Position to) const {
  if (in_memory()) {
    std::copy_n(ratings_.user.data() + at, count, into.user.data() + to);
    std::copy_n(ratings_.item.data() + at, count, into.item.data() + to);
    std::copy_n(ratings_.value.data() + at, count, into.value.data() + to);
    return;
  }
  file_->read_at(kColumnBytes * at, into.user.data() + to, kColumnBytes * count);
  file_->read_at(kColumnBytes * (size_ + at), into.item.data() + to, kColumnBytes * count);
  file_->read_at(kColumnBytes * (2 * size_ + at), into.value.data() + to, kColumnBytes * count);
}

void RatingStore::for_parts(ThreadPool& pool, int shares, const Visit& visit) const {
  if (in_memory()) return RatingsInMemory(ratings_.view()).for_parts(pool, shares, visit);
  share_out(pool, shares, [&](int share, std::atomic<Position>& next) {
    Ratings part;
    part.resize(std::min(kPart, size_));
    for (Position first = kPart * next++; first < size_; first = kPart * next++) {
      const Position count = std::min(kPart, size_ - first);
      get(first, count, part, 0);
      visit(share, {first, part.view().part(0, count)});
    }
  });
}

}  // namespace wf
