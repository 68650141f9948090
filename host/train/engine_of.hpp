// Engine for a kernel set: the one place where the virtual interface meets the templates.
#pragma once
#include "host/train/training_loop.hpp"

#include <utility>

namespace wf {

template <KernelSet K>
class EngineOf final : public Engine {
 public:
  /// Arguments of the kernel set's constructor.
  template <class... Arguments>
  explicit EngineOf(Arguments&&... arguments) : kernels_(std::forward<Arguments>(arguments)...) {}

  std::string name() const override { return K::kName; }

  TrainResult train(Model& model, Ratings train, const RatingsView<Host>& valid, const TrainConfig& config,
                    const TrainCallbacks& callbacks) override {
    SpaceTables<K> tables(kernels_, std::move(model.tables));
    TrainResult result = config.batch_size > 0
                             ? train_batches(model, tables, train, valid, config, callbacks)
                             : train_ratings(model, tables, std::move(train), valid, config, callbacks);
    model.tables = tables.to_host(kernels_);
    return result;
  }

  void predict(const Model& model, Span<const RowId, Host> user, Span<const RowId, Host> item,
               Span<float, Host> scores) override {
    kernels_.predict(model.view(), score_options(model, Loss::mse), user, item, scores);
  }
  ErrorSums errors(const Model& model, const RatingsView<Host>& ratings, Loss loss) override {
    return kernels_.rating_errors(model.view(), score_options(model, loss), ratings);
  }
  void score_items(const Model& model, RowId user, Span<float, Host> scores) override {
    kernels_.score_items(model.view(), score_options(model, Loss::mse), user, scores);
  }

 private:
  TrainResult train_batches(const Model& shape, SpaceTables<K>& tables, const Ratings& train,
                            const RatingsView<Host>& valid, const TrainConfig& config,
                            const TrainCallbacks& callbacks) {
    MiniBatch<K> method(kernels_, tables.view(shape), train.view(), config);
    return run_epochs(kernels_, tables, shape, valid, train.size(), config, callbacks, [&](int epoch, double lr) {
      ProgressReporter progress(callbacks, epoch, train.size());
      return method.run_epoch(epoch, lr, [&](Position batch, double loss, Position done) {
        if (callbacks.batch_loss) callbacks.batch_loss(epoch, batch, loss);
        return progress.report(done);
      });
    });
  }

  TrainResult train_ratings(const Model& shape, SpaceTables<K>& tables, Ratings train, const RatingsView<Host>& valid,
                            const TrainConfig& config, const TrainCallbacks& callbacks) {
    const Position n_train = train.size();
    RatingSgd<K> method(kernels_, tables.view(shape), std::move(train), config);
    return run_epochs(kernels_, tables, shape, valid, n_train, config, callbacks, [&](int epoch, double lr) {
      ProgressReporter progress(callbacks, epoch, n_train);
      return method.run_epoch(epoch, lr, [&](Position done) { return progress.report(done); });
    });
  }

  K kernels_;
};

}  // namespace wf
