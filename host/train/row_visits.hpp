// Rows of host tables that visit the memory of a kernel set, or are held there, and ranges of rows.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/kernels/rows_from.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace wf {

/// Rows of a table that may be empty, as those of biases.
template <class T, class Space>
Rows<T, Space> rows_of(const Rows<T, Space>& table, const RowRange& range) {
  if (table.empty()) return table;
  return {table.row(range.begin), Position{range.end} - range.begin, table.rank, table.pitch};
}

/// The memory of `tables` must outlive this. Rows are at home when the kernel set's wait_rows has returned.
template <KernelSet K>
class RowVisits {
 public:
  using Space = typename K::Space;

  RowVisits(K& kernels, const SgdTables<Host>& tables) : kernels_(kernels), tables_(tables) {}

  /// These rows of users come once, and stay: ranges that are visited from now on lie within them.
  void hold_users(const RowRange& users) {
    held_ = brought(values(tables_.user, users));
    held_users_ = users;
  }
  /// This range of items comes, and stays until it is let go.
  void hold_items(const RowRange& items) { held_items_.push_back({items, brought(values(tables_.item, items))}); }
  /// So many rows may arrive while all that are held are here: the memory stays with the kernel set.
  void make_room_for_items(Position rows) { kernels_.template room<float>(checked_product(rows, tables_.item.pitch)); }
  /// Room for a range that comes from elsewhere than home: rows with their records, as everywhere.
  Span<float, Space> room_for_items(const RowRange& items) {
    held_items_.push_back({items, kernels_.template room<float>(values(tables_.item, items).size)});
    return held_items_.back().rows.span();
  }
  /// Here and below: of a range that is held.
  Span<const float, Space> held_items(const RowRange& items) { return std::as_const(held(items)->rows).span(); }
  void let_items_go(const RowRange& items) { held_items_.erase(held(items)); }
  void let_all_items_go() { held_items_.clear(); }

  /// What rows that stay have become is then at home as well.
  void send_home(const RowRange& items) { kernels_.fetch(held_items(items), values(tables_.item, items)); }
  void send_held_home() {
    if (held_users_) kernels_.fetch(std::as_const(held_).span(), values(tables_.user, *held_users_));
    for (const Held& range : held_items_) send_home(range.items);
  }

  /// To be read: what is there stays what it is at home.
  SgdTables<Space> bring(const RowRange& users, const RowRange& items) {
    const auto at = held(items);
    return {held_users_ ? rows_from<Space>(held_.data(), held_users_->begin, tables_.user)
                        : kernels_.bring_rows(RowSide::user, users, tables_.user),
            at != held_items_.end() ? rows_from<Space>(at->rows.data(), items.begin, tables_.item)
                                    : kernels_.bring_rows(RowSide::item, items, tables_.item),
            tables_.biases, tables_.global_mean, tables_.storage};
  }
  /// work(rows), which go home then, but for those that are held.
  template <class Work>
  void visit(const RowRange& users, const RowRange& items, const Work& work) {
    work(bring(users, items));
    if (!held_users_) kernels_.return_rows(RowSide::user, users, tables_.user);
    if (held(items) == held_items_.end()) kernels_.return_rows(RowSide::item, items, tables_.item);
  }
  void settle(const RowRange& users, const RowRange& items) {
    visit(users, items, [&](SgdTables<Space> rows) {
      rows.user = rows_of(rows.user, users);
      rows.item = rows_of(rows.item, items);
      kernels_.settle_rows(rows);
    });
  }

 private:
  struct Held {
    RowRange items;
    typename K::template Buffer<float> rows;  // under their own numbers
  };

  /// With the records in front of them.
  static Span<float, Host> values(const Rows<float, Host>& table, const RowRange& range) {
    const Position count = Position{range.end} - range.begin;
    if (count == 0) return {};
    return {record_of(table.row(range.begin)), checked_product(count, table.pitch)};
  }
  typename K::template Buffer<float> brought(Span<float, Host> at_home) {
    HostBuffer<float> rows(at_home.size);
    std::copy(at_home.begin(), at_home.end(), rows.begin());
    return kernels_.to_space(std::move(rows));
  }
  auto held(const RowRange& items) {
    return std::find_if(held_items_.begin(), held_items_.end(), [&](const Held& range) {
      return range.items.begin == items.begin && range.items.end == items.end;
    });
  }

  K& kernels_;
  SgdTables<Host> tables_;
  typename K::template Buffer<float> held_;
  std::optional<RowRange> held_users_;
  std::vector<Held> held_items_;
};

}  // namespace wf
