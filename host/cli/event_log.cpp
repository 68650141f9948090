#include "host/cli/event_log.hpp"

#include "host/base/error.hpp"
#include "host/report/event_file.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

namespace wf::cli {
namespace {

namespace fs = std::filesystem;

/// In seconds since 1970.
double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};  // POSIX allows 255 bytes
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0 && name.front() != '\0';
  return known ? name.data() : "localhost";
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw FailedError(fmt::format("cannot write {}: {}", path, why), "choose another folder for --tensorboard");
}

}  // namespace

EventLog::EventLog(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  const double now = wall_time();
  // TensorBoard looks for "tfevents", and goes on with the file that is last by name
  path_ = (fs::path(folder) / fmt::format("events.out.tfevents.{}.{}.{}.warpfactor", static_cast<std::int64_t>(now),
                                          host_name(), ::getpid()))
              .string();
  file_ = std::fopen(path_.c_str(), "wxe");
  if (file_ == nullptr) refuse(path_, error ? error.message() : std::strerror(errno));
  append(version_event(now));
}

EventLog::~EventLog() {
  close();
}

void EventLog::close() {
  if (file_ != nullptr) static_cast<void>(std::fclose(std::exchange(file_, nullptr)));
}

void EventLog::append(const std::string& message) {
  const std::string record = event_record(message);
  if (std::fwrite(record.data(), 1, record.size(), file_) != record.size() || std::fflush(file_) != 0) {
    refuse(path_, std::strerror(errno));
  }
}

void EventLog::write(const EpochReport& report) {
  if (file_ == nullptr) return;
  append(scalar_event(wall_time(), report.epoch,
                      {{"train_loss", report.train_loss},
                       {"train_rmse", report.train_rmse},
                       {"valid_loss", report.valid_loss},
                       {"valid_rmse", report.valid_rmse},
                       {"valid_mae", report.valid_mae},
                       {"lr", report.lr > 0 ? std::optional(report.lr) : std::nullopt},
                       {"ratings_per_s", std::round(report.ratings_per_second())}}));
}

}  // namespace wf::cli
