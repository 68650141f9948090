#include "host/api/recommend.hpp"

#include "host/cpu/cpu.hpp"
#include "host/cpu/top_lists.hpp"
#include "host/train/training_loop.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wf {
namespace {

using Lists = std::vector<std::vector<Recommendation>>;

/// By what the engine scores, a block of users at a time.
Lists lists_by_scores(Scorer& scorer, const Model& model, const ListRequest& request) {
  constexpr Position kTogether = 64;
  Lists lists;
  HostBuffer<float> scores(checked_product(std::min(kTogether, request.users.size), model.n_items));
  for (Position first = 0; first < request.users.size; first += kTogether) {
    const Position count = std::min(kTogether, request.users.size - first);
    const Span<const RowId, Host> users = request.users.part(first, count);
    scorer.score_items(users, {scores.data(), count, static_cast<int>(model.n_items), model.n_items});
    for (Position n = 0; n < count; ++n) {
      const Span<const RowId, Host> seen = request.seen.of(users[n]);
      BestItems best(request.n);
      for (const RowId item : request.items) {
        const float score = scores[n * model.n_items + item];
        if (score < best.floor() || std::binary_search(seen.begin(), seen.end(), item)) continue;
        best.offer({item, score});
      }
      lists.push_back(best.take());
    }
  }
  return lists;
}

Lists lists_by_panels(const Model& model, const ListRequest& request) {
  ThreadPool pool(request.threads);
  const ItemPanels panels(model.view(), score_options(model, Loss::mse), request.items, pool);
  return panels.top_lists(request.users, request.seen, request.n, pool);
}

/// The scores that predict gives, and the order that follows from them.
void take_predictions(Scorer& scorer, Span<const RowId, Host> users, Lists& lists) {
  HostBuffer<RowId> user, item;
  for (std::size_t n = 0; n < lists.size(); ++n) {
    for (const Recommendation& one : lists[n]) {
      user.push_back(users[static_cast<Position>(n)]);
      item.push_back(one.item);
    }
  }
  HostBuffer<float> scores(user.size());
  scorer.predict(user.span(), item.span(), scores.span());
  const float* score = scores.begin();
  for (auto& list : lists) {
    for (Recommendation& one : list) one.score = *score++;
    const auto is_nan = [](const Recommendation& one) { return std::isnan(one.score); };
    list.erase(std::remove_if(list.begin(), list.end(), is_nan), list.end());
    std::sort(list.begin(), list.end(), better);
  }
}

}  // namespace

bool ranks_by_panels(const Engine& engine) {
  return engine.name() == Cpu::kName;
}

Lists recommend(Engine& engine, const Model& model, const ListRequest& request) {
  const auto scorer = engine.open(model);
  Lists lists = ranks_by_panels(engine) ? lists_by_panels(model, request) : lists_by_scores(*scorer, model, request);
  take_predictions(*scorer, request.users, lists);
  return lists;
}

}  // namespace wf
