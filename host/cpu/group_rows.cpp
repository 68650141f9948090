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
  const auto group_side = [&](Position side) {
    for (Position b = 0; b < batches; ++b) {
      const Position first = b * batch_size;
      const RatingsView<Host> batch = ratings.part(first, std::min(batch_size, ratings.size() - first));
      GroupedBatch& grouped = ahead_[static_cast<std::size_t>(b)];
      if (side == 0) grouped.groups.user = user_grouper_.group(batch.user, n_users, order, grouped.user);
      if (side == 1) grouped.groups.item = item_grouper_.group(batch.item, n_items, order, grouped.item);
    }
  };
  constexpr Position kWorthSharing = 2048;  // ratings: each side takes about 5 us
  if (ratings.size() >= kWorthSharing) {
    pool_.for_each(2, group_side);
  } else {
    group_side(0);
    group_side(1);
  }
}

}  // namespace wf
