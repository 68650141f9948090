// Grouping: a batch's sides share nothing, and the next batch can be grouped while one is stepped.
#include "host/cpu/cpu.hpp"

#include <utility>

namespace wf {
namespace {

bool same(const RatingsView<Host>& a, const RatingsView<Host>& b) {
  return a.user.data == b.user.data && a.item.data == b.item.data && a.size() == b.size();
}

}  // namespace

BatchGroups<Host> Cpu::group_rows(const RatingsView<Host>& batch, Position n_users, Position n_items) {
  start_batches(n_users, n_items);
  alone_.batch = batch;
  group_now(GroupOrder::appearance, alone_);
  return alone_.groups;
}

void Cpu::start_batches(Position n_users, Position n_items) {
  n_users_ = n_users;
  n_items_ = n_items;
  next_.done = false;
}

BatchGroups<Host> Cpu::group_batch(const RatingsView<Host>& batch, const RatingsView<Host>& next) {
  std::swap(current_, next_);
  if (!current_.done || !same(current_.batch, batch)) {
    current_.batch = batch;
    group_now(GroupOrder::repeated_first, current_);
  }
  next_.batch = next;
  next_.done = false;
  return current_.groups;
}

void Cpu::group_side(Position side, GroupOrder order, GroupedBatch& grouped) {
  const RatingsView<Host>& batch = grouped.batch;
  if (side == 0) grouped.groups.user = user_grouper_.group(batch.user, n_users_, order, grouped.user);
  if (side == 1) {
    grouped.groups.item = item_grouper_.group(batch.item, n_items_, order, grouped.item, {batch.user, batch.value});
  }
}

void Cpu::group_now(GroupOrder order, GroupedBatch& grouped) {
  constexpr Position kWorthSharing = 2048;  // ratings: each side takes about 10 us
  if (grouped.batch.size() >= kWorthSharing) {
    pool_.for_each(kSides, [&](Position side) { group_side(side, order, grouped); });
  } else {
    for (Position side = 0; side < kSides; ++side) group_side(side, order, grouped);
  }
}

}  // namespace wf
