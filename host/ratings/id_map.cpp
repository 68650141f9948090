#include "host/ratings/id_map.hpp"

#include "host/base/host_buffer.hpp"
#include "host/base/shown.hpp"

#include <sys/random.h>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>
#include <xxhash.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace wf {
namespace {

/// What hashes of ids begin with: another number in every process, so that nobody can write a file whose ids all meet
/// in one bucket, for which robin_map would double its table with every id. Rows are numbered as ids appear: no result
/// depends on it.
std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits)
      return std::uint64_t{0};  // the kernel is starting
    return bits;
  }();
  return seed;
}

/// Ids are often multiples of a power of two, which the table's mask would all send to one bucket.
/// The finaliser of SplitMix64: Steele, Lea, Flood: Fast splittable pseudorandom number generators. OOPSLA 2014.
struct MixedHash {
  std::uint64_t seed = hash_seed();
  std::size_t operator()(std::int64_t id) const {
    auto bits = static_cast<std::uint64_t>(id) ^ seed;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBU;
    return bits ^ bits >> 31;
  }
};

std::string quoted(std::string_view id) {
  return "id " + shown(id);
}

}  // namespace

struct IdMap::Tables {
  IdKind kind = IdKind::integers;
  IdRules rules;
  Position n_rows = 0;

  HostBuffer<std::int64_t> integers;  // [n_rows], kind integers
  // The row of each id below the table's size, kNone: not seen. Most files number from 0 or 1, and a table is several
  // times as fast as hashing. It takes ids below kSmallIds, and larger ones below kPlacesPerRow times the rows. As it
  // grows by doubling, a row costs at most 64 bytes here; in the hash map it costs 48 to 96.
  static constexpr std::int64_t kSmallIds = 1 << 20;
  static constexpr std::int64_t kPlacesPerRow = 8;
  static constexpr RowId kNone = -1;
  HostBuffer<RowId> row_of_small;
  tsl::robin_map<std::int64_t, RowId, MixedHash> row_of_integer;  // of all others

  HostBuffer<char> bytes;  // kind strings: text of row r is bytes[offsets[r] .. offsets[r + 1]]
  HostBuffer<std::int64_t> offsets;
  struct Hash {
    using is_transparent = void;
    const Tables* tables;
    std::uint64_t seed = hash_seed();
    std::size_t operator()(RowId row) const { return (*this)(tables->view(row)); }
    std::size_t operator()(std::string_view text) const { return XXH3_64bits_withSeed(text.data(), text.size(), seed); }
  };
  struct Equal {
    using is_transparent = void;
    const Tables* tables;
    bool operator()(RowId a, RowId b) const { return a == b; }
    bool operator()(std::string_view text, RowId row) const { return text == tables->view(row); }
    bool operator()(RowId row, std::string_view text) const { return text == tables->view(row); }
  };
  // rows are the keys, so that the arena of texts may move
  tsl::robin_set<RowId, Hash, Equal> rows_by_text{16, Hash{this}, Equal{this}};

