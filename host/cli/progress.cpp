#include "host/cli/progress.hpp"

#include "host/base/json_text.hpp"
#include "host/base/stopwatch.hpp"
#include "host/base/utf8.hpp"
#include "host/settings/algorithm_settings.hpp"
#include "host/settings/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace wf::cli {
namespace {

/// `cells` characters of a bar, in eighths.
std::string bar(double share, int cells) {
  constexpr std::array<const char*, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * cells * 8));
  std::string text;
  for (int cell = 0; cell < eighths / 8; ++cell) text += "█";
  text += kEighths.at(static_cast<std::size_t>(eighths % 8));
  const int used = eighths / 8 + (eighths % 8 > 0 ? 1 : 0);
  return text + std::string(static_cast<std::size_t>(cells - used), ' ');
}

int columns_of(const std::string& text) {
  return static_cast<int>(character_count(text));
}

/// The first `columns` characters: a line that wraps could not be drawn over.
std::string cut(const std::string& text, int columns) {
  std::size_t at = 0;
  for (int column = 0; at < text.size(); ++at) {
    if (starts_character(text[at]) && column++ == columns) break;
  }
  return text.substr(0, at);
}

std::string scores(const EpochReport& report, TrainingProgress::Shown shown) {
  if (shown == TrainingProgress::Shown::loss) return fmt::format("loss {:.6g}", report.train_loss);
  if (shown == TrainingProgress::Shown::mistakes) {
    const double wrong = report.train_rmse * report.train_rmse;  // errors are 0 or 1
    const std::string text = fmt::format("train {:.2f} %", 100 * wrong);
    return text + (report.valid_mae ? fmt::format("  valid {:.2f} % wrong", 100 * *report.valid_mae) : " wrong");
  }
  std::string text = fmt::format("train {:.4f}", report.train_rmse);
  if (report.valid_rmse) text += fmt::format("  valid {:.4f}", *report.valid_rmse);
  return text;
}

}  // namespace

TrainingProgress::TrainingProgress(Console& console, const TrainConfig& config, Position ratings, int done)
    : console_(console),
      epochs_(config.epochs),
      shown_(shows_loss(config)             ? Shown::loss
             : counts_mistakes(config.loss) ? Shown::mistakes
                                            : Shown::rmse),
      before_(done),
      chooses_(!is_pairwise(config.loss)),
      ratings_(ratings) {}

double TrainingProgress::seconds_left(double epochs_done) const {
  const double passed = seconds_since(start_);
  const double of_this_run = epochs_done - before_;
  return of_this_run > 0 ? passed / of_this_run * (epochs_ - epochs_done) : 0;
}

TrainingProgress::EpochLine TrainingProgress::epoch_line(int epoch, double ratings_per_second,
                                                         double epochs_done) const {
  const std::string better = last_scores_.empty() ? "" : last_best_ ? " ↓  " : "    ";
  return {fmt::format("{:>{}}/{} ", epoch, std::to_string(epochs_).size(), epochs_),
          fmt::format("{}{}{} ratings/s  {} left", last_scores_, better, short_count(ratings_per_second),
                      short_seconds(seconds_left(epochs_done)))};
}

void TrainingProgress::update(int epoch, double share_done, double ratings_per_second) {
  if (!console_.moving()) return;
  constexpr int kWidestBar = 10;
  const EpochLine line = epoch_line(epoch, ratings_per_second, epoch - 1 + share_done);
  const std::string left = "epoch  " + line.number;
  const int width = Console::width() - 1;
  const int room = std::min(kWidestBar, width - columns_of(left) - columns_of(line.text) - 2);
  console_.redraw(cut(left + (room > 2 ? bar(share_done, room) + "  " : "") + line.text, width));
}

void TrainingProgress::finish_epoch(const EpochReport& report) {
  last_scores_ = scores(report, shown_);
  last_best_ = chooses_ && report.best && report.valid_rmse.has_value();
  const double rate = report.seconds > 0 ? static_cast<double>(ratings_) / report.seconds : 0;
  if (console_.moving()) {
    update(report.epoch, 1, rate);
  } else {
    const EpochLine line = epoch_line(report.epoch, rate, report.epoch);
    console_.line("epoch", line.number + line.text);
  }
}

namespace {

/// With the time that it is.
JsonObject line_of_now() {
  const auto now = std::chrono::system_clock::now();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const auto whole = std::chrono::system_clock::to_time_t(now);
  JsonObject object;
  object.text("ts", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(whole), millis % 1000));
  return object;
}

}  // namespace

MetricsLog::MetricsLog(std::string path, std::string so_far) : path_(std::move(path)) {
  if (path_.empty()) {
    text_ = std::move(so_far);
    return;
  }
  // each line goes behind what is there: those of another training that was given the same name stay whole
  const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor >= 0) file_ = ::fdopen(descriptor, "a");
  if (file_ == nullptr) {
    throw FailedError("cannot write " + path_ + ": " + std::strerror(errno), "choose another --metrics, or none");
  }
  append(so_far);
}

MetricsLog::~MetricsLog() {
  close();
}

void MetricsLog::close() {
  if (file_ != nullptr) static_cast<void>(std::fclose(std::exchange(file_, nullptr)));
}

void MetricsLog::append(const std::string& lines) {
  text_ += lines;
  if (file_ == nullptr) return;
  if (std::fwrite(lines.data(), 1, lines.size(), file_) != lines.size() || std::fflush(file_) != 0) {
    throw FailedError("cannot write " + path_ + ": " + std::strerror(errno), "choose another --metrics, or none");
  }
}

void MetricsLog::write(const EpochReport& report) {
  JsonObject object = line_of_now();
  object.count("epoch", report.epoch)
      .number("train_loss", report.train_loss)
      .number("train_rmse", report.train_rmse)
      .number("valid_loss", report.valid_loss)
      .number("valid_rmse", report.valid_rmse)
      .number("valid_mae", report.valid_mae)
      .number("lr", report.lr)
      .number("ratings_per_s", std::round(report.ratings_per_second()))
      .number("seconds", report.seconds);
  append(object.str() + '\n');
}

void MetricsLog::write_end(const std::string& word, const std::string& message, const std::string& cure) {
  append(line_of_now().text("stopped", word).text("message", message).text("cure", cure).str() + '\n');
}

}  // namespace wf::cli
