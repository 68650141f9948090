// Per-rating SGD over the block grid, once for all kernel sets: one step for each rating, strata one after the other.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/kernels/rank_rules.hpp"
#include "host/schedule/block_reader.hpp"
#include "host/train/engine.hpp"
#include "host/train/grid_rows.hpp"
#include "host/train/penalties.hpp"
#include "host/train/sgd_settings.hpp"

#include <optional>
#include <utility>

namespace wf {

/// Penalties that are the same for all rows are settings.
inline TrainConfig by_row_alone(TrainConfig config) {
  if (config.reg_scaling == RegScaling::count) config.lambda_user = config.lambda_item = 0;
  return config;
}

/// step(set) for the sets of an epoch in their order, until `after_set(ratings done)` returns false.
template <class AfterSet, class Step>
void step_sets(BlockReader& reader, int epoch, const AfterSet& after_set, const Step& step) {
  Position done = 0;
  reader.start_epoch(epoch);
  while (const std::optional<BlockSet> set = reader.next()) {
    step(*set);
    for (const Block& block : set->blocks) done += block.end - block.begin;
    if (!after_set(done)) return;
  }
}

/// Host ratings that transfers take from where they are.
template <KernelSet K>
struct PinnedRatings {
  PinnedRatings(K& kernels, const RatingsView<Host>& ratings)
      : user(kernels.pin(ratings.user)), item(kernels.pin(ratings.item)), value(kernels.pin(ratings.value)) {}
  decltype(std::declval<K&>().pin(Span<const RowId, Host>{})) user, item;
  decltype(std::declval<K&>().pin(Span<const float, Host>{})) value;
};

template <KernelSet K>
class RatingSgd {
 public:
  using Space = typename K::Space;

  /// `tables`, with rows as the grid has renamed them, and the grid must outlive this. Ratings are in the memory of the
  /// kernel set for all epochs, or come in sets of up to `most_ratings`.
  RatingSgd(K& kernels, const SgdTables<Space>& tables, BlockGrid& grid, const TrainConfig& config,
            Position most_ratings = BlockReader::kNoLimit)
      : kernels_(kernels),
        tables_(tables),
        config_(config),
        grid_(grid),
        penalties_(kernels, counts_by_new_names(grid), false, by_row_alone(config)),
        reader_(grid, most_ratings) {
    if (grid.in_memory() && most_ratings == BlockReader::kNoLimit) {
      resident_.emplace(kernels, grid.ratings());
    } else if (grid.in_memory()) {
      pinned_.emplace(kernels, grid.ratings());
    }
    if (is_pairwise(config.loss)) positives_.emplace(kernels, positives_of(config, tables, grid));
    settle();
  }

  /// One pass over the ratings. `after_set(ratings done)` returns false to stop. Then the rows are settled.
  template <class AfterSet>
  ErrorSums run_epoch(int epoch, double lr, const AfterSet& after_set) {
    const SgdSettings settings = sgd_settings(config_, epoch, lr, grid_);
    step_sets(reader_, epoch, after_set, [&](const BlockSet& set) {
      const StagedBlocks<Space> staged = at_hand(set);
      if (positives_) {
        kernels_.rank_update(tables_, staged.ratings, staged.blocks, settings, penalties_.view(), positives_->view());
      } else {
        kernels_.sgd_update(tables_, staged.ratings, staged.blocks, settings, penalties_.view());
      }
    });
    settle();
    return kernels_.take_errors();
  }

  /// Nothing beside the tables: accumulators are in the rows' records, the order of an epoch is drawn from (seed,
  /// epoch), and rows that are settled stay what they are when they are settled again.
  template <class Visit>
  void state(Visit&&) {}

 private:
  StagedBlocks<Space> at_hand(const BlockSet& set) {
    if (resident_) return {resident_->view(), set.blocks};
    return kernels_.stage_blocks(set.ratings, set.blocks);
  }

  /// Plain SGD leaves nothing to settle.
  void settle() {
    if (config_.optimizer != Optimizer::row_adagrad) return;
    kernels_.settle_rows(tables_);
  }

  /// The ratings in the memory of the kernel set.
  struct Borrowed {
    Borrowed(K& kernels, const RatingsView<Host>& ratings)
        : user(kernels.borrow(ratings.user)),
          item(kernels.borrow(ratings.item)),
          value(kernels.borrow(ratings.value)) {}
    RatingsView<Space> view() const { return {user.span(), item.span(), value.span()}; }
    decltype(std::declval<K&>().borrow(Span<const RowId, Host>{})) user, item;
    decltype(std::declval<K&>().borrow(Span<const float, Host>{})) value;
  };

  /// Of a grid in memory, by its names.
  static PositiveLists positives_of(const TrainConfig& config, const SgdTables<Space>& tables, const BlockGrid& grid) {
    ThreadPool pool(config.threads);
    const RatingsView<Host> all = grid.ratings();
    return anchors_items(config.loss) ? positive_lists(all.item, all.user, tables.item.count, pool)
                                      : positive_lists(all.user, all.item, tables.user.count, pool);
  }
  struct BorrowedPositives {
    BorrowedPositives(K& kernels, PositiveLists&& all)
        : lists(std::move(all)),
          starts(kernels.borrow(std::as_const(lists.starts).span())),
          partners(kernels.borrow(std::as_const(lists.partners).span())) {}
    Positives<Space> view() const { return {starts.span(), partners.span()}; }
    PositiveLists lists;
    decltype(std::declval<K&>().borrow(Span<const Position, Host>{})) starts;
    decltype(std::declval<K&>().borrow(Span<const RowId, Host>{})) partners;
  };

  K& kernels_;
  SgdTables<Space> tables_;
  TrainConfig config_;
  const BlockGrid& grid_;
  Penalties<K> penalties_;
  BlockReader reader_;
  std::optional<Borrowed> resident_;
  std::optional<BorrowedPositives> positives_;
  std::optional<PinnedRatings<K>> pinned_;
};

}  // namespace wf
