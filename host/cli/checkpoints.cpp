#include "host/cli/checkpoints.hpp"

#include "host/cli/signals.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace wf::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Checkpoints::Checkpoints(const TrainRequest& request, const std::string& model_path, Console& console)
    : path_(path_of(model_path)),
      console_(console),
      every_epochs_(request.checkpoint_epochs),
      every_seconds_(request.checkpoint_seconds),
      asked_(asked(request)) {
  if (asked()) {
    for (const std::string& path : {model_path, path_}) remove_unfinished(path);
  }
  if (!request.resume) return;
  FoundCheckpoint found = find_checkpoint(path_);
  if (!found.file) {
    console_.note(fmt::format("--resume: there is no {} yet: the training begins", path_));
    return;
  }
  if (!found.why_previous.empty()) {
    console_.note(fmt::format("{}; the one before is taken, {}", found.why_previous, found.file->path()));
  }
  found_ = std::move(found.file);
}

int Checkpoints::grid(int otherwise) const {
  return found_ && found_->facts().grid > 0 ? found_->facts().grid : otherwise;
}

void Checkpoints::identify(const Identity& identity, int grid, const TrainConfig& config) {
  facts_.identity = identity;
  facts_.grid = grid;
  if (!found_) return;
  const std::vector<std::string> apart = differences(found_->facts().identity, identity);
  if (!apart.empty()) {
    throw UsageError(fmt::format("--resume: {} is of another training: {}", found_->path(), join(apart, "; ")),
                     "give what it was begun with, another --out, or leave out --resume to begin afresh");
  }
  const bool passes = finds_spectrum(config.algorithm);
  if (!passes && found_->epoch() > config.epochs) {
    throw UsageError(
        fmt::format("--resume: {} is of epoch {}, and --epochs is {}", found_->path(), found_->epoch(), config.epochs),
        "give as many --epochs or more, or leave out --resume to begin afresh");
  }
  begun_at_ = last_epoch_ = last_tried_ = found_->epoch();
  begin_ = found_->state();
  if (found_->path() != path_) {  // or the next checkpoint would put the damaged one in the place of this whole one
    std::error_code ignored;
    std::filesystem::rename(found_->path(), path_, ignored);
  }
  console_.line("resume", fmt::format("{}: goes on behind {} {}", found_->path(), passes ? "pass" : "epoch", begun_at_),
                "--resume");
}

void Checkpoints::attach(TrainCallbacks& callbacks, const MetricsLog& log) {
  callbacks.stop_requested = [this] { return stops_in_epoch(); };
  callbacks.stop_after_epoch = [] { return stop_signal() != 0; };
  callbacks.checkpoint_due = [this](int epoch, bool last) { return is_due(epoch, last); };
  callbacks.checkpoint = [this, &log](const TrainingState& state) { write(state, log); };
  if (begun_at_ > 0) callbacks.begin_from = &begin_;
  last_time_ = Clock::now();
}

bool Checkpoints::is_due(int epoch, bool last) {
  const bool signalled = take_checkpoint_signal();
  if (signalled) return true;
  if (!asked()) return false;
  const bool by_epochs = every_epochs_ > 0 && epoch - last_tried_ >= every_epochs_;
  const bool by_time = every_seconds_ > 0 && seconds_since(last_time_) >= every_seconds_;
  return last || by_epochs || by_time;
}

/// With checkpoints an epoch is finished that needs not much longer: what it did would be lost. Who sends SIGTERM and
/// then SIGKILL, as Slurm and Kubernetes do, waits 30 s.
bool Checkpoints::stops_in_epoch() {
  constexpr double kPatience = 20;
  if (stop_signal() == 0) return false;
  if (!asked()) return true;
  if (!signalled_) {
    signalled_ = Clock::now();
    console_.note(
        fmt::format("asked to stop: this epoch is finished for its checkpoint if that takes no longer than {} s; "
                    "another signal ends at once",
                    kPatience));
  }
  return seconds_since(*signalled_) > kPatience;
}

void Checkpoints::write(const TrainingState& state, const MetricsLog& log) {
  last_tried_ = state.epoch;
  last_time_ = Clock::now();
  facts_.metrics = log.text();
  try {
    write_checkpoint(path_, facts_, state);
    last_epoch_ = state.epoch;
  } catch (const FailedError& error) {
    const std::string kept =
        last_epoch_ > 0 ? fmt::format("that of epoch {} stays", last_epoch_) : std::string("there is none yet");
    console_.note(fmt::format("no checkpoint of epoch {}: {} ({}); the training goes on, {}", state.epoch,
                              error.problem(), error.cure(), kept));
  }
}

}  // namespace wf::cli
