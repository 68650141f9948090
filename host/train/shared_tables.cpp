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

/// A rank's own rows, of `width` values each, in its table or in the whole one: neighbours in both.
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

Model model_of_rank(const Model& shape, const RowSharing& sharing, const TrainConfig& config) {
  const SharedRows &users = sharing.users, &items = sharing.items;
  Model model = make_model(users.n_here(), items.n_here(), shape.rank, shape.has_biases());
  model.global_mean = shape.global_mean;
  model.norm_limit = shape.norm_limit;
  model.rating_mean = shape.rating_mean;
  draw_rows({config.init, shape.n_users, shape.rank, config.seed, Purpose::user_factors}, users, shape.rank,
            model.tables.user_factors);
  draw_rows({config.init, shape.n_items, shape.rank, config.seed, Purpose::item_factors}, items, shape.rank,
            model.tables.item_factors);
  if (!shape.has_biases()) return model;
  take_biases(shape.tables.user_biases, users, model.tables.user_biases);
  take_biases(shape.tables.item_biases, items, model.tables.item_biases);
  return model;
}

void gather_rows(Tables mine, const RowSharing& sharing, Model& model) {
  const bool biases = model.has_biases();
  Ranks& ranks = sharing.ranks;
  Tables& whole = model.tables;
  whole.user_factors = whole_table(std::move(mine.user_factors), sharing.users, model.rank, ranks);
  whole.item_factors = whole_table(std::move(mine.item_factors), sharing.items, model.rank, ranks);
  if (!biases) return;
  whole.user_biases = whole_table(std::move(mine.user_biases), sharing.users, 1, ranks);
  whole.item_biases = whole_table(std::move(mine.item_biases), sharing.items, 1, ranks);
}

SharedState<float> own_rows(HostBuffer<float>& table, const SharedRows& rows, int width, int rank) {
  const Position first = Position{rows.all_of(rank).begin} * width;
  return {checked_product(rows.n_all(), width), {{first, part(table, rows.own(), width)}}};
}

}  // namespace wf
