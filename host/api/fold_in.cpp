#include "host/api/fold_in.hpp"

#include "host/api/user_descent.hpp"
#include "host/base/error.hpp"
#include "host/base/philox.hpp"
#include "host/base/thread_pool.hpp"
#include "host/cpu/cpu.hpp"
#include "host/kernels/rank_rules.hpp"
#include "host/ratings/rating_source.hpp"
#include "host/schedule/row_lists.hpp"
#include "host/train/alternating.hpp"

#include <algorithm>
#include <iterator>

namespace wf {
namespace {

constexpr Position kNegatives = 32;             // for each rating of a loss of pairs
constexpr Position kPairs = Position{1} << 16;  // of a user: a pass over them takes milliseconds
constexpr Position kUsers = 16;                 // of a task

/// Training's own.
struct FoldInPenalties {
  double lambda = 0, lambda_bias = 0;
};

void check(const Model& model, const TrainConfig& config) {
  const bool all_cells = config.algorithm == Algorithm::nmf && config.missing == Missing::zero;
  if (config.algorithm == Algorithm::svd || config.algorithm == Algorithm::pca || all_cells) {
    throw UsageError("new users are not folded into a model of svd, of pca, or of nmf over all cells",
                     "train with their ratings among the others, or with another --algorithm");
  }
  if (model.norm_limit.active()) {
    throw UsageError("new users are not folded into a model with --max-norm",
                     "train with their ratings among the others");
  }
}

/// Weight decay w pulls at every step of a mini-batch: with losses averaged over it, as much as a lambda of w / 2 for
/// each training rating.
FoldInPenalties penalties_of(const TrainConfig& config, Position n_train) {
  if (config.algorithm == Algorithm::nmf) return {};
  if (config.batch_size == 0 || config.algorithm != Algorithm::sgd) return {config.lambda_user, config.lambda_bias};
  auto steps = static_cast<double>(n_train);
  if (config.reduction == Reduction::sum) steps /= static_cast<double>(config.batch_size);
  return {config.weight_decay / 2 * steps, config.weight_decay / 2 * steps};
}

RegScaling scaling_of(const TrainConfig& config) {
  return config.batch_size > 0 && config.algorithm == Algorithm::sgd ? RegScaling::none : config.reg_scaling;
}

bool is_least_squares(const TrainConfig& config) {
  if (config.algorithm == Algorithm::nmf) return false;
  if (config.algorithm != Algorithm::sgd) return true;
  return config.loss == Loss::mse && config.l1_user == 0 && !config.nonnegative;
}

void solve(Model& folded, const RowLists& lists, const TrainConfig& config, const FoldInPenalties& penalties,
           int threads) {
  Cpu cpu(threads);
  SolveSettings settings = solve_settings(config);
  settings.solver = Solver::cholesky;
  settings.scaling = scaling_of(config);
  settings.lambda = penalties.lambda;
  settings.lambda_bias = penalties.lambda_bias;
  settings.mean = folded.has_biases() ? folded.global_mean : 0;
  settings.n_partners = folded.n_items;
  const ModelView<float, Host> view = folded.view();
  HostBuffer<float> sums;
  Rows<float, Host> gram;
  if (settings.implicit) {
    sums = HostBuffer<float>(checked_product(folded.rank, folded.rank), 0.0F);
    gram = {sums.data(), folded.rank, folded.rank, folded.rank};
    cpu.gram(view.item_factors, gram);
  }
  cpu.solve_rows(lists.view(), {view.item_factors, view.item_biases, view.user_factors, view.user_biases}, gram,
                 settings);
}

/// One user's problem, from its list.
class Problems {
 public:
  Problems(const Model& folded, const RowLists& lists, const TrainConfig& config, const FoldInPenalties& penalties)
      : model_(folded), lists_(lists.view()), config_(config), penalties_(penalties) {}

  UserProblem of(Position user) const {
    UserProblem problem;
    problem.loss = config_.loss;
    if (config_.algorithm == Algorithm::nmf) problem.loss = config_.nmf_loss == NmfLoss::kl ? Loss::kl : Loss::mse;
    Position ratings = 0;
    for (Position n = lists_.begin[user]; n < lists_.begin[user + 1]; ++n) ratings += counts(n) ? 1 : 0;
    if (is_pairwise(problem.loss)) {
      add_pairs(problem, user, ratings);
    } else {
      add_ratings(problem, user);
    }
    const auto count = static_cast<double>(ratings);
    problem.l2 = penalties_.lambda * (scaling_of(config_) == RegScaling::none ? 1 : count);
    problem.l1 = 2 * config_.l1_user * count;  // a step shrinks by rate * l1, along half the loss's slope (sgd_rule)
    problem.l2_bias = penalties_.lambda_bias;
    problem.has_bias = model_.has_biases() && !is_pairwise(problem.loss);
    problem.nonnegative = config_.nonnegative || config_.algorithm == Algorithm::nmf;
    return problem;
  }

