#include "host/model/model_file.hpp"

#include "host/base/error.hpp"
#include "host/model/safetensors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace wf {
namespace {

constexpr const char* kVersion = "1";
constexpr const char* kDamaged = "the file is damaged; train the model again";

template <class Real>
std::string round_trip(Real value) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

// ------------------------------------------------------------------------------------------------- writing

void require_finite(const HostBuffer<float>& values, const char* name, const std::string& path) {
  const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return;
  throw FailedError(path + ": not written: " + name + " holds a value that is not finite",
                    "training has diverged: lower --lr or raise --lambda");
}

void add_factors(SafetensorsWriter& writer, const char* name, const HostBuffer<float>& values, Position rows,
                 int rank) {
  writer.add(name, "F32", {rows, rank}, values.data(), values.size() * 4);
}

const char* kind_name(IdKind kind) {
  return kind == IdKind::rows ? "rows" : kind == IdKind::integers ? "integers" : "strings";
}

void add_ids(SafetensorsWriter& writer, const std::string& name, const IdMap& ids) {
  if (ids.kind() == IdKind::integers) {
    writer.add(name, "I64", {ids.size()}, ids.integers().data, ids.size() * 8);
  }
  if (ids.kind() == IdKind::strings) {
    writer.add(name + ".offsets", "I64", {ids.size() + 1}, ids.offsets().data, (ids.size() + 1) * 8);
  }
}

void add_id_texts(SafetensorsWriter& writer, const std::string& name, const IdMap& ids) {
  if (ids.kind() == IdKind::strings)
    writer.add(name + ".bytes", "U8", {ids.bytes().size}, ids.bytes().data, ids.bytes().size);
}

// ------------------------------------------------------------------------------------------------- reading

/// Takes `key` out of the metadata; `otherwise` where it is absent.
template <class Real>
Real take_number(Model& model, const SafetensorsReader& file, const std::string& key, Real otherwise) {
  const auto found = model.metadata.find(key);
  if (found == model.metadata.end()) return otherwise;
  const std::string text = found->second;
  model.metadata.erase(found);
  Real value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || std::isnan(value)) {
    file.fail("metadata " + key + " is \"" + text + "\", not a number", kDamaged);
  }
  return value;
}

std::string take_text(Model& model, const std::string& key) {
  const auto found = model.metadata.find(key);
  if (found == model.metadata.end()) return {};
  std::string text = std::move(found->second);
  model.metadata.erase(found);
  return text;
}

const TensorInfo& matrix(const SafetensorsReader& file, const char* name) {
  const TensorInfo& info = file.tensor(name, "F32");
  if (info.shape.size() != 2) file.fail(std::string("tensor ") + name + " is no matrix [rows x rank]", kDamaged);
  if (info.shape[0] > kMaxRows) file.fail(std::string("tensor ") + name + " has more than 2^31 - 1 rows", kDamaged);
  return info;
}

HostBuffer<float> read_biases(const SafetensorsReader& file, const char* name, Position rows) {
  const std::vector<Position>& shape = file.tensor(name, "F32").shape;
  if (shape != std::vector<Position>{rows, 1} && shape != std::vector<Position>{rows}) {
    file.fail(std::string("tensor ") + name + " does not have one value for each of " + std::to_string(rows) + " rows",
              kDamaged);
  }
  return file.read<float>(name, "F32");
}

IdMap read_ids(const SafetensorsReader& file, const std::string& name, Position rows) {
  const auto wrong_count = [&](const std::string& tensor) {
    file.fail("tensor " + tensor + " does not fit the " + std::to_string(rows) + " rows of its factors", kDamaged);
  };
  try {
    if (file.has(name)) {
      if (file.tensor(name, "I64").elements() != rows) wrong_count(name);
      const HostBuffer<std::int64_t> ids = file.read<std::int64_t>(name, "I64");
      return IdMap::from_integers(ids.span());
    }
    if (!file.has(name + ".offsets")) return IdMap::rows(rows);
    if (file.tensor(name + ".offsets", "I64").elements() != rows + 1) wrong_count(name + ".offsets");
    const HostBuffer<std::int64_t> offsets = file.read<std::int64_t>(name + ".offsets", "I64");
    const Position total = file.tensor(name + ".bytes", "U8").elements();
    const bool ascending = std::is_sorted(offsets.begin(), offsets.end());
    if (!ascending || offsets[0] != 0 || offsets[rows] != total)
      file.fail("tensor " + name + ".offsets is damaged", kDamaged);
    const HostBuffer<char> bytes = file.read<char>(name + ".bytes", "U8");
    return IdMap::from_strings(bytes.span(), offsets.span());
  } catch (const std::invalid_argument& error) {
    file.fail(name + ": " + error.what(), kDamaged);
  }
}

void require_shape(const SafetensorsReader& file, const char* name, Position rows, int rank) {
  const TensorInfo& info = matrix(file, name);
  if (info.shape[0] == rows && info.shape[1] == rank) return;
  file.fail(std::string("tensor ") + name + " is [" + std::to_string(info.shape[0]) + ", " +
                std::to_string(info.shape[1]) + "], the model needs [" + std::to_string(rows) + ", " +
                std::to_string(rank) + "]",
            "check -k, --n-users and --n-items");
}

