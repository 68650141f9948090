// Per-rating SGD over the block grid, once for all kernel sets: one step for each rating, strata one after the other.
#pragma once
#include "host/kernels/contract.hpp"
#include "host/schedule/block_grid.hpp"
#include "host/train/engine.hpp"
#include "host/train/penalties.hpp"

#include <optional>
#include <utility>

namespace wf {

template <KernelSet K>
class RatingSgd {
 public:
  using Space = typename K::Space;

  /// Takes the ratings. `model`'s tables must outlive this.
  RatingSgd(K& kernels, const ModelView<float, Space>& model, Ratings ratings, const TrainConfig& config)
      : kernels_(kernels),
        model_(model),
        config_(config),
        penalties_(kernels, ratings.view(), model.user_factors.count, model.item_factors.count, model.has_biases(),
                   config),
        grid_(make_grid(std::move(ratings), model, config, kernels.most_ranges())) {}

  /// One pass over the ratings. `after_stratum(ratings done)` returns false to stop.
  template <class AfterStratum>
  ErrorSums run_epoch(int epoch, double lr, const AfterStratum& after_stratum) {
    grid_.start_epoch(epoch);
    const RatingsView<Host> here = grid_.ratings();
    ratings_.reset();  // before the new ones: no moment with both
    ratings_.emplace(kernels_, here);
    const RatingsView<Space> ratings = ratings_->view();
    Position done = 0;
    for (int s = 0; s < grid_.size(); ++s) {
      const Span<const Block, Host> blocks = grid_.stratum(s);
      kernels_.sgd_update(model_, ratings, blocks, config_.loss, static_cast<float>(lr), penalties_.view());
      for (const Block& block : blocks) done += block.end - block.begin;
      if (!after_stratum(done)) break;
    }
    return kernels_.take_errors();
  }

 private:
  static BlockGrid make_grid(Ratings ratings, const ModelView<float, Space>& model, const TrainConfig& config,
                             int most_ranges) {
    const Position n_users = model.user_factors.count;
    const Position n_items = model.item_factors.count;
    int size = config.grid > 0 ? config.grid : default_grid_size(ratings.size(), n_users, n_items, most_ranges);
    if (config.shuffle == Shuffle::none) size = 1;  // the file's order
    return {std::move(ratings), n_users, n_items, size, config.shuffle, config.seed};
  }

  /// An epoch's ratings in the memory of the kernel set.
  struct Borrowed {
    Borrowed(K& kernels, const RatingsView<Host>& ratings)
        : user(kernels.borrow(ratings.user)),
          item(kernels.borrow(ratings.item)),
          value(kernels.borrow(ratings.value)) {}
    RatingsView<Space> view() const { return {user.span(), item.span(), value.span()}; }
    decltype(std::declval<K&>().borrow(Span<const RowId, Host>{})) user, item;
    decltype(std::declval<K&>().borrow(Span<const float, Host>{})) value;
  };

  K& kernels_;
  ModelView<float, Space> model_;
  TrainConfig config_;
  Penalties<K> penalties_;
  BlockGrid grid_;
  std::optional<Borrowed> ratings_;
};

}  // namespace wf
