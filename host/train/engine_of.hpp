// Engine for a kernel set: the one place where the virtual interface meets the templates.
#pragma once
#include "host/kernels/host_memory.hpp"
#include "host/train/alternating.hpp"
#include "host/train/coordinate_descent.hpp"
#include "host/train/gradient_descent.hpp"
#include "host/train/grid_rows.hpp"
#include "host/train/memory_plan.hpp"
#include "host/train/nonnegative.hpp"
#include "host/train/record_tables.hpp"
#include "host/train/ring_sgd.hpp"
#include "host/train/shared_tables.hpp"
#include "host/train/training_loop.hpp"
#include "host/train/truncated_svd.hpp"
#include "host/train/validation_pairs.hpp"
#include "host/train/visiting_sgd.hpp"

#include <memory>
#include <utility>

namespace wf {

template <KernelSet K>
class ScorerOf final : public Scorer {
 public:
  ScorerOf(K& kernels, const Model& model)
      : kernels_(kernels),
        model_(model),
        user_factors_(kernels.borrow(model.tables.user_factors.span())),
        item_factors_(kernels.borrow(model.tables.item_factors.span())),
        user_biases_(kernels.borrow(model.tables.user_biases.span())),
        item_biases_(kernels.borrow(model.tables.item_biases.span())) {}

  void predict(Span<const RowId, Host> user, Span<const RowId, Host> item, Span<float, Host> scores) override {
    for (Position first = 0; first < user.size; first += kStagedRatings) {
      const Position count = std::min(kStagedRatings, user.size - first);
      const auto users = kernels_.borrow(user.part(first, count));
      const auto items = kernels_.borrow(item.part(first, count));
      auto out = kernels_.output(scores.part(first, count));
      kernels_.predict(view(), score_options(model_, Loss::mse), users.span(), items.span(), out.span());
      kernels_.finish(out, scores.part(first, count));
    }
  }
  ErrorSums errors(const RatingsView<Host>& ratings, Loss loss) override {
    return errors_of(kernels_, view(), score_options(model_, loss), ratings);
  }
  void score_items(Span<const RowId, Host> users, Rows<float, Host> scores) override {
    if (scores.pitch != scores.rank) throw std::logic_error("score_items: rows of the scores lie side by side");
    const Span<float, Host> all{scores.data, checked_product(scores.count, scores.pitch)};
    const auto rows = kernels_.borrow(users);
    auto out = kernels_.output(all);
    kernels_.score_items(view(), score_options(model_, Loss::mse), rows.span(),
                         {out.span().data, scores.count, scores.rank, scores.pitch});
    kernels_.finish(out, all);
  }

 private:
  using Borrowed = decltype(std::declval<K&>().borrow(Span<const float, Host>{}));

  ModelView<const float, typename K::Space> view() const {
    const auto rows = [](const Borrowed& values, Position count, int rank) {
      const auto span = values.span();
      return Rows<const float, typename K::Space>{span.data, span.empty() ? 0 : count, rank, rank};
    };
    return {rows(user_factors_, model_.n_users, model_.rank), rows(item_factors_, model_.n_items, model_.rank),
            rows(user_biases_, model_.n_users, 1), rows(item_biases_, model_.n_items, 1), model_.global_mean};
  }

  K& kernels_;
  const Model& model_;
  Borrowed user_factors_, item_factors_, user_biases_, item_biases_;
};

/// Of the ratings that validate; summed exactly where the kernel set's scores allow it, so that neither their order nor
/// who has which of them matters.
template <KernelSet K>
class ValidationErrors {
 public:
  explicit ValidationErrors(const TrainConfig& config)
      : loss_(config.loss), pool_(SharesTables<K> ? config.threads : 1) {}

