#include "host/train/shared_tables.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace wf {
namespace {

void draw_rows(const RowDraws& draws, const SharedRows& rows, int rank, HostBuffer<float>& factors) {
  for (Position n = 0; n < rows.n_here(); ++n) draws.draw(rows.names()[n], factors.data() + n * rank);
}

void take_biases(const HostBuffer<float>& all, const SharedRows& rows, HostBuffer<float>& biases) {
  for (Position n = 0; n < rows.n_here(); ++n) biases[n] = all[rows.names()[n]];
}

/// A rank's own rows, of `width` values each, in its table and in the whole one: neighbours in both.
Span<float, Host> part(HostBuffer<float>& table, const RowRange& range, int width) {
  return table.span().part(Position{range.begin} * width, Position{range.end - range.begin} * width);
}

HostBuffer<float> whole_table(HostBuffer<float> mine, const SharedRows& rows, int width, Ranks& ranks) {
  const Span<const float, Host> own = part(mine, rows.own(), width);
  if (ranks.rank() != 0) {
    if (!own.empty()) ranks.start_send(0, bytes_of(own))->wait();
    return {};
  }
  HostBuffer<float> whole(checked_product(rows.n_all(), width));
  std::copy(own.begin(), own.end(), part(whole, rows.all_of(0), width).begin());
  std::vector<std::unique_ptr<Message>> messages;
  for (int r = 1; r < ranks.size(); ++r) {
    const Span<float, Host> theirs = part(whole, rows.all_of(r), width);
    if (!theirs.empty()) messages.push_back(ranks.start_receive(r, writable_bytes_of(theirs)));
  }
  for (const auto& message : messages) message->wait();
  return whole;
}

}  // namespace

SharedTables::SharedTables(const Model& shape, std::shared_ptr<const RowSharing> sharing, const TrainConfig& config)
    : sharing_(std::move(sharing)), biases_(shape.has_biases()) {
  const SharedRows &users = sharing_->users, &items = sharing_->items;
  here_ = make_model(users.n_here(), items.n_here(), shape.rank, shape.has_biases());
  here_.global_mean = shape.global_mean;
  here_.norm_limit = shape.norm_limit;
  here_.rating_mean = shape.rating_mean;
  draw_rows({config.init, shape.n_users, shape.rank, config.seed, Purpose::user_factors}, users, shape.rank,
            here_.tables.user_factors);
  draw_rows({config.init, shape.n_items, shape.rank, config.seed, Purpose::item_factors}, items, shape.rank,
            here_.tables.item_factors);
  if (!shape.has_biases()) return;
  take_biases(shape.tables.user_biases, users, here_.tables.user_biases);
  take_biases(shape.tables.item_biases, items, here_.tables.item_biases);
}

void SharedTables::copy_to(const HostMemory& memory, SharedTables& other) const {
  const Tables& from = here_.tables;
  Tables& to = other.here_.tables;
  memory.copy(from.user_factors, to.user_factors);
  memory.copy(from.item_factors, to.item_factors);
  memory.copy(from.user_biases, to.user_biases);
  memory.copy(from.item_biases, to.item_biases);
  other.sharing_ = sharing_;
  other.biases_ = biases_;
  other.here_.n_users = here_.n_users;
  other.here_.n_items = here_.n_items;
  other.here_.rank = here_.rank;
  other.here_.global_mean = here_.global_mean;
  other.here_.norm_limit = here_.norm_limit;
  other.here_.rating_mean = here_.rating_mean;
}

void SharedTables::bring() {
  const ModelView<float, Host> view = here_.view();
  sharing_->users.bring(sharing_->ranks, view.user_factors);
  sharing_->items.bring(sharing_->ranks, view.item_factors);
  if (!biases_) return;
  sharing_->users.bring(sharing_->ranks, view.user_biases);
  sharing_->items.bring(sharing_->ranks, view.item_biases);
}

void SharedTables::to_model(Model& model) {
  Ranks& ranks = sharing_->ranks;
  Tables mine = std::move(here_.tables);
  Tables& whole = model.tables;
  whole.user_factors = whole_table(std::move(mine.user_factors), sharing_->users, model.rank, ranks);
  whole.item_factors = whole_table(std::move(mine.item_factors), sharing_->items, model.rank, ranks);
  if (!biases_) return;
  whole.user_biases = whole_table(std::move(mine.user_biases), sharing_->users, 1, ranks);
  whole.item_biases = whole_table(std::move(mine.item_biases), sharing_->items, 1, ranks);
}

SharedState<float> SharedTables::own_rows(HostBuffer<float>& table, const SharedRows& rows, int width) const {
  const RowRange all = rows.all_of(sharing_->ranks.rank());
  return {checked_product(rows.n_all(), width), {{Position{all.begin} * width, part(table, rows.own(), width)}}};
}

}  // namespace wf
