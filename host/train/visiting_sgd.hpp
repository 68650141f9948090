// Per-rating SGD on tables that the kernel set's memory does not hold: a block's rows visit it, and go home.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/schedule/block_reader.hpp"
#include "host/train/penalties.hpp"
#include "host/train/rating_sgd.hpp"
#include "host/train/record_tables.hpp"
#include "host/train/row_visits.hpp"

#include <optional>
#include <utility>

namespace wf {

/// As RatingSgd, one block after the other; the same bits where that is promised. A row of users comes and goes G times
/// an epoch, as a row of items does.
template <KernelSet K>
class VisitingSgd {
 public:
  using Space = typename K::Space;

  /// `tables` of the host, and the grid must outlive this.
  VisitingSgd(K& kernels, const SgdTables<Host>& tables, BlockGrid& grid, const TrainConfig& config)
      : kernels_(kernels),
        tables_(tables),
        visits_(kernels, tables),
        grid_(grid),
        config_(config),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)),
        reader_(grid, 1),
        user_values_(kernels.pin(values(tables.user))),
        item_values_(kernels.pin(values(tables.item))) {
    if (grid.in_memory()) pinned_.emplace(kernels, grid.ratings());
    settle();
  }

  template <class AfterSet>
  ErrorSums run_epoch(int epoch, double lr, const AfterSet& after_set) {
    const SgdSettings settings = sgd_settings(config_, epoch, lr, grid_);
    step_sets(reader_, epoch, after_set, [&](const BlockSet& set) {
      for (Position b = 0; b < set.blocks.size; ++b) {
        const Span<const Block, Host> one = set.blocks.part(b, 1);
        if (one[0].begin == one[0].end) continue;
        visits_.visit(one[0].users, one[0].items, [&](const SgdTables<Space>& rows) {
          const StagedBlocks<Space> staged = kernels_.stage_blocks(set.ratings, one);
          kernels_.sgd_update(rows, staged.ratings, staged.blocks, settings, penalties_.view());
        });
      }
    });
    settle();
    return kernels_.take_errors();
  }

  /// Errors of ratings that the grid has arranged, `at_once` staged together.
  ErrorSums errors(const ScoreOptions& options, const RatingsView<Host>& valid, Position at_once) {
    for (Position begin = 0, end = 0; begin < valid.size(); begin = end) {
      const Block& block = block_of(valid.user[begin], valid.item[begin]);
      end = end_of_block(valid, begin, block, at_once);
      const SgdTables<Space> rows = visits_.bring(block.users, block.items);
      kernels_.rating_errors(model_view(rows), options, kernels_.stage(valid.part(begin, end - begin)));
    }  // the rows are what they were at home
    return kernels_.take_errors();
  }

  /// Nothing beside the tables: see RatingSgd.
  template <class Visit>
  void state(Visit&&) {}

 private:
  static Span<const float, Host> values(const Rows<float, Host>& table) {
    if (table.empty()) return {};
    return {record_of(table.data), checked_product(table.count, table.pitch)};
  }

  void settle() {
    if (config_.optimizer == Optimizer::row_adagrad) {
      for (int g = 0; g < grid_.size(); ++g) {
        const Block& block = grid_.blocks()[Position{g} * (grid_.size() + 1)];  // all ranges, once each
        visits_.settle(block.users, block.items);
      }
    }
    kernels_.wait_rows();
  }
  /// Rows beyond the tables, unknown ids, belong to the last range.
  const Block& block_of(RowId user, RowId item) const {
    const Span<const Block, Host> blocks = grid_.blocks();
    const int size = grid_.size();
    int user_range = 0, item_range = 0;
    while (user_range + 1 < size && !holds(blocks[Position{user_range} * size].users, user)) ++user_range;
    while (item_range + 1 < size && !holds(blocks[item_range].items, item)) ++item_range;
    return blocks[Position{user_range} * size + item_range];
  }
  static bool holds(const RowRange& range, RowId row) { return row >= range.begin && row < range.end; }

  Position end_of_block(const RatingsView<Host>& valid, Position begin, const Block& block, Position at_once) const {
    const auto fits = [this](RowId row, const RowRange& range, Position rows) {
      const bool unknown = row < 0 || row >= rows;
      return unknown ? range.end == rows : holds(range, row);
    };
    const Position most = std::min(begin + at_once, valid.size());
    Position end = begin;
    while (end < most && fits(valid.user[end], block.users, tables_.user.count) &&
           fits(valid.item[end], block.items, tables_.item.count)) {
      ++end;
    }
    return std::max(end, begin + 1);
  }

  K& kernels_;
  SgdTables<Host> tables_;
  RowVisits<K> visits_;
  BlockGrid& grid_;
  TrainConfig config_;
  Penalties<K> penalties_;
  BlockReader reader_;
  decltype(std::declval<K&>().pin(Span<const float, Host>{})) user_values_, item_values_;
  std::optional<PinnedRatings<K>> pinned_;
};

}  // namespace wf