  ErrorSums errors(K& kernels, const ModelView<const float, typename K::Space>& view, const Model& model,
                   const RatingsView<Host>& valid, Ranks& ranks = Ranks::alone(), Position at_once = kStagedRatings) {
    const ScoreOptions options = score_options(model, loss_);
    if constexpr (SharesTables<K>) {
      scores_.resize(valid.size());
      kernels.predict(view, options, valid.user, valid.item, scores_.span());
      return exact_errors(std::as_const(scores_).span(), valid.value, loss_, pool_, ranks);
    } else {
      return errors_of(kernels, view, options, valid, at_once);
    }
  }

 private:
  Loss loss_;
  ThreadPool pool_;
  HostBuffer<float> scores_;  // [valid]
};

template <KernelSet K>
class EngineOf final : public Engine {
 public:
  /// Arguments of the kernel set's constructor.
  template <class... Arguments>
  explicit EngineOf(Arguments&&... arguments) : kernels_(std::forward<Arguments>(arguments)...) {}

  std::string name() const override { return K::kName; }
  std::optional<DeviceMemory> memory() const override { return kernels_.memory(); }

  MemoryPlan plan(const TrainingSize& size, const TrainConfig& config) const override {
    const auto device = kernels_.memory();
    return plan_memory(size, config, batch_bytes(), device ? device_room(*device, config) : kNoRoomLimit);
  }

  TrainResult train(Model& model, Ratings train, const RatingsView<Host>& valid, const TrainConfig& config,
                    const TrainCallbacks& callbacks) override {
    if (config.batch_size > 0) return train_batches(model, train, valid, config, callbacks);
    ThreadPool pool(config.threads);
    if (config.algorithm != Algorithm::sgd) {
      RowLists by_item = list_by_item(pool, RatingsInMemory(train.view()), model.n_items);
      train = {};
      return train_by_row(model, list_both(pool, std::move(by_item), model.n_users), valid, config, callbacks);
    }
    BlockGrid grid = make_grid(pool, RatingsInMemory(train.view()), model.n_users, model.n_items, config, grid_wish());
    train = {};
    return train_by_block(model, grid, grid.arranged(pool, RatingsInMemory(valid)).view(), config, callbacks);
  }

  TrainResult train_by_block(Model& model, BlockGrid& grid, const RatingsView<Host>& valid, const TrainConfig& config,
                             const TrainCallbacks& callbacks) override {
    const MemoryPlan plan = checked_plan(size_of(model, grid, valid.size()), config);
    if (!kernels_.keeps(config.storage)) {
      throw UsageError("engine " + name() + " keeps factors in fp32",
                       "leave out --storage, or take --engine cuda without --deterministic");
    }
    if (is_pairwise(config.loss)) check_pairwise(grid, plan);
    if (!grid.ranks().is_alone()) return train_on_ring(model, grid, valid, config, callbacks);
    rename_rows(model.tables, model, grid, Naming::to_grid);
    TrainResult result = plan.residency == Residency::nothing
                             ? train_visiting(model, grid, valid, plan, config, callbacks)
                             : train_resident(model, grid, valid, plan, config, callbacks);
    rename_rows(model.tables, model, grid, Naming::from_grid);
    return result;
  }

  TrainResult train_by_row(Model& model, RatingLists lists, const RatingsView<Host>& valid, const TrainConfig& config,
                           const TrainCallbacks& callbacks) override {
    if (lists.sharing) return train_shared_rows(model, std::move(lists), valid, config, callbacks);
    TrainingSize size = size_of(model, lists.size(), valid.size());
    size.turned_rows = turned_rows(turned_sides(lists, config), model.n_users, model.n_items);
    checked_plan(size, config);
    if (config.algorithm == Algorithm::svd || config.algorithm == Algorithm::pca) {
      return train_spectrum(kernels_, model, std::move(lists), config, callbacks);
    }
    const auto nothing = [](const auto&, auto&) {};
    if (config.algorithm == Algorithm::nmf) {
      check_nonnegative(lists.user, model);
      if (config.missing == Missing::zero) sum_repeated(lists);
      return run_rows<Nonnegative<K>>(model, std::move(lists), valid, config, callbacks, nothing);
    }
    if (config.algorithm == Algorithm::gd) {
      return run_rows<GradientDescent<K>>(model, std::move(lists), valid, config, callbacks, nothing);
    }
    if (config.algorithm == Algorithm::ccd) {
      return run_rows<CoordinateDescent<K>>(model, std::move(lists), valid, config, callbacks, nothing);
    }
    return run_rows<Alternating<K>>(model, std::move(lists), valid, config, callbacks, tell_solved);
  }

