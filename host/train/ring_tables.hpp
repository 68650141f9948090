// The tables of a training that several ranks have between them: each has the users of its ranges for good, and the
// ranges of items pass along the ring.
#pragma once
#include "host/kernels/host_memory.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/train/divergence.hpp"
#include "host/train/record_tables.hpp"

#include <string>
#include <type_traits>

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

  /// Throws UsageError: no checkpoint holds a part of the tables yet. Whether they are finite is seen where they are
  /// together.
  template <class Visit>
  void state(Visit&&, const std::string&) {
    if constexpr (std::is_same_v<std::remove_cvref_t<Visit>, FiniteState>) return;
    throw UsageError("a training of several processes has no checkpoints yet",
                     "leave out --checkpoint-every, --resume");
  }

 private:
  Span<float, Host> rows(HostBuffer<float>& table, const RowRange& range) const {
    return table.span().part(Position{range.begin} * layout_.pitch(),
                             Position{range.end - range.begin} * layout_.pitch());
  }
  /// f(range of users, range of items) for those that are here.
  template <class F>
  void for_ranges(const F& f) const;

  const BlockGrid* grid_ = nullptr;
  RowLayout layout_;
  bool biases_ = false;
  int offset_ = 0;
  HostBuffer<float> user_, item_;  // [n x pitch]
};

}  // namespace wf
