// The tables of a training that several ranks have between them: each has the users of its ranges for good, and the
// ranges of items pass along the ring.
#pragma once
#include "host/kernels/host_memory.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/train/record_tables.hpp"
#include "host/train/training_state.hpp"

#include <string>
#include <utility>

namespace wf {

/// Every row has its place, and only rows that are here take memory (release_pages). As RecordTables otherwise.
class RingTables {
 public:
  RingTables() = default;
  /// The rows that this rank begins with: items as in the grid's stratum `offset`, in which range of items (g + offset)
  /// mod G is with range of users g. Biases are taken from `model`, which has no factors; they are drawn here.
  RingTables(Model& model, const BlockGrid& grid, const TrainConfig& config, int padded_rank, int offset);

  int offset() const { return offset_; }
  void set_offset(int offset) { offset_ = offset; }

  /// Memory of a range's rows, with their records.
  Span<float, Host> user_rows(const RowRange& range) { return rows(user_, range); }
  Span<float, Host> item_rows(const RowRange& range) { return rows(item_, range); }
  void release(Span<float, Host> rows);

  /// Rows that are not here must not be looked at.
  SgdTables<Host> view(const Model& shape);

  void copy_to(HostMemory& memory, RingTables& other) const;
  /// Into the tables of rank 0's model, by its own names; the other ranks' stay empty. The tables here are gone then.
  void to_model(Model& model);

  /// By the names and of the sizes of RecordTables: what one process has saved, several go on from, and the other way.
  template <class Visit>
  void state(Visit&& visit, const std::string& prefix) {
    SharedState<float> users{user_.size(), {}}, items{item_.size(), {}};
    for_ranges([&](const RowRange& of_users, const RowRange& of_items) {
      users.pieces.push_back({of_users.begin * layout_.pitch(), user_rows(of_users)});
      items.pieces.push_back({of_items.begin * layout_.pitch(), item_rows(of_items)});
    });
    visit(prefix + "user_rows", std::as_const(users));
    visit(prefix + "item_rows", std::as_const(items));
  }

 private:
  Span<float, Host> rows(HostBuffer<float>& table, const RowRange& range) const {
    return table.span().part(Position{range.begin} * layout_.pitch(),
                             Position{range.end - range.begin} * layout_.pitch());
  }
  /// f(range of users, range of items) for those that are here.
  template <class F>
  void for_ranges(const F& f) const {
    const Owners owners = grid_->owners();
    const int size = grid_->size(), rank = grid_->ranks().rank();
    for (int g = owners.first(rank); g < owners.first(rank + 1); ++g) {
      const Block& block = grid_->blocks()[Position{g} * size + (g + offset_) % size];
      f(block.users, block.items);
    }
  }

  const BlockGrid* grid_ = nullptr;
  RowLayout layout_;
  bool biases_ = false;
  int offset_ = 0;
  HostBuffer<float> user_, item_;  // [n x pitch]
};

}  // namespace wf