  GridWish grid_wish() const override { return kernels_.grid_wish(); }

  std::unique_ptr<Scorer> open(const Model& model) override { return std::make_unique<ScorerOf<K>>(kernels_, model); }

 private:
  BatchBytes batch_bytes() const {
    return [this](const TrainingSize& size, Position batch) {
      return kernels_.batch_bytes(size.n_users, size.n_items, size.rank, batch);
    };
  }

  /// Throws DeviceError where the run does not fit the device.
  MemoryPlan checked_plan(const TrainingSize& size, const TrainConfig& config) const {
    if (const auto device = kernels_.memory()) check_memory(*device, size, config, batch_bytes());
    return plan(size, config);
  }

  /// Unrated rows are looked up in lists of all ratings.
  static void check_pairwise(const BlockGrid& grid, const MemoryPlan& plan) {
    if (!grid.in_memory()) throw UsageError("losses of pairs need all ratings in memory", "leave out --memory");
    if (plan.residency != Residency::nothing) return;
    throw DeviceError("losses of pairs need the rows of users and items on the device",
                      "take a lower --rank, or --engine cpu");
  }

  /// Sweeps of a method that works row by row; tell(method, result) at the end.
  template <class Method, class Tell>
  TrainResult run_rows(Model& model, RatingLists lists, const RatingsView<Host>& valid, const TrainConfig& config,
                       const TrainCallbacks& callbacks, const Tell& tell) {
    SpaceTables<K> tables(kernels_, model);
    begin_tables(kernels_, callbacks, tables);
    TrainResult result = sweep<Method>(tables, model, std::move(lists), valid, config, callbacks, tell);
    tables.to_host(kernels_, model);
    return result;
  }

  /// The same, of tables that have begun. `model` has their shape.
  template <class Method, class TablesOf, class Tell>
  TrainResult sweep(TablesOf& tables, const Model& model, RatingLists lists, const RatingsView<Host>& valid,
                    const TrainConfig& config, const TrainCallbacks& callbacks, const Tell& tell) {
    const Position n_train = lists.n_all_ratings();
    Ranks& ranks = lists.ranks();
    TablesOf best;
    Method method(kernels_, tables.view(model), std::move(lists), config);
    ValidationErrors<K> validation(config);
    TrainResult result = run_epochs(
        kernels_, tables, best, method, n_train, ranks.sum(valid.size()), config, callbacks,
        [&](int epoch, double) {
          ProgressReporter progress(callbacks, epoch, n_train);
          return method.run_epoch([&](double share) {
            return progress.report(static_cast<Position>(share * static_cast<double>(n_train)));
          });
        },
        [&] { return validation.errors(kernels_, tables.view(model), model, valid, ranks); });
    tell(method, result);
    return result;
  }

  static void tell_solved(const Alternating<K>& method, TrainResult& result) {
    result.empty_rows = method.solved().empty;
    result.deficient_rows = method.solved().deficient;
  }

