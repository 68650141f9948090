#include "host/cli/training_logs.hpp"

#include <fmt/format.h>

namespace wf::cli {

TrainingLogs::TrainingLogs(const Paths& paths, const std::string& so_far, Console& console)
    : console_(console), metrics_(paths.metrics, so_far), events_(paths.tensorboard) {
  if (!paths.batch_losses.empty()) batch_losses_.emplace(paths.batch_losses).write("epoch,batch,loss\n");
}

template <class Write, class Close>
void TrainingLogs::try_to(const char* what, const Write& write, const Close& close) {
  try {
    write();
  } catch (const FailedError& error) {
    close();
    console_.warn(
        fmt::format("no more {} are logged: {} ({}); the training goes on", what, error.problem(), error.cure()));
  }
}

void TrainingLogs::attach(TrainCallbacks& callbacks, TrainingProgress& progress) {
  callbacks.epoch = [this, &progress](const EpochReport& report) {
    try_to(
        "epochs", [&] { metrics_.write(report); }, [&] { metrics_.close(); });
    try_to(
        "epochs", [&] { events_.write(report); }, [&] { events_.close(); });
    progress.finish_epoch(report);
  };
  callbacks.progress = [&progress](int epoch, double share, double rate) { progress.update(epoch, share, rate); };
  if (!batch_losses_) return;
  callbacks.batch_loss = [this](int epoch, Position batch, double loss) {
    if (!batch_losses_) return;
    try_to(
        "losses of batches", [&] { batch_losses_->write(fmt::format("{},{},{:.9g}\n", epoch, batch, loss)); },
        [&] { batch_losses_.reset(); });
  };
}

void TrainingLogs::ended(const std::string& word, const std::string& message, const std::string& cure) {
  try_to(
      "epochs", [&] { metrics_.write_end(word, message, cure); }, [&] { metrics_.close(); });
}

void TrainingLogs::finish() {
  if (!batch_losses_) return;
  try_to(
      "losses of batches", [&] { batch_losses_->commit(); }, [] {});
  batch_losses_.reset();
}

}  // namespace wf::cli
