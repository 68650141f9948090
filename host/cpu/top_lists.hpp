// Top-N lists of many users on all cores: products of users and items a panel at a time, each looked through while it
// is in the first cache. No table of users x items is made.
#pragma once
#include "host/base/thread_pool.hpp"
#include "host/cpu/panel_loops.hpp"
#include "host/kernels/score.hpp"
#include "host/kernels/top_items.hpp"
#include "host/ratings/item_sets.hpp"

#include <vector>

namespace wf {

/// The factors of some items side by side, with their biases: 4 bytes a factor and item.
class ItemPanels {
 public:
  /// `items`: rows of the model, ascending. All but `model` may end before this.
  ItemPanels(const ModelView<const float, Host>& model, const ScoreOptions& options, Span<const RowId, Host> items,
             ThreadPool& pool, Simd simd = usable_simd().back());

  /// lists[n]: the `n` highest scores of users[n] among the items that `seen` has not, best first, ties by ascending
  /// row; shorter where there are no more. Users have rows. A score is one sum over the factors in their order, whoever
  /// else is asked for and on however many threads; it is off from score() by the rounding of another order.
  std::vector<std::vector<Recommendation>> top_lists(Span<const RowId, Host> users, const ItemSets& seen, Position n,
                                                     ThreadPool& pool) const;

  /// scores.row(n)[k] = the score of users[n] and the k-th item: [users x items].
  void score_rows(Span<const RowId, Host> users, Rows<float, Host> scores, ThreadPool& pool) const;

 private:
  static constexpr int kTogether = 64;  // users of a task: their factors, a panel and its scores are 34 KB at rank 64

  void fill_panel(Position panel, Span<const RowId, Host> items);
  /// visit(first, found): after the users' scores of items first .. and on are in `block`, for each panel. `found`
  /// users reach their floors.
  struct Block;
  template <class Visit>
  void for_panels(Span<const RowId, Host> users, Block& block, const Visit& visit) const;
  void top_lists_of(Span<const RowId, Host> users, const ItemSets& seen, Position n,
                    std::vector<Recommendation>* lists) const;
  HostBuffer<float> gathered(Span<const RowId, Host> users) const;
  double scale(const float* row) const;

  ModelView<const float, Host> model_;
  NormLimit norm_limit_;
  const PanelLoops& loops_;
  int width_;                 // factors, and two for biases
  HostBuffer<RowId> items_;   // [items]
  HostBuffer<float> panels_;  // [panels x width x kPanel]
};

}  // namespace wf