  /// Several ranks have the rows between them. `model` comes without factors, and rank 0's leaves with all of them.
  TrainResult train_shared_rows(Model& model, RatingLists lists, const RatingsView<Host>& valid,
                                const TrainConfig& config, const TrainCallbacks& callbacks) {
    if constexpr (!SharesRows<K>) {
      throw UsageError("engine " + name() + " trains in one process", "take --engine cpu, or start one process");
    } else {
      if (config.algorithm != Algorithm::als && config.algorithm != Algorithm::ials) {
        throw UsageError("of the algorithms that work row by row, several processes have als and ials",
                         "take one of them, or start one process");
      }
      const std::shared_ptr<const RowSharing> sharing = lists.sharing;
      Model mine = model_of_rank(model, *sharing, config);
      SharedTables<K> tables(kernels_, mine, sharing, model.has_biases());
      begin_tables(kernels_, callbacks, tables);
      if (callbacks.begin_from != nullptr) tables.bring(mine);
      const TrainCallbacks agreed = agreed_among(sharing->ranks, callbacks);
      TrainResult result = sweep<Alternating<K>>(tables, mine, std::move(lists), valid, config, agreed, tell_solved);
      tables.to_host(kernels_, mine);
      gather_rows(std::move(mine.tables), *sharing, model);
      return result;
    }
  }

  TrainResult train_batches(Model& model, const Ratings& train, const RatingsView<Host>& valid,
                            const TrainConfig& config, const TrainCallbacks& callbacks) {
    checked_plan(size_of(model, train.size(), valid.size()), config);
    SpaceTables<K> tables(kernels_, model), best;
    begin_tables(kernels_, callbacks, tables);
    MiniBatch<K> method(kernels_, tables.view(model), train.view(), config);
    ValidationErrors<K> validation(config);
    TrainResult result = run_epochs(
        kernels_, tables, best, method, train.size(), valid.size(), config, callbacks,
        [&](int epoch, double lr) {
          ProgressReporter progress(callbacks, epoch, train.size());
          return method.run_epoch(epoch, lr, callbacks, [&](Position done) { return progress.report(done); });
        },
        [&] { return validation.errors(kernels_, tables.view(model), model, valid); });
    tables.to_host(kernels_, model);
    return result;
  }

  /// Rows are in the memory of the kernel set, and ratings where there is room for them.
  TrainResult train_resident(Model& model, BlockGrid& grid, const RatingsView<Host>& valid, const MemoryPlan& plan,
                             const TrainConfig& config, const TrainCallbacks& callbacks) {
    RecordTables<K> tables(kernels_, model, counts_by_new_names(grid), config, K::padded_rank(model.rank)), best;
    begin_tables(kernels_, callbacks, tables);
    RatingSgd<K> method(kernels_, tables.sgd_view(model), grid, config, plan.set_ratings);
    const bool pairwise = is_pairwise(config.loss);
    ValidationErrors<K> validation(config);
    const ValidationPairs pairs = pairwise ? validation_pairs(model, grid, valid, config) : ValidationPairs();
    TrainResult result = run_epochs(
        kernels_, tables, best, method, grid.n_ratings(), pairwise ? pairs.size() : valid.size(), config, callbacks,
        [&](int epoch, double lr) { return run_epoch(method, epoch, lr, grid.n_ratings(), callbacks); },
        [&] {
          if (pairwise) return pair_errors(pairs, tables.view(model), score_options(model, config.loss));
          return validation.errors(kernels_, tables.view(model), model, valid, Ranks::alone(),
                                   std::min(plan.set_ratings, kStagedRatings));
        });
    tables.to_host(kernels_, model);
    return result;
  }

  static ValidationPairs validation_pairs(const Model& model, const BlockGrid& grid, const RatingsView<Host>& valid,
                                          const TrainConfig& config) {
    if (valid.size() == 0) return {};
    ThreadPool pool(config.threads);
    return {grid.ratings(), valid, model.n_users, model.n_items, config.loss, config.seed, pool};
  }
  ErrorSums pair_errors(const ValidationPairs& pairs, const ModelView<const float, typename K::Space>& model,
                        const ScoreOptions& options) {
    return pairs.errors([&](Span<const RowId, Host> user, Span<const RowId, Host> item, Span<float, Host> scores) {
      const auto users = kernels_.borrow(user), items = kernels_.borrow(item);
      auto out = kernels_.output(scores);
      kernels_.predict(model, options, users.span(), items.span(), out.span());
      kernels_.finish(out, scores);
    });
  }

