// Grouping: a batch's sides share nothing, and batches share nothing either, so that short ones are grouped ahead.
#include "host/cpu/cpu.hpp"

#include <algorithm>

namespace wf {

BatchGroups<Host> Cpu::group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items) {
  group_batches(batch, std::max<Position>(1, batch.size()), n_users, n_items, GroupOrder::appearance);
  return grouped_ahead(0);
}

void Cpu::group_ahead(const RatingsView<Host>& ratings, Position batch_size, Position n_users, Position n_items) {
  group_batches(ratings, batch_size, n_users, n_items, GroupOrder::home);
}

BatchGroups<Host> Cpu::grouped_ahead(Position b) const {
  return ahead_[static_cast<std::size_t>(b)].groups;
}

void Cpu::group_batches(const RatingsView<Host>& ratings, Position batch_size, Position n_users, Position n_items,
                        GroupOrder order) {
  const Position batches = std::max<Position>(1, (ratings.size() + batch_size - 1) / batch_size);
  const auto count = static_cast<std::size_t>(batches);
  if (ahead_.size() < count) ahead_.resize(count);
  const Position lanes = std::clamp<Position>(pool_.size() / 2, 1, batches);
  if (groupers_.size() < static_cast<std::size_t>(lanes)) groupers_.resize(static_cast<std::size_t>(lanes));
  const auto group_in_lane = [&](Position task) {
    const Position lane = task / 2;
    Groupers& groupers = groupers_[static_cast<std::size_t>(lane)];
    for (Position b = lane; b < batches; b += lanes) {
      const Position first = b * batch_size;
      const RatingsView<Host> batch = ratings.part(first, std::min(batch_size, ratings.size() - first));
      GroupedBatch& grouped = ahead_[static_cast<std::size_t>(b)];
      if (task % 2 == 0) grouped.groups.user = groupers.user.group(batch.user, n_users, order, grouped.user);
      if (task % 2 == 1) grouped.groups.item = groupers.item.group(batch.item, n_items, order, grouped.item);
    }
  };
  constexpr Position kWorthSharing = 2048;  // ratings: each side takes about 5 us
  if (ratings.size() >= kWorthSharing) {
    pool_.for_each(2 * lanes, group_in_lane);
  } else {
    for (Position task = 0; task < 2 * lanes; ++task) group_in_lane(task);
  }
}

}  // namespace wf
