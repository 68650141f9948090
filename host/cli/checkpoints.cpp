#include "host/cli/checkpoints.hpp"

#include "host/base/atomic_file.hpp"
#include "host/base/stopwatch.hpp"
#include "host/cli/signals.hpp"
#include "host/ranks/shared_error.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace wf::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string host_name() {
  char name[256] = "";
  static_cast<void>(::gethostname(name, sizeof(name) - 1));
  return name;
}

/// The epoch behind which a training with these reports had no patience left; 0: none so far.
int end_of_patience(const std::vector<EpochReport>& epochs, const TrainConfig& config) {
  if (!config.early_stopping) return 0;
  int waited = 0;
  for (const EpochReport& report : epochs) {
    waited = report.best ? 0 : waited + 1;
    if (waited >= config.patience) return report.epoch;
  }
  return 0;
}

}  // namespace

std::string Checkpoints::path_of(const std::string& model_path) {
  namespace fs = std::filesystem;
  constexpr int kMostLinks = 40;  // as the kernel has it
  fs::path path = model_path + ".checkpoint";
  std::error_code failed;
  for (int n = 0; n < kMostLinks && fs::is_symlink(fs::symlink_status(path, failed)); ++n) {
    const fs::path target = fs::read_symlink(path, failed);  // which need not be there yet
    if (failed) break;
    path = path.parent_path() / target;
  }
  return path.string();
}

Checkpoints::Checkpoints(const TrainRequest& request, const std::string& model_path, Ranks& ranks, Console& console)
    : path_(ranks.broadcast(0, path_of(model_path))),
      ranks_(ranks),
      first_process_(::getpid()),
      console_(console),
      every_epochs_(request.checkpoint_epochs),
      every_seconds_(request.checkpoint_seconds),
      asked_(asked(request)) {
  if (ranks.any(request.resume) && !request.resume) {
    throw UsageError("another process has --resume, and this one has not", "start all with the same command");
  }
  ranks.broadcast(0, Span<int, Host>{&first_process_, 1});
  if (ranks.broadcast(0, host_name()) != host_name()) first_process_ = 0;  // whose number means nothing here
  if (asked() && ranks.rank() == 0) {
    for (const std::string& path : {model_path, path_}) remove_unfinished(path);
  }
  if (!request.resume) return;
  found_ = find_checkpoint(path_, ranks);
  if (!found_.file) {
    console_.note(fmt::format("--resume: there is no {} yet: the training begins", path_));
  } else if (!found_.why_previous.empty()) {
    console_.note(fmt::format("{}; the one before is taken, {}", found_.why_previous, found_.file->path()));
  }
}

int Checkpoints::grid(const TrainConfig& config) const {
  const bool has_one = config.batch_size == 0 && config.shuffle == Shuffle::epoch;
  return has_one && found_.file && found_.file->facts().grid > 0 ? found_.file->facts().grid : config.grid;
}

void Checkpoints::identify(const Identity& identity, const std::set<std::string>& derived, int grid,
                           const TrainConfig& config) {
  facts_.identity = identity;
  facts_.grid = grid;
  if (!found_.file) return;
  const CheckpointFile& file = *found_.file;
  const std::vector<std::string> apart = differences(file.facts().identity, identity, derived);
  if (!apart.empty()) {
    throw UsageError(fmt::format("--resume: {} is of another training: {}", file.path(), join(apart, "; ")),
                     "give what it was begun with, another --out, or leave out --resume to begin afresh");
  }
  if (file.facts().grid != grid) {
    throw InputError({file.path()},
                     fmt::format("has a block grid of {} ranges, and this training one of {}", file.facts().grid, grid),
                     "delete it, and the training begins afresh");
  }
  const bool passes = finds_spectrum(config.algorithm);
  begin_ = file.state(passes ? CheckpointFile::Steps::passes : CheckpointFile::Steps::epochs);
  check_lengths(config);
  facts_.metrics = file.facts().metrics;
  begun_at_ = last_epoch_ = last_tried_ = begin_.epoch;
  if (!found_.why_previous.empty()) take_name();
  found_ = {};
  tell_of_last();
  console_.line("resume", fmt::format("{}: goes on behind {} {}", path_, passes ? "pass" : "epoch", begun_at_),
                "--resume");
}

/// What the identity does not say: a shorter training ended before the epoch of this state, with other tables.
void Checkpoints::check_lengths(const TrainConfig& config) const {
  const std::string path = found_.file->path();
  if (finds_spectrum(config.algorithm)) {
    if (begin_.epoch <= config.power_iterations) return;
    throw InputError({path}, fmt::format("is of pass {}, and there are {}", begin_.epoch, config.power_iterations),
                     "delete it, and the training begins afresh");
  }
  if (begin_.epoch > config.epochs) {
    throw UsageError(fmt::format("--resume: {} is of epoch {}, and --epochs is {}", path, begin_.epoch, config.epochs),
                     "give as many --epochs or more, or leave out --resume to begin afresh");
  }
  if (const int end = end_of_patience(begin_.epochs, config); end > 0 && end < begin_.epoch) {
    throw UsageError(fmt::format("--resume: {} is of epoch {}, and with --patience {} the training ends after epoch {}",
                                 path, begin_.epoch, config.patience, end),
                     "give a larger --patience or --no-early-stopping, or leave out --resume to begin afresh");
  }
}

/// Or the next checkpoint would put the damaged one in the place of the whole one.
void Checkpoints::take_name() {
  const bool damaged = std::filesystem::exists(path_);
  on_all(ranks_, [this] {
    if (ranks_.rank() == 0) make_previous_the_last(path_);
  });
  if (damaged) console_.note(fmt::format("the damaged one is now {}", damaged_checkpoint(path_)));
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
    write_checkpoint(path_, facts_, state, ranks_);
    count_as_written(state.epoch);
  } catch (const FolderNotSynced& error) {
    count_as_written(state.epoch);
    console_.warn(fmt::format("checkpoint of epoch {}: {} ({})", state.epoch, error.problem(), error.cure()));
  } catch (const FailedError& error) {
    const std::string kept =
        last_epoch_ > 0 ? fmt::format("that of epoch {} stays", last_epoch_) : std::string("there is none yet");
    console_.warn(fmt::format("no checkpoint of epoch {}: {} ({}); the training goes on, {}", state.epoch,
                              error.problem(), error.cure(), kept));
  }
}

void Checkpoints::count_as_written(int epoch) {
  std::error_code ignored;
  const bool first = last_epoch_ == 0;  // of a training from its beginning: the one before is another training's
  if (first && ranks_.rank() == 0) std::filesystem::remove(previous_checkpoint(path_), ignored);
  last_epoch_ = epoch;
  tell_of_last();
}

/// Whoever of several processes dies, one of the others says where to go on.
void Checkpoints::tell_of_last() const {
  if (ranks_.is_alone() || last_epoch_ == 0 || ranks_.rank() > 1) return;
  say_when_stopped(fmt::format("\nwarpfactor: the last checkpoint is {}, of epoch {}: the same command with --resume "
                               "goes on from it\n",
                               path_, last_epoch_),
                   ranks_.rank() == 0 ? 0 : first_process_);
}

}  // namespace wf::cli
