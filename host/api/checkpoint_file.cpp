#include "host/api/checkpoint_file.hpp"

#include "host/base/atomic_file.hpp"
#include "host/base/disk_file.hpp"
#include "host/base/shown.hpp"

#include <xxhash.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
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

class Hash {
 public:
  Hash() : state_(XXH3_createState(), &XXH3_freeState) { XXH3_64bits_reset(state_.get()); }
  void add(const void* data, Position bytes) {
    if (bytes > 0) XXH3_64bits_update(state_.get(), data, static_cast<std::size_t>(bytes));
  }
  std::uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

/// The shortest text that is read as the same double; infinities and NaN as well.
std::string text_of(double value) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

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
  for (const auto& [name, value] : state.numbers) numbers[name] = text_of(value);
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
    throw InputError({path}, "is not the whole checkpoint that was written: its checksum is that of other bytes",
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

int whole_in(const SafetensorsReader& file, const char* key) {
  const std::string& text = text_in(file, key);
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    file.fail(std::string("its ") + key + " is " + shown(text) + ", no number that it can be", kCure);
  }
  return value;
}

template <class Value>
std::map<std::string, Value> map_in(const SafetensorsReader& file, const char* key) {
  try {
    return Json::parse(text_in(file, key)).get<std::map<std::string, Value>>();
  } catch (const Json::exception& error) {
    file.fail(std::string("its ") + key + " cannot be read: " + error.what(), kCure);
  }
}

}  // namespace

std::string previous_checkpoint(const std::string& path) {
  return path + ".previous";
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
  epoch_ = whole_in(*file_, "epoch");
  facts_.grid = whole_in(*file_, "grid");
  facts_.identity = map_in<std::string>(*file_, "identity");
  const HostBuffer<char> metrics = file_->read<char>(kMetrics, "U8");
  facts_.metrics.assign(metrics.begin(), metrics.end());
}

void CheckpointFile::read_numbers(TrainingState& state) const {
  for (const auto& [name, text] : map_in<std::string>(*file_, "numbers")) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      file_->fail("its number " + shown(name) + " is " + shown(text), kCure);
    }
    state.numbers[name] = value;
  }
  state.counts = map_in<Position>(*file_, "counts");
}

std::vector<EpochReport> CheckpointFile::read_epochs() const {
  const std::vector<Position>& shape = file_->tensor(kEpochs, "F64").shape;
  if (shape.size() != 2 || shape[1] != kEpochColumns) file_->fail("its epochs are of another shape", kCure);
  const HostBuffer<double> values = file_->read<double>(kEpochs, "F64");
  std::vector<EpochReport> epochs;
  for (Position n = 0; n < shape[0]; ++n) epochs.push_back(report_of(values.data() + n * kEpochColumns));
  return epochs;
}

TrainingState CheckpointFile::state() const {
  TrainingState state;
  state.epoch = epoch_;
  state.epochs = read_epochs();
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
  const auto is_there = [](const std::string& name) {
    std::error_code ignored;
    return fs::exists(name, ignored);
  };
  FoundCheckpoint found;
  if (!is_there(path)) {
    if (!is_there(previous)) return found;
    found.why_previous = path + " is not there";
    found.file.emplace(previous);
    return found;
  }
  try {
    found.file.emplace(path);
  } catch (const InputError& error) {
    if (!is_there(previous)) throw;
    found.why_previous = error.where() + ": " + error.problem();
    found.file.emplace(previous);
  }
  return found;
}

}  // namespace wf
