#include "host/cpu/top_lists.hpp"

#include <algorithm>
#include <limits>

namespace wf {
namespace {

constexpr int kPanel = PanelLoops::kPanel;
constexpr Position kPanels = 16;  // of a task, to be filled: 512 items

}  // namespace

ItemPanels::ItemPanels(const ModelView<const float, Host>& model, const ScoreOptions& options,
                       Span<const RowId, Host> items, ThreadPool& pool, Simd simd)
    : model_(model),
      norm_limit_(options.norm_limit),
      loops_(panel_loops(simd)),
      width_(model.rank() + (model.has_biases() ? 2 : 0)),
      items_(items.size) {
  std::copy(items.begin(), items.end(), items_.begin());
  const Position count = (items.size + kPanel - 1) / kPanel;
  panels_.resize(checked_product(count, Position{width_} * kPanel));
  pool.for_chunks(count, kPanels, [&](Position first, Position end) {
    for (Position panel = first; panel < end; ++panel) fill_panel(panel, items);
  });
}

/// What max_norm leaves of a row.
double ItemPanels::scale(const float* row) const {
  return norm_limit_.active() ? renorm_factor(norm(row, model_.rank(), norm_limit_.norm_type), norm_limit_) : 1;
}

/// Biases are two factors more, as <[p, b_u + mean, 1], [q, 1, b_i]>.
void ItemPanels::fill_panel(Position panel, Span<const RowId, Host> items) {
  const int rank = model_.rank();
  float* const values = panels_.data() + panel * width_ * kPanel;
  std::fill_n(values, width_ * kPanel, 0.0F);
  for (Position n = panel * kPanel; n < std::min((panel + 1) * kPanel, items.size); ++n) {
    const float* const row = model_.item_factors.row(items[n]);
    const auto shrunk = static_cast<float>(scale(row));
    float* const column = values + n % kPanel;
    for (int f = 0; f < rank; ++f) column[f * kPanel] = shrunk * row[f];
    if (!model_.has_biases()) continue;
    column[rank * kPanel] = 1;
    column[(rank + 1) * kPanel] = *model_.item_biases.row(items[n]);
  }
}

/// The rows of users as score_panel takes them; behind the last user, zeros.
HostBuffer<float> ItemPanels::gathered(Span<const RowId, Host> users) const {
  constexpr int kUsers = PanelLoops::kUsers;
  const int rank = model_.rank();
  HostBuffer<float> rows(Position{kTogether} * width_, 0);
  for (Position n = 0; n < users.size; ++n) {
    const float* const row = model_.user_factors.row(users[n]);
    const auto shrunk = static_cast<float>(scale(row));
    float* const to = rows.data() + n / kUsers * kUsers * width_ + n % kUsers;
    for (int f = 0; f < rank; ++f) to[f * kUsers] = shrunk * row[f];
    if (!model_.has_biases()) continue;
    to[rank * kUsers] = *model_.user_biases.row(users[n]) + model_.global_mean;
    to[(rank + 1) * kUsers] = 1;
  }
  return rows;
}

/// Of the users of a task and a panel.
struct ItemPanels::Block {
  float floors[kTogether];
  float scores[kTogether * kPanel];
  int reaching[kTogether];
};

template <class Visit>
void ItemPanels::for_panels(Span<const RowId, Host> users, Block& block, const Visit& visit) const {
  const FlushToZero scope;
  const HostBuffer<float> rows = gathered(users);
  constexpr int kUsers = PanelLoops::kUsers;
  const int whole = (static_cast<int>(users.size) + kUsers - 1) / kUsers * kUsers;
  for (Position first = 0; first < items_.size(); first += kPanel) {
    visit(first, loops_.score_panel(rows.data(), whole, width_, panels_.data() + first * width_, block.floors,
                                    block.scores, block.reaching));
  }
}

void ItemPanels::top_lists_of(Span<const RowId, Host> users, const ItemSets& seen, Position n,
                              std::vector<Recommendation>* lists) const {
  std::vector<BestItems> best(static_cast<std::size_t>(users.size), BestItems(n));
  Block block;
  std::fill_n(block.floors, kTogether, std::numeric_limits<float>::infinity());
  for (Position u = 0; u < users.size; ++u) block.floors[u] = best[static_cast<std::size_t>(u)].floor();
  for_panels(users, block, [&](Position first, int found) {
    const Position columns = std::min<Position>(kPanel, items_.size() - first);
    for (int k = 0; k < found && block.reaching[k] < users.size; ++k) {  // behind the users is nobody
      const int u = block.reaching[k];
      BestItems& of = best[static_cast<std::size_t>(u)];
      const Span<const RowId, Host> left_out = seen.of(users[u]);
      for (Position c = 0; c < columns; ++c) {
        const Recommendation candidate{items_[first + c], block.scores[u * kPanel + c]};
        if (candidate.score < block.floors[u]) continue;
        if (std::binary_search(left_out.begin(), left_out.end(), candidate.item)) continue;
        of.offer(candidate);
        block.floors[u] = of.floor();
      }
    }
  });
  for (Position u = 0; u < users.size; ++u) lists[u] = best[static_cast<std::size_t>(u)].take();
}

void ItemPanels::score_rows(Span<const RowId, Host> users, Rows<float, Host> scores, ThreadPool& pool) const {
  pool.for_chunks(users.size, kTogether, [&](Position begin, Position end) {
    Block block;
    std::fill_n(block.floors, kTogether, std::numeric_limits<float>::infinity());
    for_panels(users.part(begin, end - begin), block, [&](Position first, int) {
      const Position columns = std::min<Position>(kPanel, items_.size() - first);
      for (Position u = 0; u < end - begin; ++u) {
        std::copy_n(block.scores + u * kPanel, columns, scores.row(begin + u) + first);
      }
    });
  });
}

std::vector<std::vector<Recommendation>> ItemPanels::top_lists(Span<const RowId, Host> users, const ItemSets& seen,
                                                               Position n, ThreadPool& pool) const {
  std::vector<std::vector<Recommendation>> lists(static_cast<std::size_t>(users.size));
  pool.for_chunks(users.size, kTogether, [&](Position first, Position end) {
    top_lists_of(users.part(first, end - first), seen, n, lists.data() + first);
  });
  return lists;
}

}  // namespace wf
