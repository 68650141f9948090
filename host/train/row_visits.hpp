// Rows of host tables that visit the memory of a kernel set, and ranges of rows.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/kernels/rows_from.hpp"

#include <algorithm>
#include <optional>
#include <utility>

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
  void hold(const RowRange& users) {
    const Span<float, Host> at_home = values(users);
    HostBuffer<float> rows(at_home.size);
    std::copy(at_home.begin(), at_home.end(), rows.begin());
    held_ = kernels_.to_space(std::move(rows));
    held_users_ = users;
  }
  /// What they have become is then at home as well.
  void send_held_home() {
    if (held_users_) kernels_.fetch(std::as_const(held_).span(), values(*held_users_));
  }

  /// To be read: what is there stays what it is at home.
  SgdTables<Space> bring(const RowRange& users, const RowRange& items) {
    return {held_users_ ? held_rows() : kernels_.bring_rows(RowSide::user, users, tables_.user),
            kernels_.bring_rows(RowSide::item, items, tables_.item), tables_.biases, tables_.global_mean,
            tables_.storage};
  }
  /// work(rows), which go home then, but for those that are held.
  template <class Work>
  void visit(const RowRange& users, const RowRange& items, const Work& work) {
    work(bring(users, items));
    if (!held_users_) kernels_.return_rows(RowSide::user, users, tables_.user);
    kernels_.return_rows(RowSide::item, items, tables_.item);
  }
  void settle(const RowRange& users, const RowRange& items) {
    visit(users, items, [&](SgdTables<Space> rows) {
      rows.user = rows_of(rows.user, users);
      rows.item = rows_of(rows.item, items);
      kernels_.settle_rows(rows);
    });
  }

 private:
  /// With the records in front of them.
  Span<float, Host> values(const RowRange& users) const {
    const Rows<float, Host>& table = tables_.user;
    const Position count = Position{users.end} - users.begin;
    if (count == 0) return {};
    return {record_of(table.row(users.begin)), checked_product(count, table.pitch)};
  }
  /// Under their own numbers.
  Rows<float, Space> held_rows() { return rows_from<Space>(held_.data(), held_users_->begin, tables_.user); }

  K& kernels_;
  SgdTables<Host> tables_;
  typename K::template Buffer<float> held_;
  std::optional<RowRange> held_users_;
};

}  // namespace wf
