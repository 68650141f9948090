#include "host/api/checkpoint_file.hpp"

#include "host/base/atomic_file.hpp"
#include "host/base/disk_file.hpp"
#include "host/base/hash.hpp"
#include "host/base/round_trip.hpp"
#include "host/base/shown.hpp"
#include "host/schedule/block.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

namespace wf {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kFormat = "warpfactor checkpoint";
constexpr const char* kVersion = "1";
constexpr const char* kEpochs = "epochs";
constexpr const char* kMetrics = "metrics";
constexpr const char* kChecksum = "checksum";
const std::set<std::string> kOwnTensors{kEpochs, kMetrics, kChecksum};
constexpr const char* kCure = "delete it, and the training begins afresh";

// an epoch's numbers, one double each: whole ones are below 2^53
constexpr Position kEpochColumns = 12;

std::vector<double> row_of(const EpochReport& report) {
  const int measured = (report.valid_loss ? 1 : 0) + (report.valid_rmse ? 2 : 0) + (report.valid_mae ? 4 : 0);
  return {static_cast<double>(report.epoch),
          report.train_loss,
          report.train_rmse,
          static_cast<double>(measured),
          report.valid_loss.value_or(0),
          report.valid_rmse.value_or(0),
          report.valid_mae.value_or(0),
          report.lr,
          report.seconds,
          static_cast<double>(report.ratings),
          static_cast<double>(report.skipped),
          report.best ? 1.0 : 0.0};
}

/// Whether a row can be that of an epoch: what is to be a whole number is one, and of a size that it may have.
bool is_row_of(const double* row, Position epoch) {
  constexpr double kMostRatings = 9007199254740992;                  // 2^53: doubles name each whole number up to it
  const auto whole = [row](int column, double least, double most) {  // NaN is none
    return row[column] >= least && row[column] <= most && std::floor(row[column]) == row[column];
  };
  const auto number = static_cast<double>(epoch);
  return whole(0, number, number) && whole(3, 0, 7) && whole(9, 0, kMostRatings) && whole(10, 0, kMostRatings) &&
         whole(11, 0, 1);
}

/// Of a row that is_row_of.
EpochReport report_of(const double* row) {
  const auto measured = static_cast<int>(row[3]);
  EpochReport report;
  report.epoch = static_cast<int>(row[0]);
  report.train_loss = row[1];
  report.train_rmse = row[2];
  if ((measured & 1) != 0) report.valid_loss = row[4];
  if ((measured & 2) != 0) report.valid_rmse = row[5];
  if ((measured & 4) != 0) report.valid_mae = row[6];
  report.lr = row[7];
  report.seconds = row[8];
  report.ratings = static_cast<Position>(row[9]);
  report.skipped = static_cast<Position>(row[10]);
  report.best = row[11] != 0;
  return report;
}

std::map<std::string, std::string> metadata_of(const CheckpointFacts& facts, const TrainingState& state) {
  Json numbers = Json::object();
  for (const auto& [name, value] : state.numbers) numbers[name] = round_trip(value);
  return {{"format", kFormat},
          {"format_version", kVersion},
          {"epoch", std::to_string(state.epoch)},
          {"identity", Json(facts.identity).dump(-1, ' ', false, Json::error_handler_t::replace)},
          {"grid", std::to_string(facts.grid)},
          {"numbers", numbers.dump()},
          {"counts", Json(state.counts).dump()}};
}

/// Compares the last 8 bytes with the hash of all before them.
void check_whole(const std::string& path) {
  constexpr Position kAtOnce = Position{1} << 22;
  const DiskFile file(path);
  std::uint64_t written = 0;
  const Position hashed = file.size() - Position{sizeof(written)};
  const auto fail = [&path] {
    throw DamagedCheckpoint({path}, "is not the whole checkpoint that was written: its checksum is that of other bytes",
                            kCure);
  };
  if (hashed < 0) fail();
  Hash hash;
  HostBuffer<char> part(std::min(hashed, kAtOnce));
  for (Position at = 0; at < hashed; at += part.size()) {
    part.resize(std::min(kAtOnce, hashed - at));
    file.read_at(at, part.data(), part.size());
    hash.add(part.data(), part.size());
  }
  file.read_at(hashed, &written, sizeof(written));
  if (written != hash.value()) fail();
}

const std::string& text_in(const SafetensorsReader& file, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) file.fail(std::string("has no ") + key + ": it is no checkpoint", kCure);
  return found->second;
}

