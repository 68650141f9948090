#include "host/api/evaluate_ranking.hpp"

#include "host/api/recommend.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cpu/top_lists.hpp"
#include "host/train/training_loop.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>

namespace wf {
namespace {

constexpr Position kScores = Position{1} << 24;  // of a block of users

/// A user with what is ranked for it, in memory of its own.
struct Asked {
  RowId user = 0;
  std::vector<RowId> relevant, excluded;
  Position n_unknown = 0;

  UserItems items() const {
    return {{relevant.data(), static_cast<Position>(relevant.size())},
            {excluded.data(), static_cast<Position>(excluded.size())},
            n_unknown};
  }
};

/// The users that can be measured, with their items; counts the others.
class Questions {
 public:
  Questions(const Model& model, const RankingTask& task)
      : task_(task), n_items_(model.n_items), relevant_(task.relevant, model.n_users, kMaxRows, task.threads) {
    std::vector<RowId> strangers;
    for (const RowId user : task.relevant.user) {
      if (user >= model.n_users) strangers.push_back(user);
    }
    std::sort(strangers.begin(), strangers.end());
    counts.n_left_out = std::unique(strangers.begin(), strangers.end()) - strangers.begin();
    for (RowId user = 0; user < model.n_users; ++user) add(user);
  }

  const std::vector<RowId>& users() const { return users_; }

  UserRanking rank(RowId user, Span<const float, Host> scores, Position n) const {
    const Asked asked = of(user);
    if (!task_.sampled) return rank_user(scores, asked.items(), n);
    const std::vector<RowId> others = sampled_others(asked.items(), n_items_, *task_.sampled, task_.seed, user);
    return rank_among(scores, asked.items(), {others.data(), static_cast<Position>(others.size())}, n);
  }

  RankingEvaluation counts;

 private:
  void add(RowId user) {
    const Position all = relevant_.of(user).size;
    if (all == 0) return;
    const Asked asked = of(user);
    const Position left = static_cast<Position>(asked.relevant.size()) + asked.n_unknown;
    counts.n_seen += all - left;
    counts.n_relevant += left;
    counts.n_unknown_items += asked.n_unknown;
    if (left == 0) {
      ++counts.n_left_out;
    } else {
      users_.push_back(user);
    }
  }

  Asked of(RowId user) const {
    Asked asked;
    asked.user = user;
    const Span<const RowId, Host> all = relevant_.of(user), seen = task_.seen.of(user);
    asked.excluded.assign(seen.begin(), seen.end());
    if (task_.padding >= 0 && !std::binary_search(seen.begin(), seen.end(), task_.padding)) {
      asked.excluded.insert(std::lower_bound(asked.excluded.begin(), asked.excluded.end(), task_.padding),
                            task_.padding);
    }
    const RowId* const known = std::lower_bound(all.begin(), all.end(), n_items_);
    asked.n_unknown = all.end() - known;
    std::set_difference(all.begin(), known, asked.excluded.begin(), asked.excluded.end(),
                        std::back_inserter(asked.relevant));
    return asked;
  }

  const RankingTask& task_;
  Position n_items_;
  ItemSets relevant_;
  std::vector<RowId> users_;
};

/// Scores of users and all items, by whichever way the engine takes.
class BlockScorer {
 public:
  BlockScorer(Engine& engine, const Model& model, ThreadPool& pool) : n_items_(model.n_items), pool_(pool) {
    if (!ranks_by_panels(engine)) {
      scorer_ = engine.open(model);
      return;
    }
    std::vector<RowId> items(static_cast<std::size_t>(n_items_));
    std::iota(items.begin(), items.end(), 0);
    panels_.emplace(model.view(), score_options(model, Loss::mse), Span<const RowId, Host>{items.data(), n_items_},
                    pool);
  }

  /// Into [users x n_items].
  void score(Span<const RowId, Host> users, float* scores) {
    const Rows<float, Host> rows{scores, users.size, static_cast<int>(n_items_), n_items_};
    if (panels_) {
      panels_->score_rows(users, rows, pool_);
    } else {
      scorer_->score_items(users, rows);
    }
  }

 private:
  Position n_items_;
  ThreadPool& pool_;
  std::unique_ptr<Scorer> scorer_;
  std::optional<ItemPanels> panels_;
};

}  // namespace

RankingEvaluation evaluate_ranking(Engine& engine, const Model& model, RankingTask task) {
  const Position longest = task.cuts.empty() ? 0 : *std::max_element(task.cuts.begin(), task.cuts.end());
  RankingSums sums(task.cuts, model.n_items, std::move(task.popularity), task.padding);
  const Questions questions(model, task);
  const std::vector<RowId>& users = questions.users();
  const auto n_users = static_cast<Position>(users.size());
  const Position together = std::clamp<Position>(kScores / std::max<Position>(model.n_items, 1), 1, 1024);
  ThreadPool pool(useful_threads(task.threads, n_users));
  BlockScorer scorer(engine, model, pool);
  HostBuffer<float> scores(checked_product(std::min(together, n_users), model.n_items));
  std::vector<UserRanking> rankings;
  for (Position first = 0; first < n_users; first += together) {
    const Position count = std::min(together, n_users - first);
    const Span<const RowId, Host> part{users.data() + first, count};
    scorer.score(part, scores.data());
    rankings.assign(static_cast<std::size_t>(count), {});
    pool.for_each(count, [&](Position n) {
      rankings[static_cast<std::size_t>(n)] =
          questions.rank(part[n], std::as_const(scores).span().part(n * model.n_items, model.n_items), longest);
    });
    for (const UserRanking& ranking : rankings) sums.add(ranking);
  }
  RankingEvaluation result = questions.counts;
  result.metrics = sums.metrics();
  return result;
}

}  // namespace wf