 private:
  bool counts(Position n) const { return !is_pairwise(config_.loss) || config_.is_positive(lists_.value[n]); }

  void add_ratings(UserProblem& problem, Position user) const {
    for (Position n = lists_.begin[user]; n < lists_.begin[user + 1]; ++n) {
      const double offset = bias_of(lists_.partner[n]) + static_cast<double>(model_.global_mean);
      problem.terms.push_back(
          {factors_of(lists_.partner[n]), nullptr, offset, static_cast<double>(lists_.value[n]), 1});
    }
  }

  /// Each of `ratings` that count against items that the user has no rating of, with as much weight together as one.
  void add_pairs(UserProblem& problem, Position user, Position ratings) const {
    const Position first = lists_.begin[user], end = lists_.begin[user + 1];
    std::vector<RowId> rated;
    std::unique_copy(lists_.partner.data + first, lists_.partner.data + end, std::back_inserter(rated));
    const auto distinct = static_cast<Position>(rated.size());
    const Unrated unrated(rated.data(), distinct, 0, model_.n_items - distinct);
    if (ratings == 0 || unrated.count == 0) return;
    const Position negatives = std::clamp<Position>(kPairs / ratings, 1, kNegatives);
    problem.terms.reserve(static_cast<std::size_t>(checked_product(ratings, negatives)));
    for (Position n = first; n < end; ++n) {
      if (!counts(n)) continue;
      for (Position k = 0; k < negatives; ++k) {
        const RowId item = lists_.partner[n], other = drawn(unrated, user, (n - first) * kNegatives + k);
        problem.terms.push_back({factors_of(item), factors_of(other), bias_of(item) - bias_of(other), 0,
                                 1 / static_cast<double>(negatives)});
      }
    }
  }

  RowId drawn(const Unrated& unrated, Position user, Position number) const {
    const RandomBits bits = random_bits(config_.seed, Purpose::fold_in, static_cast<std::uint64_t>(number),
                                        static_cast<std::uint32_t>(user));
    const std::uint64_t place = to_index(bits.word[0], bits.word[1], static_cast<std::uint64_t>(unrated.count));
    return unrated[static_cast<Position>(place)];
  }

  const float* factors_of(RowId item) const { return model_.view().item_factors.row(item); }
  double bias_of(RowId item) const {
    return model_.has_biases() ? static_cast<double>(*model_.view().item_biases.row(item)) : 0;
  }

  const Model& model_;
  RowListsView<Host> lists_;
  const TrainConfig& config_;
  FoldInPenalties penalties_;
};

void descend_all(Model& folded, const RowLists& lists, const TrainConfig& config, const FoldInPenalties& penalties,
                 ThreadPool& pool) {
  const Problems problems(folded, lists, config, penalties);
  const ModelView<float, Host> view = folded.view();
  pool.for_chunks(folded.n_users, kUsers, [&](Position first, Position end) {
    for (Position user = first; user < end; ++user) {
      const UserSolution best = descend(problems.of(user), folded.rank);
      for (int f = 0; f < folded.rank; ++f) {
        view.user_factors.row(user)[f] = static_cast<float>(best.factors[static_cast<std::size_t>(f)]);
      }
      if (folded.has_biases()) *view.user_biases.row(user) = static_cast<float>(best.bias);
    }
  });
}

}  // namespace

Model fold_in(const Model& model, const RatingsView<Host>& history, Position n_users, const TrainConfig& config,
              Position n_train, int threads) {
  check(model, config);
  Model folded = make_model(n_users, model.n_items, model.rank, model.has_biases());
  std::fill(folded.tables.user_factors.begin(), folded.tables.user_factors.end(), 0.0F);
  folded.tables.item_factors = model.tables.item_factors.clone();
  folded.tables.item_biases = model.tables.item_biases.clone();
  folded.global_mean = model.global_mean;
  folded.rating_mean = model.rating_mean;
  folded.users = IdMap::rows(n_users);
  folded.items = model.items.clone();
  ThreadPool pool(threads);
  const RowLists lists = list_both(pool, list_by_item(pool, RatingsInMemory(history), model.n_items), n_users).user;
  const FoldInPenalties penalties = penalties_of(config, n_train);
  if (is_least_squares(config)) {
    solve(folded, lists, config, penalties, threads);
  } else {
    descend_all(folded, lists, config, penalties, pool);
  }
  return folded;
}

}  // namespace wf