int whole_in(const SafetensorsReader& file, const char* key, int least, int most) {
  const std::string& text = text_in(file, key);
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    file.fail(std::string("its ") + key + " is " + shown(text) + ", no whole number from " + std::to_string(least) +
                  " to " + std::to_string(most),
              kCure);
  }
  return value;
}

Json json_in(const SafetensorsReader& file, const char* key) {
  Json json = Json::parse(text_in(file, key), nullptr, false);
  if (!json.is_object()) file.fail(std::string("its ") + key + " are no JSON object", kCure);
  return json;
}

std::map<std::string, std::string> texts_in(const SafetensorsReader& file, const char* key) {
  std::map<std::string, std::string> texts;
  const Json json = json_in(file, key);
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) file.fail(std::string("in its ") + key + ", " + shown(name) + " is no text", kCure);
    texts[name] = value.get<std::string>();
  }
  return texts;
}

std::map<std::string, Position> counts_in(const SafetensorsReader& file, const char* key) {
  std::map<std::string, Position> counts;
  const Json json = json_in(file, key);
  for (const auto& [name, value] : json.items()) {
    const bool fits = value.is_number_integer() && (!value.is_number_unsigned() ||
                                                    value.get<std::uint64_t>() <= std::numeric_limits<Position>::max());
    if (!fits) file.fail(std::string("in its ") + key + ", " + shown(name) + " is no whole number below 2^63", kCure);
    counts[name] = value.get<Position>();
  }
  return counts;
}

/// As the file system says; throws InputError where it does not say.
bool is_there(const std::string& path) {
  std::error_code failed;
  const bool there = fs::exists(path, failed);
  if (failed)
    throw InputError({path}, "cannot be looked for: " + failed.message(), "check the path and its permissions");
  return there;
}

}  // namespace

std::string previous_checkpoint(const std::string& path) {
  return path + ".previous";
}
std::string damaged_checkpoint(const std::string& path) {
  return path + ".damaged";
}

void write_checkpoint(const std::string& path, const CheckpointFacts& facts, const TrainingState& state) {
  HostBuffer<double> epochs(static_cast<Position>(state.epochs.size()) * kEpochColumns);
  double* next = epochs.data();
  for (const EpochReport& report : state.epochs) {
    const std::vector<double> row = row_of(report);
    next = std::copy(row.begin(), row.end(), next);
  }
  SafetensorsWriter writer;
  // elements of 8 bytes first, single bytes behind those of 4: each tensor begins at a multiple of its element's size
  for (const auto& [name, array] : state.arrays) {
    if (array.type() == StateArray::Type::i64) writer.add(name, "I64", {array.size()}, array.data(), array.bytes());
  }
  writer.add(kEpochs, "F64", {static_cast<Position>(state.epochs.size()), kEpochColumns}, epochs.data(),
             epochs.size() * 8);
  for (const auto& [name, array] : state.arrays) {
    if (array.type() == StateArray::Type::f32) writer.add(name, "F32", {array.size()}, array.data(), array.bytes());
  }
  const auto metrics = static_cast<Position>(facts.metrics.size());
  writer.add(kMetrics, "U8", {metrics}, facts.metrics.data(), metrics);
  std::uint64_t before =
      0;  // of all bytes that the sink has had: those of the checksum are read when it has the others
  writer.add(kChecksum, "U8", {Position{sizeof(before)}}, &before, sizeof(before));

  AtomicFile file(path);
  Hash hash;
  writer.write(
      [&](const void* data, Position bytes) {
        file.write(data, bytes);
        hash.add(data, bytes);
        before = hash.value();
      },
      metadata_of(facts, state));
  file.commit_keeping(previous_checkpoint(path));
}

