// What a kernel set does with the blocks of a rank: on the tables as they are, where its memory is the host's; else a
// block's rows visit its memory and go home, but for those of users that stay there.
#pragma once
#include "host/base/error.hpp"
#include "host/kernels/contract.hpp"
#include "host/train/exact_errors.hpp"
#include "host/train/memory_plan.hpp"
#include "host/train/rating_sgd.hpp"
#include "host/train/ring_tables.hpp"
#include "host/train/row_visits.hpp"

#include <algorithm>
#include <concepts>

namespace wf {

/// A kernel set in memory of the host, which tells the errors of each block, and whose scores are those that its errors
/// are of.
template <class K>
concept SharesTables = KernelSet<K> && requires(K& kernels) {
  { kernels.block_errors() } -> std::same_as<Span<const ErrorSums, Host>>;
};

/// The tables and the grid must outlive this. Rows of items are at home on the host when a call returns; those of this
/// rank's `users` stay where they are worked on, if there is room, until send_home.
template <KernelSet K>
class RingSteps {
 public:
  using Space = typename K::Space;

  RingSteps(K& kernels, RingTables& tables, const Model& shape, const BlockGrid& grid, const RowRange& users,
            const TrainConfig& config)
      : kernels_(kernels),
        visits_(kernels, tables.view(shape)),
        grid_(grid),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)) {
    const auto device = kernels.memory();
    const TrainingSize size = size_of(shape, grid, kStagedRatings);
    if (!device || !holds_users(size, config, users, device_room(*device, config))) return;
    try {
      visits_.hold(users);
    } catch (const DeviceError&) {  // another rank on this device was first: they visit
    }
  }

  /// errors[n] of block n, before its steps.
  void step(Span<const Block, Host> blocks, const SgdSettings& settings, ErrorSums* errors) {
    for (Position n = 0; n < blocks.size; ++n) {
      const Span<const Block, Host> one = blocks.part(n, 1);
      errors[n] = {};
      if (one[0].begin == one[0].end) continue;
      visits_.visit(one[0].users, one[0].items, [&](const SgdTables<Space>& rows) {
        const StagedBlocks<Space> staged = kernels_.stage_blocks(grid_.ratings(), one);
        kernels_.sgd_update(rows, staged.ratings, staged.blocks, settings, penalties_.view());
      });
      errors[n] = kernels_.take_errors();
    }
    kernels_.wait_rows();
  }

  void settle(const RowRange& users, const RowRange& items) {
    visits_.settle(users, items);
    kernels_.wait_rows();
  }
  void send_home() { visits_.send_held_home(); }

  /// scores[n] of (user[n], item[n]), rows of those ranges or unknown.
  void predict(const RowRange& users, const RowRange& items, const ScoreOptions& options, Span<const RowId, Host> user,
               Span<const RowId, Host> item, Span<float, Host> scores) {
    const ModelView<const float, Space> view = model_view(visits_.bring(users, items));
    for (Position first = 0; first < user.size; first += kStagedRatings) {
      const Position count = std::min(kStagedRatings, user.size - first);
      const auto borrowed_users = kernels_.borrow(user.part(first, count));
      const auto borrowed_items = kernels_.borrow(item.part(first, count));
      auto out = kernels_.output(scores.part(first, count));
      kernels_.predict(view, options, borrowed_users.span(), borrowed_items.span(), out.span());
      kernels_.finish(out, scores.part(first, count));
    }
  }

 private:
  K& kernels_;
  RowVisits<K> visits_;
  const BlockGrid& grid_;
  Penalties<K> penalties_;
};

template <SharesTables K>
class RingSteps<K> {
 public:
  RingSteps(K& kernels, RingTables& tables, const Model& shape, const BlockGrid& grid, const RowRange&,
            const TrainConfig& config)
      : kernels_(kernels),
        tables_(tables.view(shape)),
        grid_(grid),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)) {}

  void step(Span<const Block, Host> blocks, const SgdSettings& settings, ErrorSums* errors) {
    kernels_.sgd_update(tables_, grid_.ratings(), blocks, settings, penalties_.view());
    const Span<const ErrorSums, Host> found = kernels_.block_errors();
    std::copy(found.begin(), found.end(), errors);
    kernels_.take_errors();
  }
  void settle(const RowRange& users, const RowRange& items) {
    SgdTables<Host> rows = tables_;
    rows.user = rows_of(rows.user, users);
    rows.item = rows_of(rows.item, items);
    kernels_.settle_rows(rows);
  }
  void send_home() {}
  void predict(const RowRange&, const RowRange&, const ScoreOptions& options, Span<const RowId, Host> user,
               Span<const RowId, Host> item, Span<float, Host> scores) {
    kernels_.predict(model_view(tables_), options, user, item, scores);
  }

 private:
  K& kernels_;
  SgdTables<Host> tables_;
  const BlockGrid& grid_;
  Penalties<K> penalties_;
};

}  // namespace wf