  explicit Tables(IdKind initial) : kind(initial) {
    rules.rows = kind == IdKind::rows;
    if (kind == IdKind::strings) offsets.push_back(0);
  }
  std::string_view view(RowId row) const {
    return {bytes.data() + offsets[row], static_cast<std::size_t>(offsets[row + 1] - offsets[row])};
  }
  void check_room() const {
    if (n_rows == kMaxRows) throw std::invalid_argument("more than " + std::to_string(kMaxRows) + " different ids");
  }
  RowId add_text(std::string_view text) {
    if (const auto found = rows_by_text.find(text); found != rows_by_text.end()) return *found;
    check_room();
    const auto row = static_cast<RowId>(n_rows);
    const Position begin = bytes.size();
    if (begin + static_cast<Position>(text.size()) > bytes.capacity()) {
      bytes.reserve(std::max<Position>(4096, 2 * bytes.capacity()) + static_cast<Position>(text.size()));
    }
    bytes.resize(begin + static_cast<Position>(text.size()));
    std::copy(text.begin(), text.end(), bytes.data() + begin);
    offsets.push_back(bytes.size());
    rows_by_text.insert(row);
    ++n_rows;
    return row;
  }
  RowId find_integer(std::int64_t id) const {
    if (id >= 0 && id < row_of_small.size()) return row_of_small[id];
    const auto found = row_of_integer.find(id);
    return found == row_of_integer.end() ? kNone : found->second;
  }
  RowId add_integer(std::int64_t id) {
    if (const RowId known = find_integer(id); known != kNone) return known;
    check_room();
    const auto row = static_cast<RowId>(n_rows);
    integers.push_back(id);
    if (belongs_in_table(id)) {
      grow_table(id);
      row_of_small[id] = row;
    } else {
      row_of_integer.emplace(id, row);
    }
    ++n_rows;
    return row;
  }
  bool belongs_in_table(std::int64_t id) const {
    return id >= 0 && id < std::max({kSmallIds, kPlacesPerRow * n_rows, row_of_small.size()});
  }
  void grow_table(std::int64_t id) {
    const Position old = row_of_small.size();
    if (id < old) return;
    row_of_small.resize(std::max<Position>(2 * old, id + 1));
    std::fill(row_of_small.begin() + old, row_of_small.end(), kNone);
    if (row_of_integer.empty()) return;
    for (Position row = 0; row < n_rows; ++row) {  // as the table doubles, a row is looked at a few times in all
      const std::int64_t hashed = integers[row];
      if (hashed < old || hashed >= row_of_small.size()) continue;
      row_of_small[hashed] = static_cast<RowId>(row);
      row_of_integer.erase(hashed);
    }
  }
  void add_integers(Span<const std::int64_t, Host> ids, Span<RowId, Host> rows) {
    const RowId* table = row_of_small.data();
    auto size = static_cast<std::uint64_t>(row_of_small.size());
    for (Position n = 0; n < ids.size; ++n) {
      const auto id = static_cast<std::uint64_t>(ids[n]);  // negative ones lie beyond every table
      RowId row = id < size ? table[id] : kNone;
      if (row == kNone) {
        row = add_integer(ids[n]);
        table = row_of_small.data();
        size = static_cast<std::uint64_t>(row_of_small.size());
      }
      rows[n] = row;
    }
  }
  RowId add_row(std::int64_t row) {
    n_rows = std::max(n_rows, row + 1);
    return static_cast<RowId>(row);
  }
  void become_strings() {
    const HostBuffer<std::int64_t> old = std::exchange(integers, {});
    row_of_small = {};
    row_of_integer = {};
    kind = IdKind::strings;
    n_rows = 0;
    offsets.push_back(0);
    for (const std::int64_t id : old) add_text(std::to_string(id));
  }
};

IdMap::IdMap(IdKind kind) : tables_(std::make_unique<Tables>(kind)) {}
IdMap::IdMap(IdMap&&) noexcept = default;
IdMap& IdMap::operator=(IdMap&&) noexcept = default;
IdMap::~IdMap() = default;

IdMap IdMap::rows(Position n_rows) {
  IdMap map(IdKind::rows);
  map.tables_->n_rows = n_rows;
  return map;
}

IdMap IdMap::declared_rows(Position n_rows) {
  IdMap map = rows(n_rows);
  map.tables_->rules.row_limit = n_rows;
  return map;
}

IdMap IdMap::rows_in_memory(Position limit) {
  IdMap map(IdKind::rows);
  map.tables_->rules.row_limit = std::min(limit, kMaxRows);
  map.tables_->rules.limit_of_memory = true;
  return map;
}

IdMap IdMap::from_integers(Span<const std::int64_t, Host> ids) {
  IdMap map(IdKind::integers);
  map.tables_->integers.reserve(ids.size);
  const std::int64_t dense = std::max(Tables::kSmallIds, Tables::kPlacesPerRow * ids.size);
  const auto is_large = [dense](std::int64_t id) { return id < 0 || id >= dense; };
  map.tables_->row_of_integer.reserve(static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), is_large)));
  for (Position n = 0; n < ids.size; ++n) {
    if (map.tables_->add_integer(ids[n]) != n) {
      throw std::invalid_argument("id " + std::to_string(ids[n]) + " occurs twice");
    }
  }
  return map;
}

