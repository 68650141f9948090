#include "host/api/checkpoint_file.hpp"

#include "host/api/checkpoint_sums.hpp"
#include "host/base/json_numbers.hpp"
#include "host/base/round_trip.hpp"
#include "host/base/shown.hpp"
#include "host/ranks/shared_file.hpp"
#include "host/schedule/block.hpp"

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
constexpr const char* kVersion = "2";
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

/// What a checkpoint is made of, and where in the file.
struct Layout {
  std::string head;
  std::map<std::string, Position> begins;  // of tensors, in the file
  Position data_bytes = 0;                 // without the checksums

  Position place(const char* tensor) const { return begins.at(tensor); }
};

Layout layout_of(const CheckpointFacts& facts, const TrainingState& state) {
  Layout layout;
  SafetensorsWriter writer;
  const auto add = [&](const std::string& name, const char* dtype, std::vector<Position> shape, Position bytes) {
    layout.begins[name] = writer.add(name, dtype, std::move(shape), nullptr, bytes);
  };
  // elements of 8 bytes first, single bytes behind those of 4: each tensor begins at a multiple of its element's size
  for (const auto& [name, array] : state.arrays) {
    if (array.type() == StateArray::Type::i64) add(name, "I64", {array.size()}, array.bytes());
  }
  const auto epochs = static_cast<Position>(state.epochs.size());
  add(kEpochs, "F64", {epochs, kEpochColumns}, epochs * kEpochColumns * 8);
  for (const auto& [name, array] : state.arrays) {
    if (array.type() == StateArray::Type::f32) add(name, "F32", {array.size()}, array.bytes());
  }
  const auto metrics = static_cast<Position>(facts.metrics.size());
  add(kMetrics, "U8", {metrics}, metrics);
  layout.data_bytes = writer.bytes();
  const Position sums = 8 * count_of_sums(layout.data_bytes);
  add(kChecksum, "U8", {sums}, sums);
  layout.head = writer.header(metadata_of(facts, state));
  for (auto& [name, begin] : layout.begins) begin += static_cast<Position>(layout.head.size());
  return layout;
}

HostBuffer<double> rows_of(const std::vector<EpochReport>& epochs) {
  HostBuffer<double> rows(static_cast<Position>(epochs.size()) * kEpochColumns);
  double* next = rows.data();
  for (const EpochReport& report : epochs) {
    const std::vector<double> row = row_of(report);
    next = std::copy(row.begin(), row.end(), next);
  }
  return rows;
}

/// What rank 0 has for all: it alone measures seconds and keeps a log.
void write_common(SharedFile& file, const Layout& layout, const CheckpointFacts& facts, const TrainingState& state) {
  file.write_at(0, layout.head.data(), static_cast<Position>(layout.head.size()));
  const HostBuffer<double> epochs = rows_of(state.epochs);
  file.write_at(layout.place(kEpochs), epochs.data(), epochs.size() * 8);
  file.write_at(layout.place(kMetrics), facts.metrics.data(), static_cast<Position>(facts.metrics.size()));
}

void write_pieces(SharedFile& file, const Layout& layout, const TrainingState& state) {
  for (const auto& [name, array] : state.arrays) {
    const Position begin = layout.begins.at(name), bytes = array.element_bytes();
    for (const StateArray::Piece& piece : array.pieces()) {
      file.write_at(begin + piece.first * bytes, piece.data, piece.count * bytes);
    }
  }
}

/// Version 1 had one checksum of all bytes, so that its files are not whole by those of pieces.
void refuse_version_1(const std::shared_ptr<const DiskFile>& file) {
  std::string version;
  try {
    const SafetensorsReader reader(file);
    const auto found = reader.metadata().find("format_version");
    if (found != reader.metadata().end()) version = found->second;
  } catch (const InputError&) {
  }
  if (version != "1") return;
  throw InputError({file->path()}, std::string("has checkpoint version 1; this program reads version ") + kVersion,
                   kCure);
}

/// Throws DamagedCheckpoint on all ranks or on none.
void check_whole(const std::shared_ptr<const DiskFile>& file, Ranks& ranks) {
  if (sums_are_right(ranks, *file)) return;
  refuse_version_1(file);
  throw DamagedCheckpoint({file->path()},
                          "is not the whole checkpoint that was written: its checksum is that of other bytes", kCure);
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
    const std::optional<Position> count = whole_number<Position>(value);
    if (!count) file.fail(std::string("in its ") + key + ", " + shown(name) + " is no whole number below 2^63", kCure);
    counts[name] = *count;
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

void write_checkpoint(const std::string& path, const CheckpointFacts& facts, const TrainingState& state, Ranks& ranks) {
  CheckpointFacts common = facts;
  common.metrics = ranks.broadcast(0, facts.metrics);
  const Layout layout = layout_of(common, state);
  if (ranks.any(ranks.broadcast(0, layout.head) != layout.head)) {
    throw FailedError(path + ": the processes are not of one training", "start all with the same settings");
  }
  SharedFile file(ranks, path);
  file.together([&] {
    if (ranks.rank() == 0) write_common(file, layout, common, state);
    write_pieces(file, layout, state);
  });
  file.sync();
  HostBuffer<std::uint64_t> share;
  file.together([&] {
    const auto read_at = [&](Position place, void* into, Position bytes) { file.read_at(place, into, bytes); };
    share = sums_of_share(ranks, static_cast<Position>(layout.head.size()), layout.data_bytes, read_at);
  });
  const HostBuffer<std::uint64_t> sums = all_sums(ranks, layout.head, share);
  file.together([&] {
    if (ranks.rank() == 0) file.write_at(layout.place(kChecksum), sums.data(), sums.size() * 8);
  });
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

CheckpointFile::CheckpointFile(const std::string& path, Ranks& ranks) {
  const auto file = std::make_shared<const DiskFile>(path);
  check_whole(file, ranks);
  file_ = std::make_shared<SafetensorsReader>(file);
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

template <class T>
StateArray CheckpointFile::array_of(const std::string& name, const char* dtype) const {
  return {StateArray::kTypeOf<T>, file_->tensor(name, dtype).elements(),
          [file = file_, name, dtype](Position first, Position count, void* into) {
            file->read_part(name, dtype, first, Span<T, Host>{static_cast<T*>(into), count});
          }};
}

TrainingState CheckpointFile::state(Steps steps) const {
  TrainingState state;
  state.epoch = epoch_;
  state.epochs = read_epochs(steps == Steps::epochs ? epoch_ : 0);
  read_numbers(state);
  for (const auto& [name, info] : file_->tensors()) {
    if (kOwnTensors.contains(name)) continue;
    state.arrays.insert_or_assign(name,
                                  info.dtype == "I64" ? array_of<Position>(name, "I64") : array_of<float>(name, "F32"));
  }
  return state;
}

FoundCheckpoint find_checkpoint(const std::string& path, Ranks& ranks) {
  const std::string previous = previous_checkpoint(path);
  const auto seen = [&ranks](const std::string& name) { return ranks.any(is_there(name)); };
  FoundCheckpoint found;
  if (!seen(path)) {
    if (!seen(previous)) return found;
    found.why_previous = path + " is not there";
    found.file.emplace(previous, ranks);
    return found;
  }
  try {
    found.file.emplace(path, ranks);
  } catch (const DamagedCheckpoint& error) {  // on all ranks, or on none
    if (!seen(previous)) throw;
    found.why_previous = error.where() + ": " + error.problem();
    found.file.emplace(previous, ranks);
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