void load_finite(const SafetensorsReader& file, const char* name, HostBuffer<float>& into) {
  into = file.read<float>(name, "F32");
  if (!std::all_of(into.begin(), into.end(), [](float value) { return std::isfinite(value); })) {
    file.fail(std::string("tensor ") + name + " holds a value that is not finite", "start from finite tables");
  }
}

}  // namespace

void write_model(const Model& model, const std::string& path) {
  const Tables& t = model.tables;
  require_finite(t.user_factors, "user_factors.weight", path);
  require_finite(t.item_factors, "item_factors.weight", path);
  require_finite(t.user_biases, "user_biases.weight", path);
  require_finite(t.item_biases, "item_biases.weight", path);

  SafetensorsWriter
      writer;  // tensors of 8-byte elements first, of single bytes last: each begins at a multiple of its size
  add_ids(writer, "user_ids", model.users);
  add_ids(writer, "item_ids", model.items);
  add_factors(writer, "user_factors.weight", t.user_factors, model.n_users, model.rank);
  add_factors(writer, "item_factors.weight", t.item_factors, model.n_items, model.rank);
  if (model.has_biases()) {
    add_factors(writer, "user_biases.weight", t.user_biases, model.n_users, 1);
    add_factors(writer, "item_biases.weight", t.item_biases, model.n_items, 1);
  }
  add_id_texts(writer, "user_ids", model.users);
  add_id_texts(writer, "item_ids", model.items);

  std::map<std::string, std::string> metadata = model.metadata;
  metadata["format"] = "warpfactor";
  metadata["format_version"] = kVersion;
  metadata["global_mean"] = round_trip(model.global_mean);
  metadata["rating_mean"] = round_trip(model.rating_mean);
  metadata["rating_min"] = round_trip(model.rating_min);
  metadata["rating_max"] = round_trip(model.rating_max);
  metadata["max_norm"] = round_trip(model.norm_limit.max_norm);
  metadata["norm_type"] = round_trip(model.norm_limit.norm_type);
  metadata["user_id_kind"] = kind_name(model.users.kind());
  metadata["item_id_kind"] = kind_name(model.items.kind());
  writer.write(path, metadata);
}

Model read_model(const std::string& path) {
  const SafetensorsReader file(path);
  const TensorInfo& users = matrix(file, "user_factors.weight");
  const TensorInfo& items = matrix(file, "item_factors.weight");
  if (users.shape[1] != items.shape[1] || users.shape[1] < 1 || users.shape[1] > kMaxRank) {
    file.fail("its factor tables have " + std::to_string(users.shape[1]) + " and " + std::to_string(items.shape[1]) +
                  " columns; a model has the same rank in both, 1 to " + std::to_string(kMaxRank),
              kDamaged);
  }
  Model model;
  model.n_users = users.shape[0];
  model.n_items = items.shape[0];
  model.rank = static_cast<int>(users.shape[1]);
  model.metadata = file.metadata();
  const std::string format = take_text(model, "format");
  const std::string version = take_text(model, "format_version");
  if (format == "warpfactor" && version != kVersion) {
    file.fail("has format version " + version + "; this program reads version " + kVersion, "use a newer warpfactor");
  }
  take_text(model, "user_id_kind");
  take_text(model, "item_id_kind");
  model.global_mean = take_number(model, file, "global_mean", 0.0F);
  model.rating_mean = take_number(model, file, "rating_mean", 0.0);
  model.rating_min = take_number(model, file, "rating_min", 0.0F);
  model.rating_max = take_number(model, file, "rating_max", 0.0F);
  model.norm_limit.max_norm = take_number(model, file, "max_norm", 0.0F);
  model.norm_limit.norm_type = take_number(model, file, "norm_type", 2.0F);

  load_finite(file, "user_factors.weight", model.tables.user_factors);
  load_finite(file, "item_factors.weight", model.tables.item_factors);
  if (file.has("user_biases.weight") != file.has("item_biases.weight")) {
    file.fail("has biases for one side only", kDamaged);
  }
  if (file.has("user_biases.weight")) {
    model.tables.user_biases = read_biases(file, "user_biases.weight", model.n_users);
    model.tables.item_biases = read_biases(file, "item_biases.weight", model.n_items);
  }
  model.users = read_ids(file, "user_ids", model.n_users);
  model.items = read_ids(file, "item_ids", model.n_items);
  return model;
}

void load_tables(Model& model, const std::string& path) {
  const SafetensorsReader file(path);
  require_shape(file, "user_factors.weight", model.n_users, model.rank);
  require_shape(file, "item_factors.weight", model.n_items, model.rank);
  load_finite(file, "user_factors.weight", model.tables.user_factors);
  load_finite(file, "item_factors.weight", model.tables.item_factors);
  if (!model.has_biases()) return;
  if (file.has("user_biases.weight")) model.tables.user_biases = read_biases(file, "user_biases.weight", model.n_users);
  if (file.has("item_biases.weight")) model.tables.item_biases = read_biases(file, "item_biases.weight", model.n_items);
}

}  // namespace wf
