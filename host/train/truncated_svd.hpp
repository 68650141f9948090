// Truncated singular value decomposition and principal components of the matrix of all ratings, once for all kernel
// sets: the randomised range finder with power iterations. Halko, Martinsson, Tropp: Finding structure with randomness:
// probabilistic algorithms for constructing approximate matrix decompositions. SIAM Review 53(2), 2011.
#pragma once
#include "host/base/symmetric_eigen.hpp"
#include "host/base/triangular.hpp"
#include "host/kernels/contract.hpp"
#include "host/train/engine.hpp"
#include "host/train/orthonormal.hpp"
#include "host/train/space_lists.hpp"
#include "host/train/training_loop.hpp"

#include <cmath>
#include <utility>

namespace wf {

/// The matrix A of all ratings, [users x items] and 0 where there is none, stays in its lists. With centring, which is
/// pca's, the mean of each item is taken from its column: (A - 1 m') Q = A Q - 1 (m' Q) and (A - 1 m')' Y = A' Y -
/// m (1' Y), so that no cell without a rating is ever looked at.
template <KernelSet K>
class TruncatedSvd {
 public:
  using Space = typename K::Space;
  using Buffer = typename K::template Buffer<float>;

  /// The lists are taken, and name each cell once (sum_repeated).
  TruncatedSvd(K& kernels, RatingLists lists, const TrainConfig& config)
      : kernels_(kernels),
        config_(config),
        n_users_(lists.user.rows()),
        n_items_(lists.item.rows()),
        columns_(sketch_columns(config, std::min(n_users_, n_items_))),
        squares_(sum_of_squares(lists.user)),
        user_(kernels, std::move(lists.user)),
        item_(kernels, std::move(lists.item)) {
    if (config.algorithm == Algorithm::pca) find_means();
  }

  /// Leaves U S in the model's user factors, V in its item factors and, with centring, the means in its item biases:
  /// scores are the matrix of this rank that is nearest to A. `begin(sketch)` returns the passes that are done and
  /// leaves what they found. `after_product(share done)` and, with the users' sketch, which is all that the next one
  /// begins with, `after_pass(passes done, sketch)` return false to stop going back and forth: what was found until
  /// then is finished.
  template <class Begin, class AfterProduct, class AfterPass>
  Spectrum decompose(Model& model, const Begin& begin, const AfterProduct& after_product, const AfterPass& after_pass) {
    Orthonormal<K> users(kernels_, n_users_, columns_), items(kernels_, n_items_, columns_);
    users.draw(config_.seed);
    const int first = begin(users);
    const int products = 2 * config_.power_iterations + 2;
    int done = 2 * first;
    for (int pass = first; pass <= config_.power_iterations; ++pass) {
      times_transposed(users.table(), items.table());
      const bool goes_on = after_product(static_cast<double>(++done) / products);
      if (pass == config_.power_iterations || !goes_on) break;
      items.condition();
      times(items.table(), users.table());
      const bool stays = after_product(static_cast<double>(++done) / products);
      users.condition();
      if (!after_pass(pass + 1, users) || !stays) {
        times_transposed(users.table(), items.table());
        break;
      }
    }
    items.orthonormalise(config_.seed);
    times(items.table(), users.table());
    after_product(1);
    return finish(model, users, items);
  }

  /// Of the ratings there are, not of the zeros between them.
  ErrorSums errors(const Model& model) {
    const auto user_factors = kernels_.borrow(model.tables.user_factors.span());
    const auto item_factors = kernels_.borrow(model.tables.item_factors.span());
    const auto user_biases = kernels_.borrow(model.tables.user_biases.span());
    const auto item_biases = kernels_.borrow(model.tables.item_biases.span());
    const auto rows = [](const auto& values, Position count, int rank) {
      const auto span = values.span();
      return Rows<const float, Space>{span.data, span.empty() ? 0 : count, rank, rank};
    };
    kernels_.list_errors(user_.view(),
                         {rows(user_factors, n_users_, model.rank), rows(item_factors, n_items_, model.rank),
                          rows(user_biases, n_users_, 1), rows(item_biases, n_items_, 1), model.global_mean},
                         SolveSettings{});
    return kernels_.take_errors();
  }

 private:
  void find_means() {
    Buffer ones = kernels_.filled(n_users_, 1.0F);
    means_ = kernels_.filled(n_items_, 0.0F);
    kernels_.multiply_rows(item_.view(), Rows<const float, Space>{ones.data(), n_users_, 1, 1}, {},
                           Rows<float, Space>{means_.data(), n_items_, 1, 1});
    host_means_ = HostBuffer<float>(n_items_);
    kernels_.fetch(std::as_const(means_).span(), host_means_.span());
    for (float& mean : host_means_) {
      mean = static_cast<float>(mean / static_cast<double>(n_users_));
      squares_ -= static_cast<double>(n_users_) * mean * static_cast<double>(mean);
    }
    means_ = kernels_.to_space(host_means_.clone());
    sums_ = kernels_.filled(Position{columns_}, 0.0F);
  }

  bool centres() const { return !host_means_.empty(); }