IdMap IdMap::from_strings(Span<const char, Host> bytes, Span<const std::int64_t, Host> offsets) {
  IdMap map(IdKind::strings);
  map.tables_->bytes.reserve(bytes.size);
  map.tables_->offsets.reserve(offsets.size);
  for (Position n = 0; n + 1 < offsets.size; ++n) {
    const std::string_view text(bytes.data + offsets[n], static_cast<std::size_t>(offsets[n + 1] - offsets[n]));
    if (map.tables_->add_text(text) != n) throw std::invalid_argument(quoted(text) + " occurs twice");
  }
  return map;
}

IdMap IdMap::clone() const {
  if (kind() == IdKind::rows) {
    IdMap copy = rows(size());
    copy.tables_->rules = tables_->rules;
    return copy;
  }
  IdMap copy = kind() == IdKind::integers ? from_integers(integers()) : from_strings(bytes(), offsets());
  copy.tables_->rules = tables_->rules;
  return copy;
}

const IdRules& IdMap::rules() const {
  return tables_->rules;
}

RowId IdMap::insert(std::string_view id) {
  Tables& tables = *tables_;
  if (tables.kind == IdKind::integers) {
    if (const auto value = canonical_integer(id)) return tables.add_integer(*value);
  }
  if (const std::string why = tables.rules.why_not(id); !why.empty()) throw std::invalid_argument(why);
  if (tables.kind == IdKind::rows) return tables.add_row(canonical_integer(id).value());
  if (tables.kind == IdKind::integers) tables.become_strings();
  return tables.add_text(id);
}

void IdMap::insert_integers(Span<const std::int64_t, Host> ids, Span<RowId, Host> rows) {
  Tables& tables = *tables_;
  switch (tables.kind) {
    case IdKind::integers:
      return tables.add_integers(ids, rows);
    case IdKind::rows:
      for (Position n = 0; n < ids.size; ++n) rows[n] = tables.add_row(ids[n]);
      return;
    case IdKind::strings:
      for (Position n = 0; n < ids.size; ++n) rows[n] = insert(std::to_string(ids[n]));
  }
}

std::optional<RowId> IdMap::find(std::string_view id) const {
  const Tables& tables = *tables_;
  if (tables.kind == IdKind::strings) {
    const auto found = tables.rows_by_text.find(id);
    return found == tables.rows_by_text.end() ? std::nullopt : std::optional(*found);
  }
  const std::optional<std::int64_t> value = canonical_integer(id);
  if (!value) return std::nullopt;
  if (tables.kind == IdKind::rows) {
    return *value >= 0 && *value < tables.n_rows ? std::optional(static_cast<RowId>(*value)) : std::nullopt;
  }
  const RowId row = tables.find_integer(*value);
  return row == Tables::kNone ? std::nullopt : std::optional(row);
}

IdKind IdMap::kind() const {
  return tables_->kind;
}

void IdMap::fix_strings() {
  if (tables_->kind == IdKind::integers) tables_->become_strings();
  tables_->rules.strings_fixed = true;
}

void IdMap::fix_integers() {
  tables_->rules.integers_fixed = true;
}

Position IdMap::size() const {
  return tables_->n_rows;
}

std::string IdMap::text(RowId row) const {
  switch (kind()) {
    case IdKind::rows:
      return std::to_string(row);
    case IdKind::integers:
      return std::to_string(tables_->integers[row]);
    case IdKind::strings:
      break;
  }
  return std::string(tables_->view(row));
}

Span<const std::int64_t, Host> IdMap::integers() const {
  return std::as_const(tables_->integers).span();
}
Span<const char, Host> IdMap::bytes() const {
  return std::as_const(tables_->bytes).span();
}
Span<const std::int64_t, Host> IdMap::offsets() const {
  return std::as_const(tables_->offsets).span();
}

}  // namespace wf
