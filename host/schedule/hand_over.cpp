#include "host/schedule/hand_over.hpp"

#include "host/schedule/block_sort.hpp"

#include <vector>

namespace wf {

Ratings hand_over(const RatingSource& source, const std::function<int(RowId user, RowId item)>& owner) {
  std::vector<HostBuffer<RatingTriple>> to(static_cast<std::size_t>(source.ranks().size()));
  ThreadPool alone(1);
  source.for_parts(alone, [&](int, const RatingPart& part) {
    for (Position n = 0; n < part.ratings.size(); ++n) {
      const RowId user = part.ratings.user[n], item = part.ratings.item[n];
      to[static_cast<std::size_t>(owner(user, item))].push_back({user, item, part.ratings.value[n]});
    }
  });
  const std::vector<HostBuffer<RatingTriple>> from = source.ranks().exchange(to);
  to.clear();
  Ratings mine;
  for (const HostBuffer<RatingTriple>& part : from) {
    for (const RatingTriple& rating : part) mine.push_back(rating.user, rating.item, rating.value);
  }
  return mine;
}

}  // namespace wf