  void times(const Rows<const float, Space>& of_items, const Rows<float, Space>& out) {
    RowShift<Space> shift;
    if (centres()) {
      kernels_.column_sums(of_items, std::as_const(means_).span(), sums_.span());
      shift.of_columns = std::as_const(sums_).span();
    }
    kernels_.multiply_rows(user_.view(), of_items, shift, out);
  }
  void times_transposed(const Rows<const float, Space>& of_users, const Rows<float, Space>& out) {
    RowShift<Space> shift;
    if (centres()) {
      kernels_.column_sums(of_users, {}, sums_.span());
      shift = {std::as_const(means_).span(), std::as_const(sums_).span()};
    }
    kernels_.multiply_rows(item_.view(), of_users, shift, out);
  }

  /// With A Q = P R, P orthonormal and R small: R = W S Z' gives U = P W, so that U S = A Q Z, and V = Q Z.
  Spectrum finish(Model& model, Orthonormal<K>& users, Orthonormal<K>& items) {
    const Rows<float, Space> image = users.table();
    Buffer kept = kernels_.template room<float>(checked_product(image.count, columns_));
    kernels_.copy(users.buffer(), kept);
    const HostBuffer<double> triangle = users.triangle();
    const SymmetricEigen eigen = symmetric_eigen(square_of_upper(triangle, columns_), columns_);
    Spectrum spectrum;
    spectrum.squared_norm = squares_;
    const int rank = model.rank;
    HostBuffer<float> turn(checked_product(columns_, rank));
    for (int f = 0; f < rank; ++f) {
      spectrum.singular_values.push_back(std::sqrt(std::max(eigen.values[f], 0.0)));
      for (int c = 0; c < columns_; ++c) {
        turn[Position{c} * rank + f] = static_cast<float>(eigen.vectors[Position{f} * columns_ + c]);
      }
    }
    const auto turned = [&](const Rows<const float, Space>& table) {
      const auto small = kernels_.borrow(std::as_const(turn).span());
      Buffer out = kernels_.template room<float>(checked_product(table.count, rank));
      kernels_.multiply_table(table, Rows<const float, Space>{small.span().data, columns_, rank, rank},
                              Rows<float, Space>{out.data(), table.count, rank, rank});
      return kernels_.to_host(std::move(out));
    };
    model.tables.user_factors = turned({kept.data(), n_users_, columns_, columns_});
    model.tables.item_factors = turned(items.table());
    fix_signs(model.tables, rank);
    if (centres()) {
      model.tables.item_biases = std::move(host_means_);
      model.tables.user_biases = HostBuffer<float>(n_users_, 0);
      model.global_mean = 0;
    }
    return spectrum;
  }

  K& kernels_;
  TrainConfig config_;
  Position n_users_, n_items_;
  int columns_;
  double squares_;
  SpaceLists<K> user_, item_;
  Buffer means_, sums_;
  HostBuffer<float> host_means_;
};

/// The sketch of the state to go on from, where there is one. Returns its passes, of `passes` in all.
template <KernelSet K>
int begin_sketch(K& kernels, int passes, const TrainCallbacks& callbacks, Orthonormal<K>& sketch) {
  if (callbacks.begin_from == nullptr) return 0;
  if (callbacks.begin_from->epoch < 1 || callbacks.begin_from->epoch > passes) {
    throw FailedError("the state to go on from is of pass " + std::to_string(callbacks.begin_from->epoch) + " of " +
                          std::to_string(passes),
                      "it is no state of this training: begin afresh");
  }
  sketch.state(StateLoader<K>(kernels, *callbacks.begin_from));
  check_all_taken(*callbacks.begin_from);
  return callbacks.begin_from->epoch;
}

template <KernelSet K>
void save_sketch(K& kernels, const TrainCallbacks& callbacks, int passes, Orthonormal<K>& sketch) {
  TrainingState state;
  state.epoch = passes;
  sketch.state(StateSaver<K>(kernels, state));
  callbacks.checkpoint(state);
}

template <KernelSet K>
TrainResult train_spectrum(K& kernels, Model& model, RatingLists lists, const TrainConfig& config,
                           const TrainCallbacks& callbacks) {
  const Stopwatch watch;
  sum_repeated(lists);
  const Position n_train = lists.size();
  TruncatedSvd<K> method(kernels, std::move(lists), config);
  ProgressReporter progress(callbacks, 1, n_train);
  TrainResult result;
  const auto goes_on = [&](bool stops) {
    if (stops) result.reason = StopReason::interrupted;
    return !stops;
  };
  result.spectrum = method.decompose(
      model, [&](Orthonormal<K>& sketch) { return begin_sketch(kernels, config.power_iterations, callbacks, sketch); },
      [&](double share) {
        return goes_on(!progress.report(static_cast<Position>(share * static_cast<double>(n_train))));
      },
      [&](int passes, Orthonormal<K>& sketch) {
        const bool stops = callbacks.stops_after_epoch();
        if (callbacks.wants_checkpoint(passes, stops || passes == config.power_iterations)) {
          save_sketch(kernels, callbacks, passes, sketch);
        }
        return goes_on(stops);
      });
  EpochReport report;
  report.epoch = report.epochs = result.best_epoch = 1;
  report.ratings = n_train;
  report.seconds = watch.seconds();
  const ErrorSums errors = method.errors(model);
  report.train_loss = errors.mean_loss();
  report.train_rmse = errors.rmse();
  report.best = true;
  result.epochs.push_back(report);
  if (callbacks.epoch) callbacks.epoch(report);
  return result;
}

}  // namespace wf
