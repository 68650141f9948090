#include "host/model/model_file.hpp"

#include "host/base/error.hpp"
#include "host/base/round_trip.hpp"
#include "host/base/shown.hpp"
#include "host/model/libmf_model.hpp"
#include "host/model/safetensors.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace wf {
namespace {

constexpr const char* kVersion = "1";
constexpr const char* kUserFactors = "user_factors.weight";
constexpr const char* kItemFactors = "item_factors.weight";
constexpr const char* kUserBiases = "user_biases.weight";
constexpr const char* kItemBiases = "item_biases.weight";
constexpr const char* kSeenStarts = "seen.starts";
constexpr const char* kSeenItems = "seen.items";
constexpr const char* kDamaged = "the file is damaged; train the model again";

/// Whether fact `key` can be `value`. The reader refuses what the writer must not write.
template <class Real>
bool is_allowed(std::string_view key, Real value) {
  if (key == "norm_type") return value > 0;  // torch allows inf: the largest magnitude
  return std::isfinite(value) && (key != "max_norm" || value >= 0);
}

// ------------------------------------------------------------------------------------------------- writing

template <class Real>
void put_number(std::map<std::string, std::string>& metadata, const char* key, Real value, const std::string& path) {
  if (!is_allowed(key, value)) {
    throw FailedError(path + ": not written: " + key + " is " + round_trip(value) + ", which no reader accepts",
                      "it must be finite; max_norm from 0, norm_type above 0, in 32-bit floats");
  }
  metadata[key] = round_trip(value);
}

void require_finite(const HostBuffer<float>& values, const char* name, const std::string& path) {
  const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return;
  throw FailedError(path + ": not written: " + name + " holds a value that is not finite",
                    "training has diverged: lower --lr or raise --lambda");
}

/// A file whose ids do not fit its tables could not be read again.
void require_ids(const IdMap& ids, Position rows) {
  if (ids.kind() == IdKind::rows || ids.size() == rows) return;
  throw std::logic_error("model of " + std::to_string(rows) + " rows with " + std::to_string(ids.size()) + " ids");
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

/// The value of `key`, which then leaves the metadata; empty: absent.
std::optional<std::string> take_text(Model& model, const std::string& key) {
  const auto found = model.metadata.find(key);
  if (found == model.metadata.end()) return std::nullopt;
  std::string text = std::move(found->second);
  model.metadata.erase(found);
  return text;
}

template <class Real>
std::optional<Real> take_number(Model& model, const SafetensorsReader& file, const std::string& key) {
  const std::optional<std::string> text = take_text(model, key);
  if (!text) return std::nullopt;
  Real value{};
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || stop != text->data() + text->size() || !is_allowed(key, value)) {
    file.fail("metadata " + key + " is " + shown(*text) + ", no number that it can be", kDamaged);
  }
  return value;
}

std::string shape_text(const std::vector<Position>& shape) {
  std::string text;
  for (const Position size : shape) text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text.empty() ? "[]" : text + "]";
}

[[noreturn]] void refuse_shape(const SafetensorsReader& file, const std::string& name, const std::string& wanted,
                               const std::string& cure) {
  file.fail("tensor " + name + " is " + shape_text(file.tensor(name, "F32").shape) + ", but the model needs " + wanted,
            cure);
}

/// [rows, rank] of a factor table.
const std::vector<Position>& factor_shape(const SafetensorsReader& file, const char* name) {
  const std::vector<Position>& shape = file.tensor(name, "F32").shape;
  if (shape.size() != 2 || shape[0] > kMaxRows || shape[1] < 1 || shape[1] > kMaxRank) {
    refuse_shape(file, name, "[rows, rank] with at most 2^31 - 1 rows and a rank of 1 to " + std::to_string(kMaxRank),
                 "give a matrix factorization's tables");
  }
  return shape;
}

void require_factors(const SafetensorsReader& file, const char* name, Position rows, int rank) {
  const std::vector<Position> wanted = {rows, rank};
  if (factor_shape(file, name) != wanted) {
    refuse_shape(file, name, shape_text(wanted), "check -k, --n-users and --n-items");
  }
}

/// [rows] as well as [rows, 1].
void require_biases(const SafetensorsReader& file, const char* name, Position rows) {
  const std::vector<Position>& shape = file.tensor(name, "F32").shape;
  if (shape != std::vector<Position>{rows, 1} && shape != std::vector<Position>{rows}) {
    refuse_shape(file, name, shape_text({rows, 1}), "biases have one value for each row of the factors");
  }
}

void check_finite(const SafetensorsReader& file, const char* name, Span<const float, Host> values, Position first) {
  const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return;
  file.fail(std::string("tensor ") + name + " holds " + (std::isnan(*bad) ? "NaN" : "an infinity") + " at element " +
                std::to_string(first + (bad - values.begin())),
            "train again with a smaller --lr");
}

HostBuffer<float> read_finite(const SafetensorsReader& file, const char* name) {
  HostBuffer<float> values = file.read<float>(name, "F32");
  check_finite(file, name, std::as_const(values).span(), 0);
  return values;
}

/// The rows of a table [rows x rank] whose ids are named, and zeros for the others, which are not read.
HostBuffer<float> read_some(const SafetensorsReader& file, const char* name, const IdMap& ids, int rank,
                            const std::vector<std::string>& named) {
  HostBuffer<float> values = HostBuffer<float>::zeros(checked_product(ids.size(), rank));
  for (const std::string& id : named) {
    const std::optional<RowId> row = ids.find(id);
    if (!row) continue;
    const Position first = Position{*row} * rank;
    const Span<float, Host> part = values.span().part(first, rank);
    file.read_part(name, "F32", first, part);
    check_finite(file, name, {part.data, part.size}, first);
  }
  return values;
}

/// How the ids of one side are kept: as the metadata says, else by the tensors there are.
IdKind id_kind(const SafetensorsReader& file, const std::string& name, const std::optional<std::string>& word) {
  const bool integers = file.has(name), strings = file.has(name + ".offsets") || file.has(name + ".bytes");
  if (integers && strings) file.fail("has both " + name + " and " + name + ".bytes", kDamaged);
  const IdKind found = integers ? IdKind::integers : strings ? IdKind::strings : IdKind::rows;
  if (word && *word != kind_name(found)) {
    file.fail(
        "metadata announces " + shown(*word) + " for " + name + ", but its tensors are those of " + kind_name(found),
        "keep the id tensors when a model is saved again");
  }
  return found;
}

void require_count(const SafetensorsReader& file, const std::string& name, Position count) {
  const std::vector<Position>& shape = file.tensor(name, "I64").shape;
  if (shape == std::vector<Position>{count}) return;
  file.fail("tensor " + name + " is " + shape_text(shape) + ", but the factors need " + shape_text({count}), kDamaged);
}

/// `offsets` begin at 0, ascend, and end where the bytes end.
void check_offsets(const SafetensorsReader& file, const std::string& name, const HostBuffer<std::int64_t>& offsets,
                   Position total) {
  const bool ascending = std::is_sorted(offsets.begin(), offsets.end());
  if (ascending && offsets[0] == 0 && offsets[offsets.size() - 1] == total) return;
  file.fail("tensor " + name + " does not ascend from 0 to " + std::to_string(total), kDamaged);
}

IdMap read_ids(const SafetensorsReader& file, const std::string& name, Position rows, IdKind kind) {
  if (kind == IdKind::rows) return IdMap::rows(rows);
  try {
    if (kind == IdKind::integers) {
      require_count(file, name, rows);
      const HostBuffer<std::int64_t> ids = file.read<std::int64_t>(name, "I64");
      IdMap map = IdMap::from_integers(ids.span());
      if (map.size() != rows) file.fail("tensor " + name + ": an id occurs twice", kDamaged);
      return map;
    }
    require_count(file, name + ".offsets", rows + 1);
    const Position total = file.tensor(name + ".bytes", "U8").elements();
    const HostBuffer<std::int64_t> offsets = file.read<std::int64_t>(name + ".offsets", "I64");
    check_offsets(file, name + ".offsets", offsets, total);
    const HostBuffer<char> bytes = file.read<char>(name + ".bytes", "U8");
    return IdMap::from_strings(bytes.span(), offsets.span());
  } catch (const std::invalid_argument& error) {
    file.fail("tensor " + name + ": " + error.what(), kDamaged);
  }
}

/// Throws unless `items` are ascending rows of a table of `n_items`.
void check_seen(const SafetensorsReader& file, Span<const RowId, Host> items, Position n_items) {
  const bool ascending = std::adjacent_find(items.begin(), items.end(), std::greater_equal<>()) == items.end();
  if (ascending && (items.empty() || (items[0] >= 0 && items[items.size - 1] < n_items))) return;
  file.fail(std::string("tensor ") + kSeenItems + " does not ascend from 0 to " + std::to_string(n_items), kDamaged);
}

/// What each user has rated; `users`: of those alone, and the others have nothing.
ItemSets read_seen(const SafetensorsReader& file, const Model& model, const std::vector<std::string>* users) {
  if (!file.has(kSeenStarts) && !file.has(kSeenItems)) return {};
  require_count(file, kSeenStarts, model.n_users + 1);
  HostBuffer<Position> starts = file.read<Position>(kSeenStarts, "I64");
  check_offsets(file, kSeenStarts, starts, file.tensor(kSeenItems, "I32").elements());
  if (users == nullptr) {
    HostBuffer<RowId> items = file.read<RowId>(kSeenItems, "I32");
    ItemSets sets(std::move(starts), std::move(items));
    for (Position user = 0; user < model.n_users; ++user) {
      check_seen(file, sets.of(static_cast<RowId>(user)), model.n_items);
    }
    return sets;
  }
  std::vector<RowId> rows;
  for (const std::string& id : *users) {
    if (const std::optional<RowId> row = model.users.find(id)) rows.push_back(*row);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  HostBuffer<Position> part_starts(model.n_users + 1, 0);
  for (const RowId row : rows) part_starts[row + 1] = starts[row + 1] - starts[row];
  std::partial_sum(part_starts.begin(), part_starts.end(), part_starts.begin());
  HostBuffer<RowId> items(part_starts[model.n_users]);
  for (const RowId row : rows) {
    const Span<RowId, Host> part = items.span().part(part_starts[row], part_starts[row + 1] - part_starts[row]);
    file.read_part(kSeenItems, "I32", starts[row], part);
    check_seen(file, {part.data, part.size}, model.n_items);
  }
  return {std::move(part_starts), std::move(items)};
}

/// Rows are matched by their number: when the file says whose they are, they must be the same.
void require_same_ids(const SafetensorsReader& file, const std::string& name, const IdMap& ids) {
  const IdKind kind = id_kind(file, name, std::nullopt);
  if (kind == IdKind::rows || ids.kind() == IdKind::rows) return;
  const IdMap others = read_ids(file, name, ids.size(), kind);
  for (Position row = 0; row < ids.size(); ++row) {
    const auto id = static_cast<RowId>(row);
    if (ids.text(id) == others.text(id)) continue;
    file.fail("row " + std::to_string(row) + " of " + name + " is " + shown(others.text(id)) +
                  ", in the ratings it is " + shown(ids.text(id)),
              "start from a model of the same ratings, in the same order");
  }
}

void check_version(Model& model, const SafetensorsReader& file) {
  const std::optional<std::string> format = take_text(model, "format");
  const std::optional<std::string> version = take_text(model, "format_version");
  if (format != "warpfactor" || version == kVersion) return;
  file.fail("has format version " + shown(version.value_or("")) + "; this program reads version " + kVersion,
            "use the warpfactor that wrote it, or a newer one");
}

void take_facts(Model& model, const SafetensorsReader& file) {
  model.global_mean = take_number<float>(model, file, "global_mean").value_or(0);
  model.rating_mean = take_number<double>(model, file, "rating_mean");
  model.rating_min = take_number<float>(model, file, "rating_min");
  model.rating_max = take_number<float>(model, file, "rating_max");
  model.norm_limit.max_norm = take_number<float>(model, file, "max_norm").value_or(0);
  model.norm_limit.norm_type = take_number<float>(model, file, "norm_type").value_or(2);
}

}  // namespace

void write_model(const Model& model, const std::string& path) {
  require_ids(model.users, model.n_users);
  require_ids(model.items, model.n_items);
  const Tables& t = model.tables;
  require_finite(t.user_factors, kUserFactors, path);
  require_finite(t.item_factors, kItemFactors, path);
  require_finite(t.user_biases, kUserBiases, path);
  require_finite(t.item_biases, kItemBiases, path);

  SafetensorsWriter writer;
  // 8-byte elements first, single bytes last: each tensor begins at a multiple of its element's size
  add_ids(writer, "user_ids", model.users);
  add_ids(writer, "item_ids", model.items);
  const Span<const Position, Host> starts = model.seen.starts();
  const Span<const RowId, Host> seen = model.seen.items();
  if (!model.seen.empty()) writer.add(kSeenStarts, "I64", {starts.size}, starts.data, starts.size * 8);
  add_factors(writer, kUserFactors, t.user_factors, model.n_users, model.rank);
  add_factors(writer, kItemFactors, t.item_factors, model.n_items, model.rank);
  if (model.has_biases()) {
    add_factors(writer, kUserBiases, t.user_biases, model.n_users, 1);
    add_factors(writer, kItemBiases, t.item_biases, model.n_items, 1);
  }
  if (!model.seen.empty()) writer.add(kSeenItems, "I32", {seen.size}, seen.data, seen.size * 4);
  add_id_texts(writer, "user_ids", model.users);
  add_id_texts(writer, "item_ids", model.items);

  std::map<std::string, std::string> metadata = model.metadata;
  metadata["format"] = "warpfactor";
  metadata["format_version"] = kVersion;
  put_number(metadata, "global_mean", model.global_mean, path);
  if (model.rating_mean) put_number(metadata, "rating_mean", *model.rating_mean, path);
  if (model.rating_min) put_number(metadata, "rating_min", *model.rating_min, path);
  if (model.rating_max) put_number(metadata, "rating_max", *model.rating_max, path);
  put_number(metadata, "max_norm", model.norm_limit.max_norm, path);
  put_number(metadata, "norm_type", model.norm_limit.norm_type, path);
  metadata["user_id_kind"] = kind_name(model.users.kind());
  metadata["item_id_kind"] = kind_name(model.items.kind());
  writer.write(path, metadata);
}

namespace {

/// `users`: read no other rows of theirs; nullptr: all.
Model read_tables(const std::string& path, const std::vector<std::string>* users, SeenItems seen) {
  const SafetensorsReader file(path);
  Model model;
  model.metadata = file.metadata();
  check_version(model, file);
  model.n_users = factor_shape(file, kUserFactors)[0];
  model.n_items = factor_shape(file, kItemFactors)[0];
  model.rank = static_cast<int>(factor_shape(file, kUserFactors)[1]);
  require_factors(file, kItemFactors, model.n_items, model.rank);
  const bool biases = file.has(kUserBiases) || file.has(kItemBiases);
  if (biases) {
    require_biases(file, kUserBiases, model.n_users);
    require_biases(file, kItemBiases, model.n_items);
  }
  take_facts(model, file);

  const IdKind user_kind = id_kind(file, "user_ids", take_text(model, "user_id_kind"));
  const IdKind item_kind = id_kind(file, "item_ids", take_text(model, "item_id_kind"));
  model.users = read_ids(file, "user_ids", model.n_users, user_kind);
  model.items = read_ids(file, "item_ids", model.n_items, item_kind);
  if (seen == SeenItems::read) model.seen = read_seen(file, model, users);
  model.tables.user_factors = users != nullptr ? read_some(file, kUserFactors, model.users, model.rank, *users)
                                               : read_finite(file, kUserFactors);
  model.tables.item_factors = read_finite(file, kItemFactors);
  if (biases) {
    model.tables.user_biases = read_finite(file, kUserBiases);
    model.tables.item_biases = read_finite(file, kItemBiases);
  }
  file.check_unchanged();
  return model;
}

}  // namespace

Model read_model(const std::string& path, SeenItems seen) {
  return is_libmf_model(path) ? read_libmf_model(path) : read_tables(path, nullptr, seen);
}

Model read_model_for(const std::string& path, const std::vector<std::string>& users, SeenItems seen) {
  return is_libmf_model(path) ? read_libmf_model(path) : read_tables(path, &users, seen);
}

void load_tables(Model& model, const std::string& path) {
  const SafetensorsReader file(path);
  const bool user_biases = model.has_biases() && file.has(kUserBiases);
  const bool item_biases = model.has_biases() && file.has(kItemBiases);
  require_factors(file, kUserFactors, model.n_users, model.rank);
  require_factors(file, kItemFactors, model.n_items, model.rank);
  if (user_biases) require_biases(file, kUserBiases, model.n_users);
  if (item_biases) require_biases(file, kItemBiases, model.n_items);
  require_same_ids(file, "user_ids", model.users);
  require_same_ids(file, "item_ids", model.items);

  Tables& t = model.tables;
  t.user_factors = read_finite(file, kUserFactors);
  t.item_factors = read_finite(file, kItemFactors);
  if (user_biases) t.user_biases = read_finite(file, kUserBiases);
  if (item_biases) t.item_biases = read_finite(file, kItemBiases);
  file.check_unchanged();
}

}  // namespace wf