void remove_unfinished(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  const std::string prefix = fs::path(path).filename().string() + ".part-";  // AtomicFile's, then process and number
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    int process = 0;
    const char* end = name.data() + name.size();
    const auto [after, error] = std::from_chars(name.data() + prefix.size(), end, process);
    if (error != std::errc{} || after == end || *after != '-' || process <= 0) continue;
    if (::kill(process, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

CheckpointFile::CheckpointFile(const std::string& path) {
  check_whole(path);
  file_ = std::make_unique<SafetensorsReader>(path);
  if (text_in(*file_, "format") != kFormat) file_->fail("is no checkpoint", kCure);
  if (const std::string& version = text_in(*file_, "format_version"); version != kVersion) {
    file_->fail("has checkpoint version " + shown(version) + "; this program reads version " + kVersion, kCure);
  }
  epoch_ = whole_in(*file_, "epoch", 1, std::numeric_limits<int>::max());
  facts_.grid = whole_in(*file_, "grid", 0, kMaxGrid);
  facts_.identity = texts_in(*file_, "identity");
  const HostBuffer<char> metrics = file_->read<char>(kMetrics, "U8");
  facts_.metrics.assign(metrics.begin(), metrics.end());
}

void CheckpointFile::read_numbers(TrainingState& state) const {
  for (const auto& [name, text] : texts_in(*file_, "numbers")) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      file_->fail("its number " + shown(name) + " is " + shown(text), kCure);
    }
    state.numbers[name] = value;
  }
  state.counts = counts_in(*file_, "counts");
}

std::vector<EpochReport> CheckpointFile::read_epochs(Position count) const {
  const std::vector<Position>& shape = file_->tensor(kEpochs, "F64").shape;
  if (shape.size() != 2 || shape[0] != count || shape[1] != kEpochColumns) {
    file_->fail(
        "its epochs are not " + std::to_string(count) + " rows of " + std::to_string(kEpochColumns) + " numbers",
        kCure);
  }
  const HostBuffer<double> values = file_->read<double>(kEpochs, "F64");
  std::vector<EpochReport> epochs;
  for (Position n = 0; n < count; ++n) {
    const double* row = values.data() + n * kEpochColumns;
    if (!is_row_of(row, n + 1)) file_->fail("row " + std::to_string(n) + " of its epochs is that of no epoch", kCure);
    epochs.push_back(report_of(row));
  }
  return epochs;
}

TrainingState CheckpointFile::state(Steps steps) const {
  TrainingState state;
  state.epoch = epoch_;
  state.epochs = read_epochs(steps == Steps::epochs ? epoch_ : 0);
  read_numbers(state);
  for (const auto& [name, info] : file_->tensors()) {
    if (kOwnTensors.contains(name)) continue;
    StateArray array = info.dtype == "I64" ? StateArray(file_->read<Position>(name, "I64"))
                                           : StateArray(file_->read<float>(name, "F32"));
    state.arrays.insert_or_assign(name, std::move(array));
  }
  return state;
}

FoundCheckpoint find_checkpoint(const std::string& path) {
  const std::string previous = previous_checkpoint(path);
  FoundCheckpoint found;
  if (!is_there(path)) {
    if (!is_there(previous)) return found;
    found.why_previous = path + " is not there";
    found.file.emplace(previous);
    return found;
  }
  try {
    found.file.emplace(path);
  } catch (const DamagedCheckpoint& error) {
    if (!is_there(previous)) throw;
    found.why_previous = error.where() + ": " + error.problem();
    found.file.emplace(previous);
  }
  return found;
}

void make_previous_the_last(const std::string& path) {
  std::error_code failed;
  fs::rename(path, damaged_checkpoint(path), failed);
  if (!failed || failed == std::errc::no_such_file_or_directory) fs::rename(previous_checkpoint(path), path, failed);
  if (!failed) return;
  throw FailedError(previous_checkpoint(path) + ": cannot be made the last checkpoint: " + failed.message(),
                    "check the folder and its permissions");
}

}  // namespace wf
