// What a kernel set does with the blocks of a rank: on the tables as they are, where its memory is the host's; else
// where rows stay as long as they are with this rank, and where there is no room for that, a block's rows visit it.
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
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace wf {

/// A kernel set in memory of the host, which tells the errors of each block, and whose scores are those that its errors
/// are of.
template <class K>
concept SharesTables = KernelSet<K> && requires(K& kernels) {
  { kernels.block_errors() } -> std::same_as<Span<const ErrorSums, Host>>;
};

/// A kernel set whose rows can go to that of another rank without the host.
template <class K>
concept ConnectsRanks = KernelSet<K> && requires(K& kernels, Ranks& ranks, Span<const float, typename K::Space> leaving,
                                                 int to, Span<float, typename K::Space> arriving, int from) {
  { kernels.connect(ranks) } -> std::same_as<bool>;  // for all ranks together: can all of them do so?
  // rows with their records: `leaving` go to one rank, `arriving` come from another. Ops come after them that are
  // called after the wait, which may return before; the memory may go back to the kernel set then
  { kernels.swap_rows(leaving, to, arriving, from) } -> std::same_as<std::shared_ptr<Message>>;
};

/// A range of items that leaves, and one that arrives. Memory of both is untouched until the wait for it.
struct RowMove {
  std::unique_ptr<Message> sent, received;
};

/// A message, and what is to be done when it is over.
class MessageThen final : public Message {
 public:
  MessageThen(std::shared_ptr<Message> message, std::function<void()> then)
      : message_(std::move(message)), then_(std::move(then)) {}
  void wait() override {
    message_->wait();
    then_();
  }

 private:
  std::shared_ptr<Message> message_;
  std::function<void()> then_;
};

inline RowMove exchange_rows(Ranks& ranks, Span<const float, Host> leaving, int to, Span<float, Host> arriving,
                             int from) {
  RowMove move;
  move.received = ranks.start_receive(from, writable_bytes_of(arriving));
  move.sent = ranks.start_send(to, bytes_of(leaving));
  return move;
}

/// The tables and the grid must outlive this. Rows of this rank's `users`, and those of ranges of `items` while they
/// are with it, stay where they are worked on, if there is room; what they have become is at home on the host after
/// send_home, and what has no room when a call returns.
template <KernelSet K>
class RingSteps {
 public:
  using Space = typename K::Space;

  RingSteps(K& kernels, RingTables& tables, const Model& shape, const BlockGrid& grid, const RowRange& users,
            const std::vector<RowRange>& items, const TrainConfig& config)
      : kernels_(kernels),
        tables_(tables),
        visits_(kernels, tables.view(shape)),
        grid_(grid),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)) {
    if constexpr (ConnectsRanks<K>) connected_ = kernels.connect(grid.ranks());  // takes memory: first
    if (const auto device = kernels.memory()) {
      hold(size_of(shape, grid, kStagedRatings), config, users, items, device_room(*device, config));
    }
    connected_ = connected_ && !grid.ranks().any(!holds_items_);
    if (!holds_items_) pin(users, items);
  }

  /// `leaving` is done with and goes to rank `to`; `arriving` comes from another, and may be stepped after the wait.
  /// What one rank starts here, the others do at the same time.
  RowMove start_move(const RowRange& leaving, int to, const RowRange& arriving, int from) {
    if constexpr (ConnectsRanks<K>) {
      if (connected_) {
        const Span<float, Space> room = visits_.room_for_items(arriving);
        const std::shared_ptr<Message> swap = kernels_.swap_rows(visits_.held_items(leaving), to, room, from);
        return {then(swap, [this, leaving] { visits_.let_items_go(leaving); }), then(swap, [] {})};
      }
    }
    let_go(leaving);
    RowMove move = exchange_rows(grid_.ranks(), tables_.item_rows(leaving), to, tables_.item_rows(arriving), from);
    move.received = then(std::move(move.received), [this, arriving] { take(arriving); });
    return move;
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
  static std::unique_ptr<Message> then(std::shared_ptr<Message> message, std::function<void()> what) {
    return std::make_unique<MessageThen>(std::move(message), std::move(what));
  }

  using Pinned = decltype(std::declval<K&>().pin(Span<const float, Host>{}));
  struct PinnedItems {
    RowRange items;
    Pinned rows;
  };

  /// What there is room for: ranges of items and the one that arrives, and users; or users alone.
  void hold(const TrainingSize& size, const TrainConfig& config, const RowRange& users,
            const std::vector<RowRange>& items, Position room) {
    const Position n_users = Position{users.end} - users.begin;
    const Position n_items = (static_cast<Position>(items.size()) + 1) * size.largest_items;
    if (!holds_rows(size, config, n_users, room)) return;
    try {
      visits_.hold_users(users);
      if (!holds_rows(size, config, n_users + n_items, room)) return;
      for (const RowRange& range : items) visits_.hold_items(range);
      visits_.make_room_for_items(size.largest_items);
      holds_items_ = true;
    } catch (const DeviceError&) {  // another rank on this device was first: rows visit
      visits_.let_all_items_go();
    }
  }

  /// Rows that visit come from where they are, without a stop on the way.
  void pin(const RowRange& users, const std::vector<RowRange>& items) {
    pinned_users_.emplace(kernels_.pin(Span<const float, Host>(tables_.user_rows(users))));
    for (const RowRange& range : items) take(range);
  }
  void take(const RowRange& items) {
    if (holds_items_) return visits_.hold_items(items);
    pinned_items_.push_back({items, kernels_.pin(Span<const float, Host>(tables_.item_rows(items)))});
  }
  void let_go(const RowRange& items) {
    if (holds_items_) {
      visits_.send_home(items);
      return visits_.let_items_go(items);
    }
    std::erase_if(pinned_items_, [&](const PinnedItems& range) {
      return range.items.begin == items.begin && range.items.end == items.end;
    });
  }

  K& kernels_;
  RingTables& tables_;
  RowVisits<K> visits_;
  const BlockGrid& grid_;
  Penalties<K> penalties_;
  std::optional<Pinned> pinned_users_;
  std::vector<PinnedItems> pinned_items_;
  bool holds_items_ = false;
  bool connected_ = false;  // rows go from one rank's memory to another's
};

template <SharesTables K>
class RingSteps<K> {
 public:
  RingSteps(K& kernels, RingTables& tables, const Model& shape, const BlockGrid& grid, const RowRange&,
            const std::vector<RowRange>&, const TrainConfig& config)
      : kernels_(kernels),
        ring_(tables),
        tables_(tables.view(shape)),
        grid_(grid),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)) {}

  RowMove start_move(const RowRange& leaving, int to, const RowRange& arriving, int from) {
    return exchange_rows(grid_.ranks(), ring_.item_rows(leaving), to, ring_.item_rows(arriving), from);
  }
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
  RingTables& ring_;
  SgdTables<Host> tables_;
  const BlockGrid& grid_;
  Penalties<K> penalties_;
};

}  // namespace wf
