// Rows of host tables that visit the memory of a kernel set, and ranges of rows.
#pragma once
#include "host/kernels/contract.hpp"

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

  /// To be read: what is there stays what it is at home.
  SgdTables<Space> bring(const RowRange& users, const RowRange& items) {
    return {kernels_.bring_rows(RowSide::user, users, tables_.user),
            kernels_.bring_rows(RowSide::item, items, tables_.item), tables_.biases, tables_.global_mean,
            tables_.storage};
  }
  /// work(rows), which go home then.
  template <class Work>
  void visit(const RowRange& users, const RowRange& items, const Work& work) {
    work(bring(users, items));
    kernels_.return_rows(RowSide::user, users, tables_.user);
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
  K& kernels_;
  SgdTables<Host> tables_;
};

}  // namespace wf