  /// Several ranks have the rows between them. `model` comes without factors, and rank 0's leaves with all of them.
  TrainResult train_on_ring(Model& model, BlockGrid& grid, const RatingsView<Host>& valid, const TrainConfig& config,
                            const TrainCallbacks& callbacks) {
    if (is_pairwise(config.loss)) {
      throw UsageError("losses of pairs look up the ratings of all, and each process has its own",
                       "take another --loss, or start one process");
    }
    Ranks& ranks = grid.ranks();
    grid.start_epoch(callbacks.begin_from == nullptr ? 1 : callbacks.begin_from->epoch + 1);
    RingTables tables(model, grid, config, K::padded_rank(model.rank), grid.stratum(0)[0].item_range), best;
    const Position n_valid = ranks.sum(valid.size());
    const TrainCallbacks agreed = agreed_among(ranks, callbacks);
    HostMemory home;
    begin_tables(home, callbacks, tables);
    RingSgd<K> method(kernels_, tables, model, grid, valid, config);
    TrainResult result = run_epochs(
        home, tables, best, method, grid.n_all_ratings(), n_valid, config, agreed,
        [&](int epoch, double lr) {
          ProgressReporter progress(agreed, epoch, std::max<Position>(grid.n_ratings(), 1));
          return method.run_epoch(epoch, lr, [&](Position done) { progress.report(done); });
        },
        [&] { return method.errors(score_options(model, config.loss)); });
    tables.to_model(model);
    return result;
  }

  /// Ranks stop together, after whole epochs, and write checkpoints together.
  static TrainCallbacks agreed_among(Ranks& ranks, const TrainCallbacks& callbacks) {
    TrainCallbacks agreed = callbacks;
    agreed.stop_requested = {};
    agreed.in_any_process = [&ranks](bool here) { return ranks.any(here); };
    agreed.stop_after_epoch = [&ranks, &callbacks] { return ranks.any(callbacks.stops_after_epoch()); };
    agreed.checkpoint_due = [&ranks, &callbacks](int epoch, bool last) {
      return ranks.any(callbacks.checkpoint_due && callbacks.checkpoint_due(epoch, last));
    };
    return agreed;
  }

  /// Rows are at home on the host.
  TrainResult train_visiting(Model& model, BlockGrid& grid, const RatingsView<Host>& valid, const MemoryPlan& plan,
                             const TrainConfig& config, const TrainCallbacks& callbacks) {
    HostMemory home;
    RecordTables<HostMemory> tables(home, model, counts_by_new_names(grid), config, K::padded_rank(model.rank)), best;
    begin_tables(home, callbacks, tables);
    TrainResult result;
    {  // both tables are there for longer than what pins their memory
      VisitingSgd<K> method(kernels_, tables.sgd_view(model), grid, config);
      result = run_epochs(
          home, tables, best, method, grid.n_ratings(), valid.size(), config, callbacks,
          [&](int epoch, double lr) { return run_epoch(method, epoch, lr, grid.n_ratings(), callbacks); },
          [&] { return method.errors(score_options(model, config.loss), valid, plan.set_ratings); });
    }
    tables.to_host(home, model);
    return result;
  }

  template <class Method>
  static ErrorSums run_epoch(Method& method, int epoch, double lr, Position n_ratings,
                             const TrainCallbacks& callbacks) {
    ProgressReporter progress(callbacks, epoch, n_ratings);
    return method.run_epoch(epoch, lr, [&](Position done) { return progress.report(done); });
  }

  K kernels_;
};

}  // namespace wf
